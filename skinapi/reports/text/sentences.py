"""Reads sentences of a narrative: which conditions they name and which numbers they contain."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from skinapi.languages import LANGUAGES, NUMBERS, Language
from skinapi.reports.facts import Facts
from skinapi.reports.text.catalogues import CATALOGUES
from skinapi.vision.conditions import conditions_table
from skinapi.vision.finding.notices import percent_text

END = re.compile(r"(?<=[.!?…])\s+")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
NAME_PLACEHOLDER = "NAME"
SCORE, CHECKLIST, PIXELS = "malignant score", "checklist", "pixels"
PICTURE, LEVEL, TESTED = "picture", "level", "tested"


def sentences_of(text: str) -> list[str]:
    return [sentence for sentence in END.split(text.strip()) if sentence]


@cache
def spellings() -> dict[str, str]:
    """Every spelling of every condition in any language, with the condition's key. Longest first,
    because a long name may contain a short one.
    """
    found = {
        spelling.casefold(): key for spelling, key in conditions_table().label_spellings().items()
    }
    for language in LANGUAGES:
        found |= CATALOGUES[language].vocabulary.synonyms
    return dict(sorted(found.items(), key=lambda entry: -len(entry[0])))


@cache
def _names() -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, spellings()))})(?!\w)")


def names_in(sentence: str) -> set[str]:
    """The keys of the conditions that a sentence names."""
    return {spellings()[found] for found in _names().findall(sentence.casefold())}


def without_names(sentence: str) -> str:
    """The sentence in lower case, with each condition replaced by NAME_PLACEHOLDER."""
    return _names().sub(NAME_PLACEHOLDER, sentence.casefold())


@dataclass(frozen=True)
class Figures:
    """Checks the numbers of a sentence. A subject (a condition, or a term like the malignant score)
    has certain numbers in the facts, written as this language writes them.
    """

    facts: Facts
    language: Language

    def fit(self, sentence: str) -> bool:
        """Whether every number in the sentence is one of the subject right before it, or of the
        sentence's first subject.
        """
        subjects: list[str] = []
        for subject, number in self._read(sentence.casefold()):
            if subject:
                subjects.append(subject)
            elif not any(
                number in self._allowed_numbers(owner) for owner in {*subjects[:1], *subjects[-1:]}
            ):
                return False
        return True

    def _read(self, text: str) -> Iterator[tuple[str, str]]:
        """The subjects and numbers in the order of the text; one of each pair is empty."""
        catalogue = CATALOGUES[self.language]
        terms = {
            catalogue.score_term: SCORE,
            catalogue.checklist_term: CHECKLIST,
            catalogue.pixels_term: PIXELS,
            catalogue.picture_term: PICTURE,
            catalogue.level_term: LEVEL,
            catalogue.tested_term: TESTED,
            **spellings(),
        }
        written = sorted(terms, key=len, reverse=True)
        parts = rf"(?<!\w)({'|'.join(map(re.escape, written))})(?!\w)|({NUMBER.pattern}(?: ?%)?)"
        for subject, number in re.findall(parts, text):
            yield terms.get(subject, ""), number

    def _allowed_numbers(self, subject: str) -> set[str]:
        facts, share = self.facts, NUMBERS[self.language].write_share
        if subject == SCORE:
            return set() if facts.malignant_score is None else {share(facts.malignant_score)}
        if subject == CHECKLIST:
            return {str(facts.checklist_score)}
        if subject == PIXELS:
            return {str(facts.quality.width), str(facts.quality.height)} if facts.quality else set()
        if subject == PICTURE:
            return {share(entry.probability) for entry in facts.from_picture or ()}
        if subject == LEVEL:
            return {share(float(entry.level), decimals=0) for entry in facts.not_ruled_out}
        if subject == TESTED:
            return self._test_numbers()
        shares = {entry.key: share(entry.probability) for entry in facts.ranked}
        return {{facts.stated: share(facts.confidence), **shares}.get(subject, "")}

    def _test_numbers(self) -> set[str]:
        numbers: set[str] = set()
        for tested in self.facts.tested:
            sensitivity = percent_text(tested.sensitivity).in_language(self.language)
            numbers |= {str(tested.lesions), str(tested.malignant), sensitivity}
        return numbers
