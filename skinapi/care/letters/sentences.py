"""A letter's text in sentences, and what one sentence names: conditions, numbers, times."""

import re
from collections.abc import Collection, Iterator
from datetime import date
from functools import cache

from skinapi.care.letters.plain_text import without_accents
from skinapi.care.letters.words import VOCABULARIES, Vocabulary
from skinapi.languages import LANGUAGES
from skinapi.records.due_days import say_day
from skinapi.vision.conditions import Band, conditions_table

# Not behind a title or an initial, where a name follows.
END = re.compile(
    r"(?<=[.!?…])(?<!\bM\.)(?<!\bMr\.)(?<!\bMrs\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bPr\.)(?<!\bProf\.)"
    r"(?<!\bno\.)(?<!\be\.g\.)(?<!\bi\.e\.)\s+|\n+"
)
CLOSED = re.compile(r"[.!?…:;,]\W*$")
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
NAME = "NAME"
# Until how many days a time says the urgency of each band: "huit jours" are a week.
LATEST = {Band.URGENT_REFERRAL: 8, Band.REFERRAL: 15, Band.DOCTOR_REVIEW: 42, Band.ROUTINE: 10**9}


def sentences_of(text: str, own: Collection[str] = ()) -> list[str]:
    """A line that ends within a sentence is none of its own, unless it or the next is in `own`."""
    spans: list[tuple[int, int]] = []
    line = ""
    for start, end in _pieces(text):
        piece = text[start:end].strip()
        broken = spans and "\n" in text[spans[-1][1] : start] and not CLOSED.search(line)
        if broken and not {line, piece} & set(own):
            spans[-1] = (spans[-1][0], end)
        elif piece:
            spans.append((start, end))
        line = piece or line
    return [text[start:end].strip() for start, end in spans]


def lines_of(text: str) -> set[str]:
    """Its sentences, each line apart."""
    return {text[start:end].strip() for start, end in _pieces(text)}


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for end in END.finditer(text):
        yield start, end.start()
        start = end.end()
    yield start, len(text)


@cache
def spellings() -> dict[str, str]:
    """Every spelling of every condition in any language, in lower case, with its key. Longest
    first, because a long name may contain a short one.
    """
    table = conditions_table()
    found = {spelled.casefold(): key for spelled, key in table.label_spellings().items()}
    for key in table.labels:
        found |= {table.name(key, language).casefold(): key for language in LANGUAGES}
    for language in LANGUAGES:
        for key, written in VOCABULARIES[language].synonyms.items():
            found |= dict.fromkeys(written, key)
    plain = {without_accents(spelled): key for spelled, key in found.items()}
    return dict(sorted(plain.items(), key=lambda entry: -len(entry[0])))


@cache
def _names() -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, spellings()))})s?(?!\w)")


def named_in(lower: str) -> Iterator[tuple[str, int, int]]:
    """The conditions that a sentence in lower case and without accents names, each with where."""
    for found in _names().finditer(lower):
        word = found[0] if found[0] in spellings() else found[0].removesuffix("s")
        yield spellings()[word], found.start(), found.end()


def without_names(lower: str) -> str:
    """The sentence with NAME in place of each condition."""
    return _names().sub(NAME, lower)


def times_in(text: str, words: Vocabulary) -> Iterator[tuple[str, float]]:
    """Each time in the text, with its days; of "two to three weeks" the later."""
    for found in words.time.finditer(text):
        count = words.counts.get(found[1]) or int(found[1])
        yield found[0], count * words.units[found[2]]


def band_of(days: float) -> Band:
    """The band whose urgency it is to see a doctor within so many days."""
    return next(band for band, latest in LATEST.items() if days <= latest)


def without_dates(sentence: str, days: Collection[date]) -> str:
    """Without the dates that are known here."""
    known: list[str] = [
        say_day(day, language, weekday=True) for day in days for language in LANGUAGES
    ]
    for day in days:
        known += [f"{day:%Y-%m-%d}", f"{day:%d/%m/%Y}", f"{day:%d.%m.%Y}"]
        for words in VOCABULARIES.values():
            month = words.months[day.month - 1]
            known += [f"{day.day} {month} {day.year}", f"{month} {day.day}, {day.year}"]
            known += [f"1er {month} {day.year}"] if day.day == 1 else []
    for text in known:
        sentence = re.sub(rf"(?<!\w){re.escape(text)}(?!\w)", " ", sentence)
    return sentence


# Looks for words of every language in a sentence: those of a `Vocabulary`, by their name there.


def each(pattern: str, text: str) -> Iterator[re.Match[str]]:
    """What these words of any language find in the text."""
    for words in VOCABULARIES.values():
        yield from re.finditer(getattr(words, pattern), text)


def pairs(first: str, second: str, text: str, within: int) -> Iterator[re.Match[str]]:
    """A word of the first with one of the second after it, with so many others between them."""
    for words in VOCABULARIES.values():
        between = rf"(?:[ '][\w'-]+){{0,{within}}}?[ ']"
        pattern = f"{getattr(words, first)}{between}{getattr(words, second)}"
        yield from re.finditer(pattern, text)


def split(text: str, pattern: str) -> list[str]:
    parts = [text]
    for words in VOCABULARIES.values():
        parts = [part for one in parts for part in re.split(getattr(words, pattern), one)]
    return parts


def without(text: str, pattern: str) -> str:
    for words in VOCABULARIES.values():
        text = re.sub(getattr(words, pattern), " ; ", text)
    return text


def before(text: str, start: int) -> str:
    """As much of it as a negation may be away."""
    return text[max(0, start - 80) : start]


def is_negated(said: re.Match[str]) -> bool:
    """Whether the words are negated, in their own part of the sentence."""
    part = re.split("[,;:]", before(said.string, said.start()))[-1]
    return any(each("negation", split(part, "apart")[-1]))


def is_time_word(said: str) -> bool:
    return any(re.fullmatch(words.time_words, said) for words in VOCABULARIES.values())


def is_hedged(claim: str) -> bool:
    return any(each("hedge", claim))


def claims(before: str, after: str) -> bool:
    """Whether a name between these words is said to be what it is."""
    for words in VOCABULARIES.values():
        if re.match(rf" {words.found}", after):
            return True
        for claim in re.finditer(words.claim, before):
            far = len(before[claim.end() :].split()) > 3
            if not (far or re.search(words.hedge, before)):
                return True
    return False
