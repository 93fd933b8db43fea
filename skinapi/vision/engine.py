"""The port through which a network is asked: one pass answers all that a finding and its heat map
need.
"""

from dataclasses import dataclass
from typing import Protocol

from skinapi.vision.tensor import Tensor


@dataclass(frozen=True, slots=True)
class EngineOutput:
    """One row per picture of the batch."""

    logits: Tensor
    feature_map: Tensor
    pooled: Tensor


class Engine(Protocol):
    def infer(self, batch: Tensor) -> EngineOutput:
        """Pictures x height x width x channel in; safe to call from many threads at once."""
