"""Detectors on the network's pooled features: the modality of a picture, whether it is unlike the
training pictures, and whether it shows skin. Each is small enough for calibration.json.

Modality: if the model recognises it, as the shipped one does, the sender's entry can add a
calibration but never remove one, so it never lowers a risk band. Otherwise the entry selects the
calibration, and without it both are used.

Unlike the training pictures: a doubt. One detector measures how far a picture's features lie from
those of the training pictures, and needs no others to be fitted. The other was fitted to pictures
of diseases that the model does not name. The training features span only few of the many
directions; those of ordinary photographs have a large part outside of them. On validation lesions
this separated foreign pictures far better than the energy of the logits did.

Skin: the sender resolves the doubt. A picture may be refused only if it certainly shows something
else, and never if it may show a malignant lesion.
"""

import base64
from collections.abc import Mapping
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from skinapi.base.stored_record import Frozen, StoredRecord
from skinapi.model.context import Modality

Features = NDArray[np.floating]
Floats = NDArray[np.float64]


class LinearClassifier(Frozen):
    """Logistic regression with two outcomes; the weights are little-endian float32 in base64."""

    features: PositiveInt
    weights: str
    bias: float

    @classmethod
    def from_weights(cls, weights: Features, bias: float) -> Self:
        return cls(features=weights.size, weights=pack(weights, "<f4"), bias=float(bias))

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        weights = unpack(self.weights, "<f4")
        if weights.size != self.features or not np.isfinite([*weights, self.bias]).all():
            raise ValueError("the weights are not as many finite numbers as there are features")
        return self

    def probability(self, pooled: Features) -> Floats:
        score = pooled.astype(np.float64) @ unpack(self.weights, "<f4") + self.bias
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(score, -60.0, 60.0))))


def pack(numbers: Features, dtype: str) -> str:
    return base64.b64encode(numbers.astype(dtype).tobytes()).decode("ascii")


@lru_cache(maxsize=32)  # some arrays of three models: serving, next, previous
def unpack(text: str, dtype: str) -> Floats:
    return np.frombuffer(base64.b64decode(text, validate=True), dtype).astype(np.float64)


KNOWN = (Modality.DERMOSCOPIC, Modality.CLINICAL)


class ModalityDetector(Frozen):
    dermoscopic: LinearClassifier
    sure: float = Field(gt=0.5, le=1)

    def probability(self, pooled: Features) -> float:
        return float(self.dermoscopic.probability(np.atleast_2d(pooled))[0])

    def recognise(self, probability: float) -> Modality:
        if probability >= self.sure:
            return Modality.DERMOSCOPIC
        return Modality.CLINICAL if 1 - probability >= self.sure else Modality.UNKNOWN


class ModalityFinding(StoredRecord):
    """The modality that the sender told, the one that was recognised, and those whose calibration
    was `used`: both if there was a doubt.
    """

    told: Modality
    recognised: Modality
    dermoscopic_probability: float | None = Field(default=None, ge=0, le=1)
    used: tuple[Modality, ...]

    @model_validator(mode="after")
    def _used_are_known(self) -> Self:
        if not self.used or not set(self.used) <= set(KNOWN):
            raise ValueError("what is used is dermoscopic, clinical or both")
        return self

    @property
    def contradicted(self) -> bool:
        return {self.told, self.recognised} == set(KNOWN)

    @property
    def unsure(self) -> bool:
        return len(self.used) > 1 and not self.contradicted


def settle_modality(
    told: Modality, pooled: Features, detector: ModalityDetector | None
) -> ModalityFinding:
    """Both modalities are used if the picture shows neither, or another than was entered. A model
    without a detector uses the entered one.
    """
    if detector is None:
        probability, recognised, shown = None, Modality.UNKNOWN, told
    else:
        probability = detector.probability(pooled)
        recognised = shown = detector.recognise(probability)
    claimed = {shown, told} if shown in KNOWN else {*KNOWN}
    used = tuple(modality for modality in KNOWN if modality in claimed)
    return ModalityFinding(
        told=told, recognised=recognised, dermoscopic_probability=probability, used=used
    )


