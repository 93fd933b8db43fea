"""The interface to a neural network. One pass gives all that a finding and its heat map need."""

from dataclasses import dataclass
from typing import Protocol

from skinapi.vision.network.tensor import Tensor


@dataclass(frozen=True, slots=True)
class EngineOutput:
    """One row per picture of the batch."""

    logits: Tensor
    feature_map: Tensor
    pooled: Tensor


class Engine(Protocol):
    def infer(self, batch: Tensor) -> EngineOutput:
        """Run the network on a batch of the shape pictures x height x width x channels. Safe to
        call from many threads at once.
        """

    def ping(self) -> None:
        """Raises EngineUnavailable while the network cannot be run: for a network in this process,
        never.
        """
        return
