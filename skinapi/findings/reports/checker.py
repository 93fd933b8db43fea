"""Decides whether a sentence says what its passage says: by a few rules on its form, then by a
second LLM of another maker, which sees passage and sentence side by side and nothing else.

The second LLM is not trusted either. Each call hides pairs whose answer is known among the others;
one that keeps a wrong pair, or drops the good one, is not believed for this call.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from skinapi.base.languages import Language, read_yaml
from skinapi.base.stored_record import Frozen
from skinapi.findings.reports.openrouter import OpenRouterClient, Question, Reading
from skinapi.findings.reports.report import NarrativeUnavailable, Unwritten
from skinapi.findings.reports.writer import LANGUAGE_NAMES, Pair, closed_object
from skinapi.model.passages import passages_table

KNOWN_WRONG, KNOWN_GOOD = 2, 1  # hidden in each call
MOST_TOKENS = 2000
MOST_SENTENCES = 2
SPARE_WORDS = 8  # beyond a third more than the passage has
INSTRUCTIONS = """\
You compare sentences with the passages that they put into other words, in {language}. Both are
about skin lesions and how a program checks photographs of them. Judge each pair by itself: does the
sentence say the same as its passage?

keep is true only if the sentence has
- the same facts, and none that the passage lacks: no cause, example, comfort, advice, time, place;
- the same certainty: "can" is not "will", "usually" is not "always", "most" is not "all" or "some",
  and no "not" may be lost or moved;
- the same scope: of whom, of which condition, of one photo or of the disease, of a spot in general
  or of the reader's own;
- the same numbers, of the same things, and the same names;
- everything without which a reader would believe something else.
Another tone, order or structure, a plain word for a learned one, and an opener such as "In other
words" change nothing: keep these.