DIRECTIONS = 32
# A direction counts only if its length is at least this share of the longest.
SPANNED_SHARE = 1e-5


class OutOfDistributionDetector(Frozen):
    """The mean and the main directions of the training features (float16, base64), and the distance
    above which a picture is out of distribution.
    """

    features: PositiveInt
    mean: str
    directions: str
    limit: PositiveFloat

    @classmethod
    def learn(cls, pooled: Features, *, limit: float = 1.0) -> Self:
        """Fit a detector to one row of features per training picture. The caller sets the real
        limit later. Directions that only a few pictures span are arbitrary, and omitted.
        """
        mean = pooled.astype(np.float64).mean(axis=0)
        _, lengths, directions = np.linalg.svd(pooled - mean, full_matrices=False)
        spanned = directions[lengths >= SPANNED_SHARE * lengths[0]]
        return cls(
            features=mean.size,
            mean=pack(mean, "<f2"),
            directions=pack(spanned[:DIRECTIONS], "<f2"),
            limit=limit,
        )

    @model_validator(mode="after")
    def _unpack_whole(self) -> Self:
        if self._mean.size != self.features or self._directions.shape[1] != self.features:
            raise ValueError("mean and directions do not have as many features as they say")
        if not (np.isfinite(self._mean).all() and np.isfinite(self._directions).all()):
            raise ValueError("mean and directions are not all finite numbers")
        return self

    def measure(self, pooled: Features) -> NDArray[np.float64]:
        centred = pooled.astype(np.float64) - self._mean
        explained = centred @ self._directions.T
        rest = np.square(centred).sum(axis=-1) - np.square(explained).sum(axis=-1)
        return np.asarray(np.sqrt(np.maximum(rest, 0)))  # rounding may give slightly less than 0

    @property
    def _mean(self) -> NDArray[np.float64]:
        return unpack(self.mean, "<f2")

    @property
    def _directions(self) -> NDArray[np.float64]:
        return unpack(self.directions, "<f2").reshape(-1, self.features)


class OtherDiseaseDetector(Frozen):
    other: LinearClassifier
    limit: float = Field(gt=0, le=1)
    pictures: PositiveInt

    def finds(self, pooled: Features) -> NDArray[np.bool_]:
        return self.other.probability(pooled) > self.limit


class SkinDetector(Frozen):
    """Finds pictures that show no skin, trained on lesions, normal skin and ordinary photographs.
    From `limit` on a picture is in doubt, from `sure` on it certainly shows something else. Without
    `sure`, as in calibrations of older code, none does.
    """

    not_skin: LinearClassifier
    limit: float = Field(gt=0, le=1)
    sure: float | None = Field(default=None, gt=0, le=1)

    @model_validator(mode="after")
    def _sure_is_stricter(self) -> Self:
        if self.sure is not None and self.sure < self.limit:
            raise ValueError("what is surely something else is doubted to show skin")
        return self

    def probability(self, pooled: Features) -> float:
        return float(self.not_skin.probability(np.atleast_2d(pooled))[0])

    def doubts(self, pooled: Features) -> bool:
        return self.probability(pooled) >= self.limit

    def finds_something_else(
        self, pooled: Features, *, scores: Mapping[str, float], thresholds: Mapping[str, float]
    ) -> bool:
        """Return whether a picture certainly shows something else than skin. The scores assume that
        it shows skin: 29 of 30 ordinary photographs have a malignant score above 0.15. So each is
        multiplied by the probability of skin, and none may still reach its threshold.
        """
        not_skin = self.probability(pooled)
        if self.sure is None or not_skin < self.sure:
            return False
        return all((1 - not_skin) * score < thresholds[name] for name, score in scores.items())
