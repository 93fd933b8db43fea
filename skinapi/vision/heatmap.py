"""Grad-CAM in closed form: behind global average pooling the gradient is known, so no second pass
is needed.
"""

from dataclasses import dataclass

import numpy as np

from skinapi.vision.tensor import Tensor


@dataclass(frozen=True, slots=True)
class Head:
    """What follows the pooling: one Dense, or Dense with ReLU and then Dense."""

    weights: Tensor
    hidden_weights: Tensor | None = None
    hidden_bias: Tensor | None = None

    @property
    def features(self) -> int:
        """How many pooled features it reads."""
        first = self.weights if self.hidden_weights is None else self.hidden_weights
        return int(first.shape[0])

    @property
    def outputs(self) -> int:
        return int(self.weights.shape[1])

    def slope(self, pooled: Tensor, output: int) -> Tensor:
        """How the output's logit moves with each pooled feature, at these features."""
        if self.hidden_weights is None or self.hidden_bias is None:
            return self.weights[:, output]
        awake = pooled @ self.hidden_weights + self.hidden_bias > 0
        slope: Tensor = self.hidden_weights @ np.where(
            awake, self.weights[:, output], np.float32(0)
        )
        return slope


def draw_heat(*, feature_map: Tensor, pooled: Tensor, head: Head, output: int) -> Tensor:
    """Where one picture speaks for one output: height x width, never negative, on the logit's
    scale.

    These are maps of the logits, as in Grad-CAM's paper; maps of the probabilities look different.
    """
    height, width, _ = feature_map.shape
    importance = head.slope(pooled, output) / np.float32(height * width)
    heat: Tensor = np.maximum(feature_map @ importance, np.float32(0.0))
    return heat