"before" is what stands before the sentence; it only tells what "it" means. Some of the sentences
are wrong, some by one small word. Say the difference in a few words, or nothing; if you doubt
whether it is one, keep is false."""


class Dropped(StrEnum):
    """Why the passage stands in place of a sentence."""

    MISSING = "missing"
    FORM = "form"
    LENGTH = "length"
    NUMBER = "number"
    NAME = "name"
    ADVICE = "advice"
    CHECKER = "checker"


# One or two plain sentences: no question, quotation, heading, list, link or markup.
_FORM = re.compile(r"[A-ZÀ-ÖØ-Þ0-9](?:[\w \u00a0\u202f,;:()'’%/–-]|\.(?=\s|\d|$))*\.", re.DOTALL)
_END = re.compile(r"\.(?=\s|$)")
NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_WORDS_OF_NUMBERS: Mapping[Language, str] = {
    "en": "two three four five six seven eight nine ten",
    "fr": "deux trois quatre cinq six sept huit neuf dix",
}
# What to do, when and where: these are the template's, and stand first.
_ADVICE: Mapping[Language, re.Pattern[str]] = {
    "en": re.compile(
        r"you (?:should|must|need|have to|ought)|please|make sure|see (?:a|your) doctor|doctor's"
        r" (?:visit|practice)|appointment|call|ask (?:a|your)|don't|do not (?:wait|worry|panic)"
        r"|worry|reassur\w*|today|tomorrow|now|soon|days?|weeks?|months?|years?|hours?"
        r"|immediately|urgent\w*|hospital|clinic|emergency|pharmacy|internet"
    ),
    "fr": re.compile(
        r"vous (?:devez|devriez|pouvez)|il faut|veuillez|consulte[zr]|rendez-vous|appele[zr]"
        r"|demande[zr] à|n'attendez|inquiét\w*|rassur\w*|aujourd'hui|demain|maintenant|bientôt"
        r"|jours?|semaines?|mois|ans|années?|heures?|immédiat\w*|urgen\w*|hôpital|clinique"
        r"|pharmacie|internet"
    ),
}


def find_fault(pair: Pair, language: Language) -> Dropped | None:
    """What a program sees: it compares no claim."""
    text = pair.sentence
    if text is None:
        return Dropped.MISSING
    passage = pair.text(language)
    if not _FORM.fullmatch(text) or len(_END.findall(text)) > MOST_SENTENCES * len(pair.passages):
        return Dropped.FORM
    if len(text.split()) > len(passage.split()) * 4 // 3 + SPARE_WORDS:
        return Dropped.LENGTH
    if _numbers(text, language) != _numbers(passage, language):
        return Dropped.NUMBER
    about = {item.about for item in pair.passages if item.about}
    if _names(text, language) - _names(passage, language) - about:
        return Dropped.NAME
    # "in about 3 to 5 of 100 people a year" may be the passage's own.
    foreign = _find_all(_ADVICE[language], text) - _find_all(_ADVICE[language], passage)
    return Dropped.ADVICE if foreign else None


def _numbers(text: str, language: Language) -> set[str]:
    words = {word: str(n) for n, word in enumerate(_WORDS_OF_NUMBERS[language].split(), 2)}
    found = {item.replace(",", ".") for item in NUMBER.findall(text)}
    found |= {words[word] for word in re.findall(r"[\w-]+", text.lower()) if word in words}
    return found - {"100"}  # "29 %" is "29 in 100"


def _names(text: str, language: Language) -> set[str]:
    plain, found = text.lower().replace("’", "'"), set[str]()
    for condition, names in passages_table().names.items():
        pattern = "|".join(map(re.escape, names[language]))
        if re.search(rf"(?<!\w)(?:{pattern})(?!\w)", plain):
            found.add(condition)
    return found


def _find_all(pattern: re.Pattern[str], text: str) -> set[str]:
    return set(re.findall(rf"\b(?:{pattern.pattern})\b", text.lower().replace("’", "'")))


class KnownPair(Frozen):
    """A pair whose answer people have agreed on."""

    passage: str
    sentence: str
    before: str = ""


class KnownPairs(Frozen):
    wrong: tuple[KnownPair, ...]
    good: tuple[KnownPair, ...]


@cache
def known_pairs(language: Language) -> KnownPairs:
    written = read_yaml("skinapi.findings.reports", "known_pairs.yaml")
    return KnownPairs.model_validate(written[language])


class Verdict(Frozen):
    pair: int
    difference: Annotated[str, StringConstraints(max_length=1000)]
    keep: bool


class Verdicts(Frozen):
    verdicts: Annotated[tuple[Verdict, ...], Field(max_length=100)]


@dataclass(frozen=True, slots=True)
class Shown:
    """A pair as the checker sees it; `keep` is the known answer of one that tests it."""

    passage: str
    sentence: str
    before: str = ""
    keep: bool | None = None


def hide_known(shown: Sequence[Shown], language: Language, draw: random.Random) -> list[Shown]:
    """Put pairs with a known answer at places that are drawn, no passage twice."""
    known, mixed = known_pairs(language), [*shown]
    for pairs, count, keep in ((known.wrong, KNOWN_WRONG, False), (known.good, KNOWN_GOOD, True)):
        for _ in range(count):
            there = {item.passage for item in mixed}
            hidden = draw.choice([item for item in pairs if item.passage not in there])
            mixed.insert(draw.randint(0, len(mixed)), Shown(**hidden.model_dump(), keep=keep))
    return mixed


def ask_to_compare(shown: Sequence[Shown], language: Language) -> Question:
    pairs = [
        {"pair": index, "before": item.before, "passage": item.passage, "sentence": item.sentence}
        for index, item in enumerate(shown, 1)
    ]
    verdict = closed_object(
        pair={"type": "integer"}, difference={"type": "string"}, keep={"type": "boolean"}
    )
    return Question(
        name="comparison",
        instructions=INSTRUCTIONS.format(language=LANGUAGE_NAMES[language]),
        sent={"pairs": pairs},
        schema=closed_object(verdicts={"type": "array", "items": verdict}),
        most_tokens=MOST_TOKENS,
    )


def read_verdicts(content: str) -> Verdicts:
    try:
        return Verdicts.model_validate_json(content)
    except ValidationError as error:
        raise NarrativeUnavailable(Unwritten.MALFORMED) from error


def judge(shown: Sequence[Shown], verdicts: Verdicts) -> list[bool]:
    """Which of these pairs are kept, without the known ones. A pair that was not judged is not.
    Raises NarrativeUnavailable where the known ones show that the answer is not to be believed.
    """
    answers = dict[int, bool]()
    for verdict in verdicts.verdicts:
        answers[verdict.pair] = answers.get(verdict.pair, True) and verdict.keep
    kept = [(item, answers.get(index, False)) for index, item in enumerate(shown, 1)]
    if any(item.keep is not None and item.keep is not answer for item, answer in kept):
        raise NarrativeUnavailable(Unwritten.CHECKER_NOT_BELIEVED)
    return [answer for item, answer in kept if item.keep is None]


@dataclass(frozen=True, slots=True)
class Checked:
    """Why each pair is dropped, in order; None for one that is kept."""

    dropped: tuple[Dropped | None, ...]
    checker: str = ""
    tokens: int = 0


def check(
    llm: OpenRouterClient,
    paired: Sequence[Sequence[Pair]],
    language: Language,
    *,
    deadline: float,
    draw: random.Random | None = None,
) -> Checked:
    """Raises NarrativeUnavailable where the second LLM gives no answer, or none to be believed."""
    pairs = [pair for paragraph in paired for pair in paragraph]
    faults = [find_fault(pair, language) for pair in pairs]
    if all(faults):
        return Checked(tuple(faults))
    shown = [*_show(paired, language, iter(faults))]
    mixed = hide_known(shown, language, draw or random.SystemRandom())
    reading: Reading[Verdicts] = llm.ask(
        ask_to_compare(mixed, language), read_verdicts, deadline=deadline
    )
    kept = iter(judge(mixed, reading.answer))
    return Checked(
        tuple(fault or (None if next(kept) else Dropped.CHECKER) for fault in faults),
        reading.model,
        reading.tokens,
    )


def _show(
    paired: Sequence[Sequence[Pair]], language: Language, faults: Iterator[Dropped | None]
) -> Iterator[Shown]:
    for paragraph in paired:
        before = ""
        for pair in paragraph:
            passage, sentence = pair.text(language), pair.sentence
            if next(faults) or sentence is None:
                before = passage
                continue
            yield Shown(passage, sentence, before)
            before = sentence
