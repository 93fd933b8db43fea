"""Drafts of letters as an LLM may write them: right sentences with wrong ones between them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from skinapi.care.letters.marks import Contradicts
from skinapi.languages import NUMBERS, Language
from skinapi.reports.facts import Facts
from skinapi.vision.conditions import Band, conditions_table
from skinapi.vision.context import NOTHING_TOLD
from skinapi.vision.finding.finding import Finding
from skinapi.vision.finding.ranking import rank, sum_malignant
from tests.care.letter_sentences import DISEASES, PERSONS, RIGHT, WRONG
from tests.support.findings import EIGHT, finding_of

BANDS = tuple(Band)
STATED = {
    Band.URGENT_REFERRAL: ("melanoma", "actinic_keratosis"),
    Band.REFERRAL: ("basal_cell_carcinoma", "actinic_keratosis"),
    Band.DOCTOR_REVIEW: ("melanocytic_nevus", "benign_keratosis"),
    Band.ROUTINE: ("benign_keratosis", "vascular_lesion"),
    Band.SELF_MONITORING: ("melanocytic_nevus", "dermatofibroma"),
}


def some_finding(chance: random.Random) -> Finding:
    """In any band, with figures that are all different."""
    band = chance.choice(BANDS)
    stated = chance.choice(STATED[band])
    first = chance.uniform(0.55, 0.9)
    left = [chance.random() for _ in EIGHT[1:]]
    shares = [first, *(one / sum(left) * (1 - first) for one in left)]
    keys = [stated, *chance.sample([key for key in EIGHT if key != stated], len(EIGHT) - 1)]
    ranked = rank(dict(zip(keys, shares, strict=True)))
    return finding_of(stated, band=band, ranked=ranked, malignant_score=sum_malignant(ranked))


@dataclass(frozen=True)
class Sentence:
    text: str
    wrong: Contradicts | None


@dataclass(frozen=True)
class Draft:
    sentences: tuple[Sentence, ...]

    @property
    def paragraphs(self) -> list[str]:
        texts = [sentence.text for sentence in self.sentences]
        return [" ".join(texts[at : at + 3]) for at in range(0, len(texts), 3)]


class Author:
    """Writes drafts about one finding."""

    def __init__(self, finding: Finding, language: Language, chance: random.Random) -> None:
        self._finding, self._language, self._chance = finding, language, chance

    def write(self) -> Draft:
        pick = self._chance.sample
        right = [Sentence(text, None) for text in pick([*self._right()], 5)]
        wrong = [Sentence(text, kind) for kind, text in pick([*self._wrong()], 3)]
        written = [*right, *wrong]
        self._chance.shuffle(written)
        return Draft(tuple(written))

    def _right(self) -> Iterator[str]:
        for text in RIGHT[self._language]:
            if "{by_when}" in text and self._finding.band is Band.SELF_MONITORING:
                continue
            yield self._fill(text)

    def _wrong(self) -> Iterator[tuple[Contradicts, str]]:
        place = BANDS.index(self._finding.band)
        for kind, text in WRONG[self._language]:
            faster = any(
                word in text for word in ("{faster}", "mergency", "hospital", "une urgence")
            )
            if kind is Contradicts.URGENCY and (place == 0 if faster else place > 2):
                continue
            if kind is Contradicts.REASSURANCE and place > 2:
                continue
            if "{by_when}" in text and place == len(BANDS) - 1:
                continue
            yield kind, self._fill(text)

    def _fill(self, text: str) -> str:
        table, finding, chance = conditions_table(), self._finding, self._chance
        numbers, place = NUMBERS[self._language], BANDS.index(finding.band)

        def name(key: str) -> str:
            said = table.name(key, self._language)
            return said[0].lower() + said[1:]

        def by_when(band: Band) -> str:
            return table.band_words(band, self._language).by_when

        first, second, *others = finding.ranked
        concern = Facts.of(finding, NOTHING_TOLD).concern.key  # that may be named
        others = [one for one in others if one.key not in ("normal_skin", concern)]
        filled = text.format(
            stated=name(first.key),
            second=name(second.key),
            other=name(chance.choice(others).key),
            share=numbers.write_share(first.probability),
            second_share=numbers.write_share(second.probability),
            rounded=numbers.write_share(first.probability, decimals=0),
            score=numbers.write_share(finding.malignant_score),
            wrong=numbers.write_share(chance.choice([0.9713, 0.0451, 0.333])),
            disease=chance.choice(DISEASES[self._language]),
            by_when=by_when(finding.band),
            milder=by_when(chance.choice(BANDS[min(place + 1, 3) : 4])),
            faster=by_when(chance.choice(BANDS[: max(place, 1)])),
            person=chance.choice(PERSONS),
            patient="{patient}",
            doctor="{doctor}",
        )
        return filled[0].upper() + filled[1:]
