"""Reads sentences of a narrative: whether the numbers in them are those of the facts."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.reports.facts import Facts
from skinapi.model.conditions import conditions_table
from skinapi.model.finding import percent_text
from skinapi.model.headline import say_chance, say_share

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
# "about 4 in 10": a probability as patients read it.
CHANCE = re.compile(r"(?:about|less than|more than|environ|moins de|plus de) \d+ (?:in|sur) 100?")
SCORE, CHECKLIST, PIXELS = "malignant score", "checklist", "pixels"
PICTURE, TESTED = "picture", "tested"
# What a number belongs to.
TERMS = {
    "malignant score": SCORE,
    "any skin cancer or early form": SCORE,
    "more likely than not a skin cancer or an early form of one": SCORE,
    "tout cancer de la peau ou forme précoce": SCORE,
    "un cancer de la peau ou une forme précoce est plus probable": SCORE,
    "a skin cancer (all together": SCORE,
    "un cancer de la peau (tous ensemble": SCORE,
    "7-point checklist": CHECKLIST,
    "picture measures": PIXELS,
    "from the picture alone": PICTURE,
    "tested on": TESTED,
    "score de malignité": SCORE,
    "liste en 7 points": CHECKLIST,
    "image mesure": PIXELS,
    "d'après l'image seule": PICTURE,
    "testé sur": TESTED,
}


@cache
def _subjects() -> dict[str, str]:
    """Every spelling of every condition in any language, with its key, and the terms. Longest
    first, because a long name may contain a short one.
    """
    spellings = conditions_table().label_spellings().items()
    found = {spelling.casefold(): key for spelling, key in spellings} | TERMS
    for key, names in conditions_table().notices.headline.names.items():
        for said in (names.patient, names.doctor):
            found |= {said.in_language(language).casefold(): key for language in LANGUAGES}
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
        parts = rf"(?<!\w)({subjects})(?!\w)|({CHANCE.pattern}|[<>]?{NUMBER.pattern}(?: ?%)?)"
        for subject, number in re.findall(parts, text):
            yield _subjects().get(subject, ""), number

    def _allowed_numbers(self, subject: str) -> set[str]:
        facts = self.facts
        if subject == SCORE:
            return self._written([facts.malignant_score], malignant=True)
        if subject == CHECKLIST:
            return {str(facts.checklist_score)}
        if subject == PIXELS:
            return {str(facts.quality.width), str(facts.quality.height)} if facts.quality else set()
        if subject == PICTURE:
            return set()  # that of the condition named right before it
        if subject == TESTED:
            return self._test_numbers()
        shares = [entry.probability for entry in facts.ranked if entry.key == subject]
        shares += [e.probability for e in facts.from_picture or () if e.key == subject]
        shares += [facts.confidence] if subject == facts.stated else []
        return self._written(shares, malignant=subject in conditions_table().malignant_keys)

    def _written(self, shares: Sequence[float | None], *, malignant: bool) -> set[str]:
        """As doctors and as patients read them."""
        written: set[str] = set()
        for share in shares:
            if share is not None:
                said = [say(share, malignant=malignant) for say in (say_chance, say_share)]
                said.append(say_chance(share, malignant=malignant, in_hundreds=True))
                written |= {one.in_language(self.language) for one in said}
        return written

    def _test_numbers(self) -> set[str]:
        numbers: set[str] = set()
        for tested in self.facts.tested:
            sensitivity = percent_text(tested.sensitivity).in_language(self.language)
            numbers |= {str(tested.lesions), str(tested.malignant), sensitivity}
        return numbers
