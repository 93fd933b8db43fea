"""Checks with a second LLM from another maker that each sentence says what its passage says. A
sentence is accepted only if the known pair next to it was answered correctly and the model's record
(checker_records.py) is good.
"""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from skinapi.base.languages import LANGUAGE_NAMES, Language, Pattern, load_words
from skinapi.base.stored_record import Frozen
from skinapi.findings.reports.known_pairs import Shown, draw_twin, known_of, show
from skinapi.findings.reports.openrouter import Question, closed_object, read_answer
from skinapi.findings.reports.writer import Pair
from skinapi.model.passages import PassageReader, passages_table

MOST_TOKENS = 3000
MOST_SENTENCES = 2
SPARE_WORDS = 12  # beyond a third more than the passage has
LEAST_KNOWN_WORDS = 0.35  # of a sentence's: of those in another language at most a quarter are
INSTRUCTIONS = """\
You compare sentences with the passages that they put into other words, in {language}, for {reader}.
All are about skin lesions and how a program checks photographs of them. Judge each pair by itself:
does the sentence say the same as its passage, in {language}, in words that {reader} knows?

keep is true only if the sentence has
- the same facts, and none that the passage lacks: no cause, example, comfort, advice, time, place;
- the same certainty: "can" is not "will", "usually" is not "always", "most" is not "all" or "some",
  and no "not" may be lost or moved;
- the same scope: of whom, of which condition, of one photo or of the disease, of a spot in general
  or of the reader's own; "or" is not "and";
- the same numbers, of the same things, and the same names;
- everything without which a reader would believe something else.
Another tone, order or structure, a plain word for a learned one, and an opener such as "In other
words" or "But" change nothing: keep these.

Each sentence was taken out of a text: "it", "this" and "these spots" mean what the passage speaks
of, and "about" names it. Several sentences may be of one passage; they have nothing to do with each
other. Some of the sentences are wrong, some by one small word. Say the difference in a few words,
or nothing; if you doubt whether it is one, keep is false."""
READERS: Mapping[PassageReader, str] = {"patient": "a patient", "colleague": "a doctor"}


class Dropped(StrEnum):
    MISSING = "missing"
    FORM = "form"
    LENGTH = "length"
    LANGUAGE = "language"
    NUMBER = "number"
    NAME = "name"
    ADVICE = "advice"
    UNTESTED = "untested"
    CHECKER = "checker"


# Accept one or two plain sentences without a question, quotation, heading, list, link or markup.
_LATIN = "A-Za-zÀ-ÖØ-öø-ÿŒœŸ"
_FORM = re.compile(
    rf"[A-ZÀ-ÖØ-ÞŒ0-9](?:[{_LATIN}0-9 \u00a0\u202f,;:()'’%/–-]|\.(?=\s|\d|$))*\.", re.DOTALL
)
_WORD = re.compile(rf"[{_LATIN}]+")
_END = re.compile(r"\.(?=\s|$)")
NUMBER = re.compile(r"\d+(?:[.,]\d+)?")


class CheckedWords(Frozen):
    numbers: str
    frequent: str
    advice: Pattern


WORDS: Mapping[Language, CheckedWords] = load_words("explanations", CheckedWords, patterns=True)


def find_fault(pair: Pair, language: Language) -> Dropped | None:
    text = pair.sentence
    if text is None:
        return Dropped.MISSING
    passage = pair.text(language)
    if not _FORM.fullmatch(text) or len(_END.findall(text)) > MOST_SENTENCES * len(pair.passages):
        return Dropped.FORM
    if len(text.split()) > len(passage.split()) * 4 // 3 + SPARE_WORDS:
        return Dropped.LENGTH
    if not _is_in(language, text, passage):
        return Dropped.LANGUAGE
    if _numbers(text, language) != _numbers(passage, language):
        return Dropped.NUMBER
    about = {item.about for item in pair.passages if item.about}
    if _names(text, language) - _names(passage, language) - about:
        return Dropped.NAME
    advice = re.compile(WORDS[language].advice)
    # A frequency such as "in about 3 to 5 of 100 people a year" may come from the passage.
    foreign = _find_all(advice, text) - _find_all(advice, passage)
    if foreign:
        return Dropped.ADVICE
    tested = all(known_of(item, language) for item in pair.passages)
    return None if tested else Dropped.UNTESTED


def _is_in(language: Language, text: str, passage: str) -> bool:
    words, known = _list_words(text), {*_list_words(passage), *WORDS[language].frequent.split()}
    return sum(word in known for word in words) >= LEAST_KNOWN_WORDS * len(words)


def _list_words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _numbers(text: str, language: Language) -> set[str]:
    words = {word: str(n) for n, word in enumerate(WORDS[language].numbers.split(), 2)}
    found = {item.replace(",", ".") for item in NUMBER.findall(text)}
    found |= {words[word] for word in re.findall(r"[\w-]+", text.lower()) if word in words}
    if "10" in found and (parts := {item for item in found if len(item) == 1}):
        found = found - parts - {"10"} | {f"{part}0" for part in parts}  # "3 in 10" is "30 %"
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


class Verdict(Frozen):
    pair: int
    difference: Annotated[str, StringConstraints(max_length=1000)]
    keep: bool


class Verdicts(Frozen):
    verdicts: Annotated[tuple[Verdict, ...], Field(max_length=100)]


def ask_to_compare(shown: Sequence[Shown], language: Language, reader: PassageReader) -> Question:
    pairs = [
        {"pair": index, "about": item.about, "passage": item.passage, "sentence": item.sentence}
        for index, item in enumerate(shown, 1)
    ]
    verdict = closed_object(
        pair={"type": "integer"}, difference={"type": "string"}, keep={"type": "boolean"}
    )
    return Question(
        name="comparison",
        instructions=INSTRUCTIONS.format(language=LANGUAGE_NAMES[language], reader=READERS[reader]),
        sent={"pairs": pairs},
        schema=closed_object(verdicts={"type": "array", "items": verdict}),
        most_tokens=MOST_TOKENS,
    )


@dataclass(frozen=True, slots=True)
class Judged:
    kept: frozenset[int]
    known: tuple[bool, ...]


def judge(shown: Sequence[Shown], content: str) -> Judged:
    answers = dict[int, bool]()
    for verdict in read_answer(Verdicts, content).verdicts:
        answers[verdict.pair] = answers.get(verdict.pair, True) and verdict.keep
    judged = [(item, answers.get(index)) for index, item in enumerate(shown, 1)]
    known = [(item, answer is item.keep) for item, answer in judged if item.keep is not None]
    missed = {item.place for item, right in known if not right}
    kept = {item.place for item, answer in judged if item.keep is None and answer}
    return Judged(frozenset(kept - missed), tuple(right for _, right in known))


def hide_known(
    pairs: Sequence[tuple[int, Pair]], language: Language, draw: random.Random
) -> list[Shown]:
    mixed = []
    for place, pair in pairs:
        mixed.append(show(pair.passages, pair.sentence or "", language, place=place))
        mixed.append(draw_twin(pair.passages, language, draw, place=place))
    draw.shuffle(mixed)
    return mixed
