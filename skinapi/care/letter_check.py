"""Marks the sentences of a letter that differ from the decision. Sentences that the second LLM has
not read are compared by word lists, which can be wrong in both directions.
tests/care/letter_sentences.yaml counts how often.
"""

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from pydantic import Field

from skinapi.base.days import DAYS
from skinapi.base.languages import Language, Pattern, load_words
from skinapi.base.stored_record import Frozen, optional
from skinapi.base.values import Value
from skinapi.findings.records.letters import ReadSentence
from skinapi.findings.reports.checker import NUMBER
from skinapi.findings.status.spot import names_cancer
from skinapi.model.bands import is_sent, urgency
from skinapi.model.conditions import Band, conditions_table

FEW_WORDS = r"\W+(?:\w+\W+){0,8}?"
# A place in brackets, or everything from the first to the last digit, such as a date or a telephone
# number.
_FACTS = re.compile(r"(?P<place> \([^()]*\))|[+(]*\d(?:.*\d)?")


class CheckedWords(Frozen):
    """`numbers` are the words from three on. The groups in `facts` exclude each other. `waives`
    says that nothing needs to be done soon.
    """

    names: Mapping[str, Pattern]
    numbers: str
    denies: Pattern
    denies_nothing: Pattern
    asked: Pattern
    proves: Pattern
    bands: Mapping[Band, Pattern]
    waives: Pattern
    not_when: Pattern
    facts: Mapping[str, Mapping[str, Pattern]]
    also_names: str


WORDS: Mapping[Language, CheckedWords] = load_words("letters", CheckedWords, patterns=True)


class Differs(StrEnum):
    FORMER = "former"
    NAME = "name"
    NUMBER = "number"
    NEGATION = "negation"
    URGENCY = "urgency"
    TIME = "time"
    RESULT = "result"
    FACT = "fact"
    CONTRADICTS = "contradicts"
    ADDS = "adds"


class MarkedSentence(Value):
    sentence: str
    differs: tuple[Differs, ...] = Field(
        description="in what it differs from what was decided; `former`: since the draft was begun "
        "the decision has changed, and it is a sentence that the software writes of another one; "
        "`contradicts` and `adds` are the second language model's"
    )
    why: str | None = optional("the second language model's own words, not a person's")


@dataclass(frozen=True, slots=True)
class Decided:
    """`waits`: something comes before a visit. `own` sentences are never marked. `known` are our
    sentences of any decision, if the decision has changed since the draft was begun.
    """

    labels: Set[str]
    band: Band
    sure: bool
    proven: bool
    waits: bool
    own: str
    key_words: str = ""
    known: Set[str] = frozenset()

    @property
    def said(self) -> str:
        return f"{self.own}\n\n{self.key_words}"

    @property
    def former(self) -> Set[str]:
        return self.known - {*map(blank_facts, split_sentences(self.own))}


def split_sentences(text: str) -> list[str]:
    return [" ".join(item.split()) for item in re.split(r"(?<=[.!?])\s+|\n{2,}", text)]


def blank_facts(sentence: str) -> str:
    """Remove place, days and numbers, so that sentences can be compared without them.

    >>> blank_facts("Thank you for the photo of your spot (left arm) of 29 November 2026.")
    'Thank you for the photo of your spot of #.'
    """
    return _FACTS.sub(lambda found: "" if found["place"] else "#", sentence)


def list_foreign(text: str, decided: Decided) -> list[str]:
    ours = {"", *split_sentences(decided.own)}
    return [item for item in dict.fromkeys(split_sentences(text)) if item not in ours]


def mark_sentences(
    text: str,
    decided: Decided,
    language: Language,
    read: Mapping[str, ReadSentence] = MappingProxyType({}),
) -> tuple[MarkedSentence, ...]:
    """`read` are the second LLM's judgements. They clear no sentence of a former decision."""
    marked, former = [], decided.former
    for item in list_foreign(text, decided):
        differs: tuple[Differs, ...]
        if reading := read.get(item):
            differs = () if reading.agrees else (Differs(reading.says),)
        else:
            differs = tuple(_Check(item, decided, WORDS[language], language).find())
        if blank_facts(item) in former:
            differs = (Differs.FORMER, *differs)
        if differs:
            why = reading.why if reading else None
            marked.append(MarkedSentence(sentence=item, differs=differs, why=why or None))
    return tuple(marked)


