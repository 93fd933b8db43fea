"""The Finding: what was seen in one photo, frozen. Answers, reports, records are views of it."""

import math
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Self

from pydantic import Field, NonNegativeFloat, model_validator

from skinapi.vision.bands import RaisedBy
from skinapi.vision.conditions import (
    NORMAL_SKIN,
    Band,
    BandWords,
    Frozen,
    Language,
    Said,
    conditions_table,
)
from skinapi.vision.quality import Quality
from skinapi.vision.refusals import Reason, refuse


class Doubt(StrEnum):
    """Why a finding is uncertain."""

    TOO_CLOSE = "too_close"
    UNLIKE_TRAINING = "unlike_training"


class Ranked(Frozen):
    key: str
    probability: float = Field(ge=0, le=1)


class Timings(Frozen):
    """Milliseconds."""

    decode: NonNegativeFloat
    engine: NonNegativeFloat
    total: NonNegativeFloat


class Finding(Frozen):
    """`stated` is the class that clients are told. Where the finding is uncertain that is the most
    severe plausible condition, and its own probability is the confidence.
    """

    ranked: tuple[Ranked, ...] = Field(min_length=2)
    stated: str
    malignant_score: float
    band: Band
    raised_by: tuple[RaisedBy, ...]
    uncertain: bool
    reasons: tuple[Doubt, ...]
    quality: Quality
    not_dermoscopic: bool
    checklist_score: int | None
    heat: tuple[tuple[NonNegativeFloat, ...], ...]
    model_version: str
    timings: Timings

    @model_validator(mode="after")
    def _hang_together(self) -> Self:
        probabilities = [entry.probability for entry in self.ranked]
        if probabilities != sorted(probabilities, reverse=True):
            raise ValueError("the most probable comes first")
        if not math.isclose(sum(probabilities), 1, abs_tol=1e-6):
            raise ValueError("probabilities sum to one")
        if len({entry.key for entry in self.ranked}) != len(self.ranked):
            raise ValueError("each condition stands once")
        if self.stated not in {entry.key for entry in self.ranked}:
            raise ValueError("what is stated is ranked")
        if self.uncertain != bool(self.reasons):
            raise ValueError("uncertain for a reason, certain without one")
        return self

    @property
    def confidence(self) -> float:
        """The stated condition's own calibrated probability."""
        return probability_of(self.ranked, self.stated)

    @property
    def most_probable(self) -> str:
        return self.ranked[0].key

    def band_words(self, language: Language = "en") -> BandWords:
        return conditions_table().band_words(self.band, language)

    @property
    def notices(self) -> tuple[Said, ...]:
        """What must be said beside this finding, in every language, most general first."""
        table = conditions_table().notices
        return (
            table.information_only,
            *((table.not_dermoscopic,) if self.not_dermoscopic else ()),
            *((table.uncertain,) if Doubt.TOO_CLOSE in self.reasons else ()),
            *((table.strange,) if Doubt.UNLIKE_TRAINING in self.reasons else ()),
        )

    def over_seven(self) -> Self:
        """The same finding for clients that know no normal skin, renormalised without it.

        Refused(no_lesion) where normal skin ranks first.
        """
        if self.most_probable == NORMAL_SKIN:
            raise refuse(Reason.NO_LESION)
        lesions = [entry for entry in self.ranked if entry.key != NORMAL_SKIN]
        whole = math.fsum(entry.probability for entry in lesions)
        ranked = tuple(Ranked(key=e.key, probability=e.probability / whole) for e in lesions)
        scored = {"ranked": ranked, "malignant_score": sum_malignant(ranked)}
        return self.model_copy(update=scored)

    def to_document(self) -> dict[str, Any]:
        """Plain JSON, whole."""
        return self.model_dump(mode="json")

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        return cls.model_validate(document)


def rank(probabilities: Mapping[str, float]) -> tuple[Ranked, ...]:
    """Most probable first; equals by name, so that the order never depends on chance."""
    entries = sorted(probabilities.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(Ranked(key=key, probability=probability) for key, probability in entries)


def probability_of(ranked: Iterable[Ranked], key: str) -> float:
    return next(entry.probability for entry in ranked if entry.key == key)


def sum_malignant(ranked: Iterable[Ranked]) -> float:
    """By label, wherever it ranks."""
    malignant = conditions_table().malignant_keys
    total = math.fsum(entry.probability for entry in ranked if entry.key in malignant)
    return min(1.0, total)
