"""Joins the probabilities of several pictures of one lesion into one answer."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from skinapi.vision.conditions import Frozen
from skinapi.vision.context import Modality

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
