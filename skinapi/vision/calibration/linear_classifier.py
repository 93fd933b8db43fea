"""A linear classifier on the network's pooled features, small enough for calibration.json."""

import base64
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt, model_validator

from skinapi.vision.conditions import Frozen

Features = NDArray[np.floating]
Floats = NDArray[np.float64]


class LinearClassifier(Frozen):
    """Logistic regression with two outcomes; the weights are little-endian float32 in base64."""

    features: PositiveInt
    weights: str
    bias: float

    @classmethod
    def of(cls, weights: Features, bias: float) -> Self:
        return cls(features=weights.size, weights=pack(weights, "<f4"), bias=float(bias))

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        weights = unpack(self.weights, "<f4")
        if weights.size != self.features or not np.isfinite([*weights, self.bias]).all():
            raise ValueError("the weights are not as many finite numbers as there are features")
        return self

    def probability(self, pooled: Features) -> Floats:
        """The probability of the first outcome, one number per row."""
        score = pooled.astype(np.float64) @ unpack(self.weights, "<f4") + self.bias
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(score, -60.0, 60.0))))


def pack(numbers: Features, dtype: str) -> str:
    return base64.b64encode(numbers.astype(dtype).tobytes()).decode("ascii")


@lru_cache(maxsize=32)  # a few arrays for each of three models: serving, next, previous
def unpack(text: str, dtype: str) -> Floats:
    return np.frombuffer(base64.b64decode(text, validate=True), dtype).astype(np.float64)