@dataclass(frozen=True, slots=True)
class _Check:
    sentence: str
    decided: Decided
    words: CheckedWords
    language: Language

    def find(self) -> Iterator[Differs]:
        named, own = {*self._named(self.sentence)}, self._own
        others = named - own
        if others and not self._rules_out(others):
            yield Differs.NAME
        if self._denies(own) or (self._asks and self._denies_what(self.words.asked)):
            yield Differs.NEGATION
        if self._numbers(self.sentence) - self._numbers(self.decided.said):
            yield Differs.NUMBER
        if self._waives or self._other_bands():
            yield Differs.URGENCY
        if {*self._dates.findall(self.sentence)} - {*self._dates.findall(self.decided.said)}:
            yield Differs.TIME
        if self._claims_proof():
            yield Differs.RESULT
        if any(map(self._says_other, self.words.facts.values())):
            yield Differs.FACT

    @property
    def _waives(self) -> bool:
        sent = is_sent(self.decided.band) and not self.decided.waits
        return sent and self._has(self.words.waives)

    @property
    def _asks(self) -> bool:
        return self.decided.waits or is_sent(self.decided.band)

    def _has(self, pattern: str) -> bool:
        return re.search(pattern, self.sentence, re.IGNORECASE) is not None

    def _says_other(self, group: Mapping[str, Pattern]) -> bool:
        told = [
            {name for name, pattern in group.items() if re.search(pattern, text, re.IGNORECASE)}
            for text in (self.sentence, self.decided.own)
        ]
        return bool(told[1]) and not told[0] <= told[1]

    def _denies(self, names: Set[str]) -> bool:
        patterns = [self.words.names[name] for name in sorted(names) if name in self.words.names]
        return bool(patterns) and self._denies_what("|".join(patterns))

    def _denies_what(self, pattern: str) -> bool:
        """Return True if a denial is within a few words of the pattern."""
        none = f"{self.words.denies_nothing}|{self.words.bands[Band.URGENT_REFERRAL]}"
        plain = re.sub(none, "", self.sentence, flags=re.IGNORECASE)
        sides = f"(?:{self.words.denies})", rf"(?:{pattern})\w*"
        either = "|".join(f"{item}{FEW_WORDS}{other}" for item, other in (sides, sides[::-1]))
        return re.search(either, plain, re.IGNORECASE) is not None

    @property
    def _own(self) -> Set[str]:
        """A label covers all conditions in its name: "Actinic keratosis / Bowen's disease"."""
        table, labels = conditions_table(), self.decided.labels
        kinds = {"malignant" if names_cancer(label) else "benign" for label in labels}
        names = " ".join(table.name(label, self.language) for label in labels)
        return labels | kinds | {*self._named(names)}

    def _named(self, text: str) -> Iterator[str]:
        for name, pattern in self.words.names.items():
            if re.search(pattern, text, re.IGNORECASE):
                yield name

    def _rules_out(self, others: Set[str]) -> bool:
        """A sure, benign decision may rule out cancers, but nothing else."""
        harmful = {"malignant", *filter(names_cancer, conditions_table().labels)}
        benign = self.decided.sure and "benign" in self._own
        return benign and others <= harmful and self._denies(others)

    def _numbers(self, text: str) -> set[str]:
        known = {word: str(index) for index, word in enumerate(self.words.numbers.split(), 3)}
        found = re.findall(rf"\b(?:{'|'.join(known)})\b", text.lower())
        digits = {item.replace(",", ".") for item in NUMBER.findall(self._dates.sub("", text))}
        return digits | {known[record] for record in found}

    @property
    def _dates(self) -> re.Pattern[str]:
        names = f"{DAYS[self.language].months} {DAYS[self.language].weekdays}".replace(" ", "|")
        # Without times of the day, "one in 20" could pass because of a decision at 10:20.
        return re.compile(rf"\b(?:\d{{1,2}}:\d\d|(?:\d{{1,2}}\w* )?(?:{names}))\b")

    def _other_bands(self) -> set[Band]:
        """A sentence with a condition ("if it bleeds") may be more urgent."""
        own = self.decided.band
        said = {item for item, pattern in self.words.bands.items() if self._has(pattern)} - {own}
        if self._has(self.words.not_when):
            return {item for item in said if urgency(item) > urgency(own)}
        return said

    def _claims_proof(self) -> bool:
        names = self.words.names
        own = "|".join(names[item] for item in self._own & {*names} if item != "benign")
        pattern = self.words.proves.replace("{name}", f"(?:{own or '(?!)'})")
        may_claim = self.decided.proven or (self.decided.sure and "malignant" not in self._own)
        said = self._has(pattern) and not self._has(self.words.not_when)
        return said and not (may_claim or self._denies_what(pattern))
