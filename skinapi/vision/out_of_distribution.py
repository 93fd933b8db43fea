"""How far a picture's features lie from everything that the network was trained on.

The training pictures' features fill few of the many directions there are; ordinary photographs
stick out of those. On validation lesions this told foreign pictures apart far better than energy.
"""

from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveFloat, PositiveInt, model_validator

from skinapi.vision.conditions import Frozen
from skinapi.vision.linear import pack, unpack

Features = NDArray[np.floating]
DIRECTIONS = 32
SPANNED = 1e-5


class OutOfDistributionDetector(Frozen):
    """The mean and the main directions of pooled features, as little-endian float16 in base64."""

    features: PositiveInt
    mean: str
    directions: str
    limit: PositiveFloat

    @classmethod
    def learn(cls, pooled: Features, *, limit: float = 1.0) -> Self:
        """From one row per training picture. The limit is set once distances are known.

        Few pictures span few directions; what the decomposition adds to those is arbitrary.
        """
        mean = pooled.astype(np.float64).mean(axis=0)
        _, lengths, directions = np.linalg.svd(pooled - mean, full_matrices=False)
        spanned = directions[lengths >= SPANNED * lengths[0]]
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
        """For each row the length of what no main direction explains."""
        away = pooled.astype(np.float64) - self._mean
        explained = away @ self._directions.T
        rest = np.square(away).sum(axis=-1) - np.square(explained).sum(axis=-1)
        return np.asarray(np.sqrt(np.maximum(rest, 0)))

    @property
    def _mean(self) -> NDArray[np.float64]:
        return unpack(self.mean, "<f2")

    @property
    def _directions(self) -> NDArray[np.float64]:
        return unpack(self.directions, "<f2").reshape(-1, self.features)
