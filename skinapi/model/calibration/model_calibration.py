"""Calibration: turns logits into probabilities that match observed frequencies on the pictures they
were fitted to, and holds all limits that were fitted with them.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, model_validator

from skinapi.base.errors import NoOperatingPoints
from skinapi.base.stored_record import Frozen, StoredRecord
from skinapi.model.bands import OperatingPoint, all_thresholds, log_odds, most_probable
from skinapi.model.calibration.detectors import (
    KNOWN,
    Features,
    ModalityDetector,
    OtherDiseaseDetector,
    OutOfDistributionDetector,
    SkinDetector,
)
from skinapi.model.calibration.probability_adjustments import (
    JoiningRule,
    PatientFactsTable,
    restate,
)
from skinapi.model.conditions import conditions_table
from skinapi.model.context import Modality, SkinTone

Probabilities = NDArray[np.float64]
# A threshold or limit above 1, or one that is not a number, would never be reached.
Limit = Annotated[float, Field(ge=0, le=1)]
Level = Literal["0.90", "0.95"]
LEVELS: tuple[Level, ...] = ("0.90", "0.95")
# With fewer malignant lesions in a modality's test part, its sensitivity is hardly known.
ENOUGH_TESTED = 100
# With fewer lesions of a skin tone in it, the model counts as not tested for that skin.
ENOUGH_OF_TONE = 50


class TonesTested(StoredRecord):
    """The lesions of each skin tone in a test part."""

    light: NonNegativeInt = 0
    medium: NonNegativeInt = 0
    dark: NonNegativeInt = 0

    def is_enough(self, tone: SkinTone) -> bool:
        lesions: int = getattr(self, tone)
        return lesions >= ENOUGH_OF_TONE


class HeldOutFigures(StoredRecord):
    """How the model did on the test part of one modality, one picture of each lesion.

    `sensitivity` is the share of the malignant lesions whose band was doctor_review or more urgent.
    `tones` counts the lesions of each skin tone, where the test part names it.
    """

    modality: Modality
    lesions: NonNegativeInt
    malignant: NonNegativeInt
    sensitivity: float = Field(ge=0, le=1)
    tones: TonesTested = TonesTested()

    @property
    def is_little(self) -> bool:
        """Whether there were too few malignant lesions to rely on the sensitivity."""
        return self.malignant < ENOUGH_TESTED


class PointFigures(StoredRecord):
    """What an operating point does on the test part of one modality, in lesions, one picture of
    each. `sent`: doctor_review or more urgent; `urgent`: urgent_referral.
    """

    malignant: NonNegativeInt
    malignant_sent: NonNegativeInt
    malignant_urgent: NonNegativeInt
    benign: NonNegativeInt
    benign_sent: NonNegativeInt
    benign_urgent: NonNegativeInt
    melanomas: NonNegativeInt
    melanomas_sent: NonNegativeInt
    melanomas_urgent: NonNegativeInt

    @model_validator(mode="after")
    def _refuse_more_than_all(self) -> Self:
        for kind in ("malignant", "benign", "melanomas"):
            whole, sent, urgent = (getattr(self, kind + part) for part in ("", "_sent", "_urgent"))
            if not urgent <= sent <= whole:
                raise ValueError(f"{kind}: of those tested some are sent, and of those some urgent")
        return self


class NamingRule(Frozen):
    """Names a picture by the class with the highest log p - tau * log(prior), so that rare classes
    are not overlooked. With a tau of 0 that is the most probable class. This is logit adjustment:
    https://arxiv.org/abs/2007.07314
    """

    tau: NonNegativeFloat
    prior: Mapping[str, PositiveFloat]

    def name(self, probabilities: Mapping[str, float]) -> str:
        """The class that the rule names. If the most probable class has no prior, it is named;
        another class without a prior is never named.
        """
        first = most_probable(probabilities)
        if first not in self.prior:
            return first
        scores = {
            key: np.log(max(p, 1e-12)) - self.tau * np.log(self.prior[key])
            for key, p in probabilities.items()
            if key in self.prior
        }
        return max(scores, key=lambda key: scores[key])


class Calibration(Frozen):
    """The calibration for one modality, fitted on its validation pictures.

    A picture is out of distribution if its energy is below `unlike_training`, or the distance of
    its features exceeds the limit of `familiar`. Two classes whose probabilities differ by less
    than `too_close` cannot be told apart. A lesion is sent to a doctor if its malignant score
    reaches `sent`; a calibration of before there were operating points has that threshold among
    `thresholds`, and all of them were fitted to 95 % sensitivity. `prediction_sets` holds for each
    level the limit of each class: with at least this probability it cannot be ruled out. A class in
    `too_few` had too few validation lesions for its own limit; it has that of all malignant, or of
    all other, classes together.
    """

    # No temperature that is fitted comes near these bounds; beyond them sums overflow.
    temperature: float = Field(default=1.0, ge=0.01, le=100)
    thresholds: Mapping[str, Limit] = {}
    sent: Mapping[OperatingPoint, Limit] = {}
    unlike_training: float | None = None
    familiar: OutOfDistributionDetector | None = None
    too_close: NonNegativeFloat = 0.15
    naming: NamingRule | None = None
    prediction_sets: Mapping[Level, Mapping[str, Limit]] = {}
    too_few: Mapping[Level, tuple[str, ...]] = {}
    tested: HeldOutFigures | None = None
    point_figures: Mapping[OperatingPoint, PointFigures] = {}

    def limits(self, point: OperatingPoint) -> Mapping[str, float]:
        """The threshold of each score that decides on a band, at this operating point."""
        limits = all_thresholds(self.thresholds)
        return {**limits, "malignant": self.sent[point]} if self.sent else limits

    def tested_at(self, point: OperatingPoint) -> HeldOutFigures | None:
        """The test figures with the sensitivity of this operating point."""
        figures = self.point_figures.get(point)
        if self.tested is None or figures is None or not figures.malignant:
            return self.tested
        share = figures.malignant_sent / figures.malignant
        return self.tested.model_copy(update={"sensitivity": share})

    def probabilities(self, logits: NDArray[np.floating]) -> Probabilities:
        return softmax(logits, self.temperature)

    @property
    def malignant_share(self) -> float | None:
        """The share of malignant lesions in the mix for which the probabilities hold; None where it
        is not known. It is that of the training and validation pictures: for the shipped model
        within 1.2 points of the validation pictures alone, which the temperature is fitted to.
        """
        prior = self.naming.prior if self.naming else {}
        keys = conditions_table().malignant_keys
        malignant = math.fsum(share for key, share in prior.items() if key in keys)
        whole = math.fsum(prior.values())
        return malignant / whole if 0 < malignant < whole else None

    def energy(self, logits: NDArray[np.floating]) -> Probabilities:
        """The negated free energy (https://arxiv.org/abs/2010.03759). It is high if the network
        recognises the picture, and low if the picture is unlike the training pictures.
        """
        scaled = np.asarray(logits, np.float64) / self.temperature
        # The highest logit is subtracted first, or exp would overflow.
        highest = scaled.max(axis=-1)
        return np.asarray(highest + np.log(np.exp(scaled - highest[..., None]).sum(axis=-1)))


class ModelCalibration(Frozen):
    """All that is needed to turn a network's output into a finding: the content of
    calibration.json.

    A model without a `clinical` calibration uses the dermoscopic one for clinical pictures.
    `operating_point` is the one in use, and `prevalence` the share of malignant lesions that the
    clinic sees, where it has told one; they are no part of the file.
    """

    dermoscopic: Calibration = Calibration()
    clinical: Calibration | None = None
    modality: ModalityDetector | None = None
    skin: SkinDetector | None = None
    other_diseases: OtherDiseaseDetector | None = None
    patient_facts: PatientFactsTable | None = None
    joining: JoiningRule | None = None
    operating_point: OperatingPoint = Field(default=OperatingPoint.CAUTIOUS, exclude=True)
    prevalence: float | None = Field(default=None, gt=0, lt=1, exclude=True)

    @property
    def has_points(self) -> bool:
        """False where the bands follow the old rule: calibrated by older code, or not at all."""
        return all(one.sent for one in (self.dermoscopic, self.clinical) if one is not None)

    @property
    def point_in_use(self) -> OperatingPoint | None:
        """The one that a finding keeps; None where the bands follow the old rule."""
        return self.operating_point if self.has_points else None

    def refuse_without_points(self, version: str) -> None:
        """Raises NoOperatingPoints for the calibration of this model version."""
        if not self.has_points:
            raise NoOperatingPoints(
                f"The model {version} has no thresholds for operating points: it was calibrated by "
                "an older version of this software. Calibrate it again: python -m skinapi calibrate"
            )

    def at(self, point: OperatingPoint) -> "ModelCalibration":
        """The same calibration, for serving at this operating point."""
        return self.model_copy(update={"operating_point": point})

    def where(self, prevalence: float | None) -> "ModelCalibration":
        """The same calibration, for serving where this share of the lesions is malignant."""
        return self.model_copy(update={"prevalence": prevalence})

    def restate(
        self, modality: Modality, probabilities: Mapping[str, float]
    ) -> Mapping[str, float] | None:
        """Probabilities by this modality's calibration, for the clinic's prevalence. None where it
        has told none, and where more of its lesions are malignant than of the calibration's: there
        the thresholds would send too few, so the model must be calibrated on the clinic's pictures.
        """
        share = self.of(modality).malignant_share
        if self.prevalence is None or share is None or modality in self.not_restated:
            return None
        return restate(probabilities, calibrated=share, prevalence=self.prevalence)

    @property
    def not_restated(self) -> tuple[Modality, ...]:
        """The modalities whose probabilities stay the calibration's although a prevalence is told:
        their own share of malignant lesions is lower, or not known.
        """
        told = self.prevalence or 0.0
        return tuple(m for m in KNOWN if told > (self.of(m).malignant_share or 0.0))

    def of(self, modality: Modality) -> Calibration:
        if modality is Modality.CLINICAL and self.clinical is not None:
            return self.clinical
        return self.dermoscopic


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> Probabilities:
    scaled = np.asarray(logits, np.float64) / temperature
    raised = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def measure_unlike(
    model: ModelCalibration, calibration: Calibration, *, logits: Features, pooled: Features
) -> dict[str, float]:
    """How far a picture lies beyond each limit from which it is unlike the training: of its energy,
    of the distance of its features, and of the log odds of a disease that the model does not name.
    """
    floor, familiar, other = calibration.unlike_training, calibration.familiar, model.other_diseases
    features, beyond = np.atleast_2d(pooled), {}
    if floor is not None:
        beyond["energy"] = floor - float(calibration.energy(logits))
    if familiar is not None:
        beyond["distance"] = float(familiar.measure(features)[0]) / familiar.limit - 1
    if other is not None:
        probability = float(other.other.probability(features)[0])
        beyond["other"] = log_odds(probability) - log_odds(other.limit)
    return beyond
