"""A letter's text in sentences, and what one sentence names: conditions, numbers, times."""

import re
from collections.abc import Iterator
from functools import cache

from skinapi.care.letters.words import LETTER_WORDS
from skinapi.care.letters.words.letter_words import Vocabulary
from skinapi.languages import LANGUAGES
from skinapi.vision.conditions import Band, conditions_table

# Not behind a title or an initial, where a name follows.
END = re.compile(
    r"(?<=[.!?…])(?<!\bM\.)(?<!\bMr\.)(?<!\bMrs\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bPr\.)(?<!\bProf\.)"
    r"(?<!\bno\.)(?<!\be\.g\.)(?<!\bi\.e\.)\s+|\n+"
)
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
NAME = "NAME"
# Until how many days a time says the urgency of each band.
LATEST = {Band.URGENT_REFERRAL: 7, Band.REFERRAL: 14, Band.DOCTOR_REVIEW: 42, Band.ROUTINE: 10**9}
VOCABULARIES = tuple(LETTER_WORDS[language].vocabulary for language in LANGUAGES)


def sentences_of(text: str) -> list[str]:
    return [sentence.strip() for sentence in END.split(text) if sentence.strip()]


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
        for key, written in LETTER_WORDS[language].vocabulary.synonyms.items():
            found |= dict.fromkeys(written, key)
    return dict(sorted(found.items(), key=lambda entry: -len(entry[0])))


@cache
def _names() -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, spellings()))})s?(?!\w)")


def named_in(lower: str) -> Iterator[tuple[str, int, int]]:
    """The conditions that a sentence in lower case names, each with where."""
    for found in _names().finditer(lower):
        word = found[0] if found[0] in spellings() else found[0].removesuffix("s")
        yield spellings()[word], found.start(), found.end()


def without_names(lower: str) -> str:
    """The sentence with NAME in place of each condition."""
    return _names().sub(NAME, lower)


def times_in(text: str, words: Vocabulary) -> Iterator[tuple[str, int]]:
    """Each time in the text, with its days; of "two to three weeks" the later."""
    number, units = count_in(words), "|".join(sorted(words.units, key=len, reverse=True))
    until = rf"(?<!\w)(?:{number} ?(?:-|–|to|or|à|ou) ?)?({number})"
    pattern = rf"{until}[ -](?:\w+ )?({units})(?:s|es)?(?!\w)"
    for found in re.finditer(pattern, text):
        count = int(found[1]) if found[1].isdigit() else words.numbers[found[1]]
        yield found[0], count * words.units[found[2]]


def count_in(words: Vocabulary) -> str:
    """The pattern of a count, in digits or words."""
    return rf"(?:\d+|{'|'.join(sorted(words.numbers, key=len, reverse=True))})"


def band_of(days: int) -> Band:
    """The band whose urgency it is to see a doctor within so many days."""
    return next(band for band, latest in LATEST.items() if days <= latest)
