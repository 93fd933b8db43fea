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


class Batches:
    """Pairs of inputs and targets. A batch depends on seed, epoch and index alone, so a resumed
    training repeats it.
    """

    # Classes are balanced by the sampler. Weights in the loss would aim at the same, but spend two
    # thirds of the work on the most frequent class.

    def __init__(
        self,
        *,
        fetch: Fetch,
        sampler: Sampler,
        batch: int,
        mixup: float,
        seed: int,
        switch: FetchSwitch | None = None,
        steps: int = 0,
    ) -> None:
        self._fetch = fetch
        self._sampler = sampler
        self._batch = batch
        self._mixup = mixup
        self._seed = seed
        self._switch = switch
        self._steps = steps or max(1, len(sampler) // batch)

    def __len__(self) -> int:
        """Batches of one epoch."""
        return self._steps

    def load(self, epoch: int, index: int) -> tuple[Floats, Floats]:
        # Drawn again for each batch, so that threads share no state. It takes milliseconds.
        order = self._sampler.draw(np.random.default_rng((self._seed, epoch)))
        chosen = order[index * self._batch : (index + 1) * self._batch]
        random = np.random.default_rng((self._seed, epoch, index))
        switched = self._switch if index >= self._switch_index(epoch) else None
        fetch = switched.fetch if switched else self._fetch
        inputs, targets = fetch(chosen, random)
        if self._mixup > 0.0:
            return _mix(inputs, targets, self._mixup, random)
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
        if self._switch is None:
            return len(self)
        return min(max(round((self._switch.epochs - epoch) * len(self)), 0), len(self))


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
