"""The batches of an epoch: sampled by seed and epoch, with mixup."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from skinapi.learning.train.inputs.sampling import Rows, Sampler

Floats = NDArray[np.float32]
Fetch = Callable[[Rows, np.random.Generator], tuple[Floats, Floats]]


@dataclass(frozen=True, slots=True)
class FetchSwitch:
    """Another source of inputs from this epoch on, for progressive resizing. 1.5 switches in the
    middle of the second epoch.
    """

    epochs: float
    fetch: Fetch


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """Pairs of inputs and targets. A batch depends on seed, epoch and index alone, so a resumed
    training repeats it. `steps`: batches of one epoch; 0: as many as the sampler's rows fill.
    """

    # Classes are balanced by the sampler. Weights in the loss would aim at the same, but spend two
    # thirds of the work on the most frequent class.

    fetch: Fetch
    sampler: Sampler
    batch: int
    mixup: float
    seed: int
    switch: FetchSwitch | None = None
    steps: int = 0

    def __len__(self) -> int:
        """Batches of one epoch."""
        return self.steps or max(1, len(self.sampler) // self.batch)

    def load(self, epoch: int, index: int) -> tuple[Floats, Floats]:
        # Drawn again for each batch, so that threads share no state. It takes milliseconds.
        many = self.steps * self.batch or len(self.sampler)
        order = self.sampler.draw(np.random.default_rng((self.seed, epoch)), many)
        chosen = order[index * self.batch : (index + 1) * self.batch]
        random = np.random.default_rng((self.seed, epoch, index))
        switched = self.switch if index >= self._switch_index(epoch) else None
        fetch = switched.fetch if switched else self.fetch
        inputs, targets = fetch(chosen, random)
        if self.mixup > 0.0:
            return _mix(inputs, targets, self.mixup, random)
        return inputs, targets

    def segments(self, epoch: int) -> "list[BatchRange]":
        """The batches of an epoch in order, split where the input size changes: one Keras `fit`
        takes inputs of one shape only.
        """
        switch = self._switch_index(epoch)
        ranges = (range(switch), range(switch, len(self)))
        return [BatchRange(self, epoch, indices) for indices in ranges if indices]

    def _switch_index(self, epoch: int) -> int:
        """The first batch of the epoch that comes from the switched source."""
        if self.switch is None:
            return len(self)
        return min(max(round((self.switch.epochs - epoch) * len(self)), 0), len(self))


class BatchRange(keras.utils.PyDataset):  # type: ignore[misc]
    """Consecutive batches of one epoch, in the form that Keras reads."""

    def __init__(self, batches: Batches, epoch: int, indices: range) -> None:
        # Threads, not processes: Pillow and numpy release the GIL, and a copy of all samples in
        # each process would cost memory.
        super().__init__(workers=2, max_queue_size=8)
        self._batches = batches
        self._epoch = epoch
        self._indices = indices

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> tuple[Floats, Floats]:
        return self._batches.load(self._epoch, self._indices[index])


def _mix(
    inputs: Floats, targets: Floats, strength: float, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """Mixup: blends each sample with another one of its batch. Its own share is at least half."""
    partners = random.permutation(len(inputs))
    share = random.beta(strength, strength, len(inputs)).astype(np.float32)
    share = np.maximum(share, np.float32(1.0) - share)
    wide = share.reshape(-1, *([1] * (inputs.ndim - 1)))
    mixed = wide * inputs + (np.float32(1.0) - wide) * inputs[partners]
    share = share[:, None]
    return mixed, share * targets + (np.float32(1.0) - share) * targets[partners]
