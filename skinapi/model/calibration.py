"""Calibration: turns logits into probabilities that match the frequencies observed on the pictures
they were fitted to, and holds all limits fitted together with them.

A calibrated probability is valid for the mix of lesions in its fit. It is adjusted to the patient's
age, sex and body site, to another share of cancers, such as in a family practice, and to several
pictures of one lesion.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, model_validator

from skinapi.base.errors import NoOperatingPoints
from skinapi.base.stored_record import Frozen, StoredRecord, optional
from skinapi.model.bands import Limit, OperatingPoint, all_thresholds, log_odds, most_probable
from skinapi.model.conditions import conditions_table
from skinapi.model.context import BodySite, Modality, SkinTone
from skinapi.model.detectors import (
    KNOWN,
    Features,
    ModalityDetector,
    OtherDiseaseDetector,
    OutOfDistributionDetector,
    SkinDetector,
)
from skinapi.model.patient_facts import Fact, PatientFactsTable, ToldLimits, name_told

# Probabilities are clipped here: no mix of lesions is that pure, and products would underflow.
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
# Fitted values stay far below this bound; above it, results would be overconfident.
Weight = Annotated[float, Field(ge=0, le=2)]


class JoiningRule(Frozen):
    """How much the calibrated log probabilities of each kind of picture weigh if a lesion has both
    kinds (late fusion, fitted on validation pairs). Several pictures of one kind are averaged and
    count once, because their errors are correlated.
    """

    dermoscopic: Weight
    clinical: Weight

    @model_validator(mode="after")
    def _refuse_nothing(self) -> Self:
        if self.dermoscopic + self.clinical <= 0:
            raise ValueError("one kind of picture must count")
        return self

    def join(self, pictures: Sequence[tuple[Modality, Mapping[str, float]]]) -> dict[str, float]:
        if not 1 <= len(pictures) <= MOST_PICTURES:
            raise ValueError(f"one to {MOST_PICTURES} pictures are joined")
        keys = sorted(pictures[0][1])
        kinds = sorted({modality for modality, _ in pictures})
        both = {Modality.DERMOSCOPIC: self.dermoscopic, Modality.CLINICAL: self.clinical}
        weights = both if len(kinds) > 1 else dict.fromkeys(kinds, 1.0)
        logs = sum(weights[kind] * _mean_log(pictures, kind, keys) for kind in kinds)
        raised = np.exp(logs - np.max(logs))
        return dict(zip(keys, (raised / raised.sum()).tolist(), strict=True))


# For a model without fitted pairs: the geometric mean, as confident as a single picture.
EQUAL = JoiningRule(dermoscopic=0.5, clinical=0.5)


def _mean_log(
    pictures: Sequence[tuple[Modality, Mapping[str, float]]], kind: Modality, keys: Sequence[str]
) -> np.ndarray:
    shares = [[item[key] for key in keys] for modality, item in pictures if modality is kind]
    # Sorted, so that even rounding is independent of the order.
    logs = np.sort(np.log(np.maximum(shares, 1e-12)), axis=0)
    return np.asarray(logs.mean(axis=0))


Probabilities = NDArray[np.float64]
Share = Annotated[float, Field(ge=0, le=1)]
Level = Literal["0.90", "0.95"]
LEVELS: tuple[Level, ...] = ("0.90", "0.95")
# With fewer malignant lesions in a modality's test part, its sensitivity is too uncertain.
ENOUGH_TESTED = 100
# With fewer of them at a body site, the figure of all sites is shown.
ENOUGH_AT_SITE = 50
# With fewer lesions of a skin tone, the model counts as untested on it.
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
    """Results on the test part of one modality, with one picture of each lesion.

    `sensitivity` is the share of malignant lesions that were sent to a doctor, and `at_site` that
    of lesions at the entered body site, if it is known. `elsewhere` is the same at the clinic with
    the lowest value among those that are not in the training data; None if no such clinic was
    tested at this operating point.
    """

    modality: Modality
    lesions: NonNegativeInt
    malignant: NonNegativeInt
    sensitivity: Share
    tones: TonesTested = TonesTested()
    elsewhere: Share | None = optional()
    at_site: Share | None = optional()

    @property
    def sent(self) -> float:
        return self.sensitivity if self.at_site is None else self.at_site

    @property
    def is_little(self) -> bool:
        return self.malignant < ENOUGH_TESTED


class ShareSent(StoredRecord):
    tested: Mapping[OperatingPoint, Share] = {}
    elsewhere: Mapping[OperatingPoint, Share] = {}


class PointFigures(StoredRecord):
    """Counts of lesions in the test part of one modality. `sent`: doctor_review or more urgent;
    `urgent`: urgent_referral.
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
    are not overlooked: logit adjustment, https://arxiv.org/abs/2007.07314
    """

    tau: NonNegativeFloat
    prior: Mapping[str, PositiveFloat]

    def name(self, probabilities: Mapping[str, float]) -> str:
        """The most probable class is named even without a prior; other classes without a prior are
        not.
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

    A picture is unlike the training pictures if its energy is below `unlike_training`, or its
    distance exceeds the limit of `familiar`. Classes whose probabilities differ by less than
    `too_close` cannot be distinguished. `sent` is the malignant score from which a lesion is sent
    to a doctor. A class cannot be ruled out above its limit in `prediction_sets`; classes in
    `too_few` had too few lesions and share the limit of all malignant, or all other, classes.
    """

    # Fitted temperatures stay far from these bounds; beyond them sums overflow.
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
    elsewhere: Mapping[OperatingPoint, Share] = {}
    sites: Mapping[BodySite, ShareSent] = {}
    patient_facts: PatientFactsTable | None = None

    def limits(self, point: OperatingPoint, told: Collection[Fact] = ()) -> Mapping[str, float]:
        facts = self._told_limits(told)
        limits, sent = (facts or self).thresholds, (facts or self).sent
        return all_thresholds(limits) | ({"malignant": sent[point]} if sent else {})

    def may_lower(self, told: Collection[Fact]) -> bool:
        """Only thresholds that were fitted with these facts may lower a band."""
        return self._told_limits(told) is not None

    def _told_limits(self, told: Collection[Fact]) -> ToldLimits | None:
        return self.patient_facts.limits.get(name_told(told)) if self.patient_facts else None

    def tested_at(
        self, point: OperatingPoint, site: BodySite | None = None
    ) -> HeldOutFigures | None:
        if self.tested is None:
            return None
        figures, there = self.point_figures.get(point), self.sites.get(site) if site else None
        known: dict[str, object] = {"elsewhere": self.elsewhere.get(point)}
        if there and point in there.tested:
            known["at_site"] = there.tested[point]
            known["elsewhere"] = there.elsewhere.get(point, self.elsewhere.get(point))
        if figures and figures.malignant:
            known["sensitivity"] = figures.malignant_sent / figures.malignant
        return self.tested.model_copy(update=known)

    def probabilities(self, logits: NDArray[np.floating]) -> Probabilities:
        return softmax(logits, self.temperature)

    @property
    def malignant_share(self) -> float | None:
        """The share of malignant lesions in the training and validation pictures, for which the
        probabilities are valid; None if it is unknown.
        """
        prior = self.naming.prior if self.naming else {}
        keys = conditions_table().malignant_keys
        malignant = math.fsum(share for key, share in prior.items() if key in keys)
        whole = math.fsum(prior.values())
        return malignant / whole if 0 < malignant < whole else None

    def energy(self, logits: NDArray[np.floating]) -> Probabilities:
        """The negated free energy (https://arxiv.org/abs/2010.03759): low if the picture is unlike
        the training pictures.
        """
        scaled = np.asarray(logits, np.float64) / self.temperature
        # The highest logit is subtracted first, or exp would overflow.
        highest = scaled.max(axis=-1)
        return np.asarray(highest + np.log(np.exp(scaled - highest[..., None]).sum(axis=-1)))


class ModelCalibration(Frozen):
    """The content of calibration.json. Without a `clinical` calibration, the dermoscopic one is
    used for clinical pictures. The file does not include `operating_point` and `prevalence` (the
    share of malignant lesions that the clinic sees), which the clinic sets.
    """

    dermoscopic: Calibration = Calibration()
    clinical: Calibration | None = None
    modality: ModalityDetector | None = None
    skin: SkinDetector | None = None
    other_diseases: OtherDiseaseDetector | None = None
    joining: JoiningRule | None = None
    operating_point: OperatingPoint = Field(default=OperatingPoint.CAUTIOUS, exclude=True)
    prevalence: float | None = Field(default=None, gt=0, lt=1, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_table_of_frequencies(cls, read: Any) -> Any:
        """Version 1.0.0 had one table for all kinds of picture."""
        return (
            {k: v for k, v in read.items() if k != "patient_facts"}
            if isinstance(read, dict)
            else read
        )

    @property
    def has_points(self) -> bool:
        return all(item.sent for item in (self.dermoscopic, self.clinical) if item is not None)

    @property
    def point_in_use(self) -> OperatingPoint | None:
        return self.operating_point if self.has_points else None

    def refuse_without_points(self, version: str) -> None:
        if not self.has_points:
            raise NoOperatingPoints(
                f"The model {version} has no thresholds for operating points: it was calibrated by "
                "an older version of this software. Calibrate it again: python -m skinapi calibrate"
            )

    def at(self, point: OperatingPoint) -> "ModelCalibration":
        return self.model_copy(update={"operating_point": point})

    def where(self, prevalence: float | None) -> "ModelCalibration":
        return self.model_copy(update={"prevalence": prevalence})

    def restate(
        self, modality: Modality, probabilities: Mapping[str, float]
    ) -> Mapping[str, float] | None:
        """Probabilities for the clinic's prevalence; None if it is not set. If it is higher than
        that of the calibration, the thresholds would send too few lesions, so nothing is restated
        and the model must be calibrated on the clinic's pictures.
        """
        share = self.for_modality(modality).malignant_share
        if self.prevalence is None or share is None or modality in self.not_restated:
            return None
        return restate(probabilities, calibrated=share, prevalence=self.prevalence)

    @property
    def not_restated(self) -> tuple[Modality, ...]:
        told = self.prevalence or 0.0
        return tuple(m for m in KNOWN if told > (self.for_modality(m).malignant_share or 0.0))

    def for_modality(self, modality: Modality) -> Calibration:
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
