"""From logits to probabilities that mean what they say on the pictures they were fitted to."""

from collections.abc import Mapping
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    model_validator,
)

from skinapi.vision.conditions import Frozen
from skinapi.vision.context import Modality
from skinapi.vision.modality import ModalityDetector
from skinapi.vision.out_of_distribution import OutOfDistributionDetector
from skinapi.vision.patient_facts import PatientFactsTable
from skinapi.vision.skin_detector import SkinDetector

Probabilities = NDArray[np.float64]
Level = Literal["0.90", "0.95"]
LEVELS: tuple[Level, ...] = ("0.90", "0.95")
# With fewer malignant lesions in its test part, a modality's sensitivity is hardly known.
ENOUGH_TESTED = 100


class HeldOutFigures(Frozen):
    """How the model did on the test part of one modality, one picture of each lesion.

    `sensitivity`: the share of the malignant lesions whose band was doctor_review or more urgent.
    """

    modality: Modality
    lesions: NonNegativeInt
    malignant: NonNegativeInt
    sensitivity: float = Field(ge=0, le=1)

    @property
    def is_little(self) -> bool:
        """Too few malignant lesions to rely on the sensitivity."""
        return self.malignant < ENOUGH_TESTED


class NamingRule(Frozen):
    """A picture is named by the highest log p - tau * log(prior), so that rare classes are named
    as readily as they are found. With a tau of 0 that is the most probable class.
    """

    tau: NonNegativeFloat
    prior: Mapping[str, PositiveFloat]

    def name(self, probabilities: Mapping[str, float]) -> str:
        """A class without a prior is never preferred by the rule to the most probable one."""
        most_probable = max(probabilities, key=lambda key: probabilities[key])
        if most_probable not in self.prior:
            return most_probable
        scores = {
            key: np.log(max(p, 1e-12)) - self.tau * np.log(self.prior[key])
            for key, p in probabilities.items()
            if key in self.prior
        }
        return max(scores, key=lambda key: scores[key])


class Calibration(BaseModel):
    """Fitted on the validation pictures of one modality.

    A picture is out of distribution if its energy is below `unlike_training`, or its features are
    beyond `familiar`'s limit. Two classes closer than `too_close` cannot be told apart.
    `prediction_sets` holds, for each level, the probability from which on a class cannot be ruled
    out. A class in `too_few` had too few validation lesions for a limit of its own: its limit is
    that of all malignant, or of all other, classes together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: PositiveFloat = 1.0
    thresholds: Mapping[str, float] = {}
    unlike_training: float | None = None
    familiar: OutOfDistributionDetector | None = None
    too_close: NonNegativeFloat = 0.15
    naming: NamingRule | None = None
    prediction_sets: Mapping[Level, Mapping[str, float]] = {}
    too_few: Mapping[Level, tuple[str, ...]] = {}
    tested: HeldOutFigures | None = None

    @model_validator(mode="after")
    def _stay_finite(self) -> Self:
        if not np.isfinite(self.temperature):
            raise ValueError("temperature must be finite")
        return self

    def probabilities(self, logits: NDArray[np.floating]) -> Probabilities:
        return softmax(logits, self.temperature)

    def energy(self, logits: NDArray[np.floating]) -> Probabilities:
        """High where the network recognises something, low for what is unlike its training."""
        scaled = np.asarray(logits, np.float64) / self.temperature
        highest = scaled.max(axis=-1)
        return np.asarray(highest + np.log(np.exp(scaled - highest[..., None]).sum(axis=-1)))


class ModelCalibration(BaseModel):
    """All that stands between a network's numbers and a finding: calibration.json.

    A model without a `clinical` calibration answers such pictures with the dermoscopic one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dermoscopic: Calibration = Calibration()
    clinical: Calibration | None = None
    modality: ModalityDetector | None = None
    skin: SkinDetector | None = None
    patient_facts: PatientFactsTable | None = None

    def of(self, modality: Modality) -> Calibration:
        if modality is Modality.CLINICAL and self.clinical is not None:
            return self.clinical
        return self.dermoscopic


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> Probabilities:
    scaled = np.asarray(logits, np.float64) / temperature
    raised = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))
