"""The layers of a network after its average pooling, and their heat maps. Their gradient is known
in closed form, so Grad-CAM (https://arxiv.org/abs/1610.02391) needs no second pass.
"""

from dataclasses import dataclass

import numpy as np

from skinapi.model.network.picture import Tensor


@dataclass(frozen=True, slots=True)
class Head:
    weights: Tensor
    hidden_weights: Tensor | None = None
    hidden_bias: Tensor | None = None

    @property
    def features(self) -> int:
        first = self.weights if self.hidden_weights is None else self.hidden_weights
        return int(first.shape[0])

    @property
    def outputs(self) -> int:
        return int(self.weights.shape[1])

    def answer(self, pooled: Tensor) -> Tensor:
        features = pooled
        if self.hidden_weights is not None and self.hidden_bias is not None:
            features = np.maximum(pooled @ self.hidden_weights + self.hidden_bias, np.float32(0.0))
        logits: Tensor = features @ self.weights
        return logits

    def slope(self, pooled: Tensor, output: int) -> Tensor:
        if self.hidden_weights is None or self.hidden_bias is None:
            return self.weights[:, output]
        active = pooled @ self.hidden_weights + self.hidden_bias > 0
        slope: Tensor = self.hidden_weights @ np.where(
            active, self.weights[:, output], np.float32(0)
        )
        return slope

    def heat(self, feature_map: Tensor, pooled: Tensor, output: int) -> Tensor:
        """The places of one picture that raise this output: height x width, never negative, on the
        logit's scale, as in the Grad-CAM paper. Maps of the probabilities look different.
        """
        height, width, _ = feature_map.shape
        importance = self.slope(pooled, output) / np.float32(height * width)
        # `@` reads the processor's flags afterwards, and has warned of an invalid value where none
        # was.
        heat: Tensor = np.maximum(np.dot(feature_map, importance), np.float32(0.0))
        return heat
