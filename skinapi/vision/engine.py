"""The port through which a network is asked: one pass answers all that a finding and its heat map
need.
"""

from dataclasses import dataclass
from typing import Protocol

from skinapi.vision.tensor import Tensor


@dataclass(frozen=True, slots=True)
class Reading:
    """One row per picture of the batch."""

    logits: Tensor
    feature_map: Tensor
    pooled: Tensor

    def mean_of(self, views: int) -> "Reading":
        """One row for so many views of each picture: their mean logits; the map is the first's."""
        means = self.logits.reshape(-1, views, self.logits.shape[1]).mean(axis=1)
        return Reading(means, self.feature_map[::views], self.pooled[::views])


class Engine(Protocol):
    def infer(self, batch: Tensor) -> Reading:
        """Pictures x height x width x channel in; safe to call from many threads at once."""
