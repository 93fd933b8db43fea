"""Tell pictures that are unlike those of the training: a doubt. One detector measures how far a
picture's features lie from those of the training pictures, and needs no others to be fitted. The
other was fitted to pictures of diseases that the model does not name.

The features of the training pictures span only few of the many directions; those of ordinary
photographs have a large part outside of these. On validation lesions this separated foreign
pictures far better than the energy of the logits did.
"""

from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from skinapi.vision.calibration.linear_classifier import Features, LinearClassifier, pack, unpack
from skinapi.vision.conditions import Frozen

DIRECTIONS = 32
# A direction counts only if its length is at least this share of the longest.
SPANNED_SHARE = 1e-5


class OutOfDistributionDetector(Frozen):
    """The mean and the main directions of the training pictures' pooled features, as little-endian
    float16 in base64. A picture whose distance exceeds `limit` is out of distribution.
    """

    features: PositiveInt
    mean: str
    directions: str
    limit: PositiveFloat

    @classmethod
    def learn(cls, pooled: Features, *, limit: float = 1.0) -> Self:
        """Fit a detector to one row of features per training picture. The caller sets the real
        limit later, when distances are known.

        Few pictures span few directions; the decomposition fills up the rest with arbitrary ones,
        which are left out.
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
        """For each row its distance: the length of the part that no main direction explains."""
        centred = pooled.astype(np.float64) - self._mean
        explained = centred @ self._directions.T
        rest = np.square(centred).sum(axis=-1) - np.square(explained).sum(axis=-1)
        return np.asarray(np.sqrt(np.maximum(rest, 0)))  # rounding may leave a little less than 0

    @property
    def _mean(self) -> NDArray[np.float64]:
        return unpack(self.mean, "<f2")

    @property
    def _directions(self) -> NDArray[np.float64]:
        return unpack(self.directions, "<f2").reshape(-1, self.features)


class OtherDiseaseDetector(Frozen):
    """A classifier for "a disease that the model does not name" on the network's own features. It
    was fitted to so many `pictures` of such diseases.

    A picture whose probability is above `limit` is in doubt.
    """

    other: LinearClassifier
    limit: float = Field(gt=0, le=1)
    pictures: PositiveInt

    def finds(self, pooled: Features) -> NDArray[np.bool_]:
        """For each row of features, whether that picture is in doubt."""
        return self.other.probability(pooled) > self.limit
