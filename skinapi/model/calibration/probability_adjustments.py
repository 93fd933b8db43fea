"""Adjusts calibrated probabilities: by what the patient tells (age, sex, body site), for another
share of cancers than the calibration's pictures had, and of several pictures of one lesion.

A calibrated probability holds for the mix of lesions that it was fitted to. Where fewer of the
lesions are malignant, as with a family doctor, the same picture means a cancer less often.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from skinapi.base.stored_record import Frozen
from skinapi.model.conditions import conditions_table
from skinapi.model.context import Context, Modality

# Nothing that is fitted comes near these bounds; beyond them sums overflow.
Shift = Annotated[float, Field(ge=-20, le=20)]
Shifts = Mapping[str, Mapping[str, Shift]]


class PatientFactsTable(Frozen):
    """For each fact and value, the number that is added to the log probability of each condition.

    It is learned from the patients of the training pictures. It never lowers a band; that rule is
    in `assessment`.
    """

    age_band: Shifts = Field(default_factory=dict)
    sex: Shifts = Field(default_factory=dict)
    body_site: Shifts = Field(default_factory=dict)

    def shift(self, probabilities: Mapping[str, float], context: Context) -> dict[str, float]:
        """The probabilities after the patient's facts are applied; unchanged if none are known."""
        told = (
            self.age_band.get(context.age_band or "", {}),
            self.sex.get(context.sex or "", {}),
            self.body_site.get(context.body_site or "", {}),
        )
        if not any(told):
            return dict(probabilities)
        raised = {
            key: p * float(np.exp(sum(shifts.get(key, 0.0) for shifts in told)))
            for key, p in probabilities.items()
        }
        whole = sum(raised.values())
        return {key: value / whole for key, value in raised.items()}


# Beyond it nothing changes: no mix of lesions is that pure, and products would underflow.
PUREST = 1e-9


def restate(
    probabilities: Mapping[str, float], *, calibrated: float, prevalence: float
) -> dict[str, float]:
    """The probabilities where the share `prevalence` of the lesions is malignant, and not the share
    `calibrated`. Each p(k) is multiplied by new(k) / old(k), the shares of its condition in both
    mixes, and all are divided by their sum: https://doi.org/10.1162/089976602753284446 (Saerens).

    Malignant and benign conditions each keep their proportions among themselves, so all malignant
    ones have one factor, and all others another. Normal skin is in neither mix; it has the factor
    of the benign ones, which keeps its odds against those.

    >>> restate({"melanoma": 0.5, "melanocytic_nevus": 0.5}, calibrated=0.5, prevalence=0.02)
    {'melanoma': 0.02, 'melanocytic_nevus': 0.98}
    """
    old, new = (min(max(share, PUREST), 1 - PUREST) for share in (calibrated, prevalence))
    malignant, others = new / old, (1 - new) / (1 - old)
    keys = conditions_table().malignant_keys
    weighted = {key: p * (malignant if key in keys else others) for key, p in probabilities.items()}
    whole = math.fsum(weighted.values())
    return {key: share / whole for key, share in weighted.items()}


MOST_PICTURES = 4
# Nothing that is fitted comes near this bound; beyond it the answer would be too sure.
Weight = Annotated[float, Field(ge=0, le=2)]


class JoiningRule(Frozen):
    """How much the calibrated log probabilities of each kind of picture count where a lesion has
    both kinds: late fusion, fitted on pairs of validation.

    Pictures of one kind count as one, their mean: they are wrong together. Where all are of one
    kind, that mean is the answer, because each is calibrated by itself.
    """

    dermoscopic: Weight
    clinical: Weight

    @model_validator(mode="after")
    def _refuse_nothing(self) -> Self:
        if self.dermoscopic + self.clinical <= 0:
            raise ValueError("one kind of picture must count")
        return self

    def join(self, pictures: Sequence[tuple[Modality, Mapping[str, float]]]) -> dict[str, float]:
        """The probabilities of the lesion. Each picture has the modality by which it was
        calibrated, and all have the same conditions. The order changes nothing.
        """
        if not 1 <= len(pictures) <= MOST_PICTURES:
            raise ValueError(f"one to {MOST_PICTURES} pictures are joined")
        keys = sorted(pictures[0][1])
        kinds = sorted({modality for modality, _ in pictures})
        weights = {kind: self._weight(kind) if len(kinds) > 1 else 1.0 for kind in kinds}
        logs = sum(weights[kind] * _mean_log(pictures, kind, keys) for kind in kinds)
        raised = np.exp(logs - np.max(logs))
        return dict(zip(keys, (raised / raised.sum()).tolist(), strict=True))

    def _weight(self, kind: Modality) -> float:
        return self.clinical if kind is Modality.CLINICAL else self.dermoscopic


# For a model that was fitted on no pairs: the geometric mean, which is as sure as a single picture.
EQUAL = JoiningRule(dermoscopic=0.5, clinical=0.5)


def _mean_log(
    pictures: Sequence[tuple[Modality, Mapping[str, float]]], kind: Modality, keys: Sequence[str]
) -> np.ndarray:
    shares = [[one[key] for key in keys] for modality, one in pictures if modality is kind]
    # Sorted, so that rounding does not depend on the order either.
    logs = np.sort(np.log(np.maximum(shares, 1e-12)), axis=0)
    return np.asarray(logs.mean(axis=0))
