"""From logits to probabilities that mean what they say on the classes they were fitted to."""

from collections.abc import Mapping
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat, model_validator

from skinapi.vision.familiar import Familiar

Probabilities = NDArray[np.float64]


class Calibration(BaseModel):
    """Fitted on validation lesions: one temperature, and the thresholds of the risk bands.

    Strange is what has less energy than `unlike_training`, or features beyond `familiar`'s limit.
    Closer than `too_close`, the two most probable classes cannot be told apart.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: PositiveFloat = 1.0
    thresholds: Mapping[str, float] = {}
    unlike_training: float | None = None
    familiar: Familiar | None = None
    too_close: NonNegativeFloat = 0.15

    @model_validator(mode="after")
    def _stay_finite(self) -> Self:
        if not np.isfinite(self.temperature):
            raise ValueError("temperature must be finite")
        return self

    def probabilities(self, logits: NDArray[np.floating]) -> Probabilities:
        return softmax(logits, self.temperature)

    def energy(self, logits: NDArray[np.floating]) -> Probabilities:
        """High where the network recognises something; what falls below `unlike_training` is
        foreign to it.
        """
        scaled = np.asarray(logits, np.float64) / self.temperature
        highest = scaled.max(axis=-1)
        return np.asarray(highest + np.log(np.exp(scaled - highest[..., None]).sum(axis=-1)))


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> Probabilities:
    scaled = np.asarray(logits, np.float64) / temperature
    raised = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))
