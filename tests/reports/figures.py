"""Reads sentences of a narrative: whether the numbers in them are those of the facts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from skinapi.languages import NUMBERS, Language
from skinapi.reports.facts import Facts
from skinapi.vision.conditions import conditions_table
from skinapi.vision.finding.notices import percent_text

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
SCORE, CHECKLIST, PIXELS = "malignant score", "checklist", "pixels"
PICTURE, LEVEL, TESTED = "picture", "level", "tested"
# What a number belongs to.
TERMS = {
    "malignant score": SCORE,
    "7-point checklist": CHECKLIST,
    "picture measures": PIXELS,
    "from the picture alone": PICTURE,
    "cannot be ruled out at": LEVEL,
    "tested on": TESTED,
    "score de malignité": SCORE,
    "liste en 7 points": CHECKLIST,
    "image mesure": PIXELS,
    "d'après l'image seule": PICTURE,
    "ne peut être exclu à": LEVEL,
    "testé sur": TESTED,
}


@cache
def _subjects() -> dict[str, str]:
    """Every spelling of every condition in any language, with its key, and the terms. Longest
    first, because a long name may contain a short one.
    """
    spellings = conditions_table().label_spellings().items()
    found = {spelling.casefold(): key for spelling, key in spellings} | TERMS
    return dict(sorted(found.items(), key=lambda entry: -len(entry[0])))


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
        subjects = "|".join(map(re.escape, _subjects()))
        parts = rf"(?<!\w)({subjects})(?!\w)|({NUMBER.pattern}(?: ?%)?)"
        for subject, number in re.findall(parts, text):
            yield _subjects().get(subject, ""), number

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
