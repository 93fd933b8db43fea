"""The batches of an epoch: drawn by seed and epoch, mixed in pairs."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from skinapi.learning.train.sampling import Rows, Sampler

Floats = NDArray[np.float32]
Fetch = Callable[[Rows, np.random.Generator], tuple[Floats, Floats]]


@dataclass(frozen=True, slots=True)
class FetchSwitch:
    """What is fetched once so many epochs are over; the last of them need not be whole."""

    epochs: float
    fetch: Fetch


class Batches:
    """(inputs, what to answer), fetched and mixed; a batch depends on seed, epoch and
    index alone, so a resumed run repeats it.

    A class is drawn as often as it weighs. Weighing the loss instead aims at the same, but spends
    two thirds of the work on the commonest class.
    """

    def __init__(
        self,
        *,
        fetch: Fetch,
        sampler: Sampler,
        batch: int,
        mixup: float,
        seed: int,
        later: FetchSwitch | None = None,
    ) -> None:
        self._fetch = fetch
        self._sampler = sampler
        self._batch = batch
        self._mixup = mixup
        self._seed = seed
        self._later = later

    def __len__(self) -> int:
        """Batches of one epoch."""
        return max(1, len(self._sampler) // self._batch)

    def load(self, epoch: int, index: int) -> tuple[Floats, Floats]:
        order = self._sampler.draw(np.random.default_rng((self._seed, epoch)))
        chosen = order[index * self._batch : (index + 1) * self._batch]
        random = np.random.default_rng((self._seed, epoch, index))
        inputs, answers = self._fetch_at(epoch, index)(chosen, random)
        if self._mixup > 0.0:
            return _mix(inputs, answers, self._mixup, random)
        return inputs, answers

    def parts(self, epoch: int) -> "list[BatchRange]":
        """The epoch in order, cut where what is fetched changes: Keras wants inputs of one shape
        in a `fit`.
        """
        cut = self._cut(epoch)
        ranges = (range(cut), range(cut, len(self)))
        return [BatchRange(self, epoch, indices) for indices in ranges if indices]

    def _fetch_at(self, epoch: int, index: int) -> Fetch:
        if self._later is None or index < self._cut(epoch):
            return self._fetch
        return self._later.fetch

    def _cut(self, epoch: int) -> int:
        """The first batch of the epoch that is fetched as later ones are."""
        if self._later is None:
            return len(self)
        return min(max(round((self._later.epochs - epoch) * len(self)), 0), len(self))


class BatchRange(keras.utils.PyDataset):  # type: ignore[misc]
    """Consecutive batches of one epoch, as Keras reads them."""

    def __init__(self, batches: Batches, epoch: int, indices: range) -> None:
        super().__init__(workers=2, max_queue_size=8)
        self._batches = batches
        self._epoch = epoch
        self._indices = indices

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> tuple[Floats, Floats]:
        return self._batches.load(self._epoch, self._indices[index])


def _mix(
    inputs: Floats, answers: Floats, strength: float, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """Each sample is blended with a partner of its batch; the stronger share stays its own."""
    partners = random.permutation(len(inputs))
    share = random.beta(strength, strength, len(inputs)).astype(np.float32)
    share = np.maximum(share, np.float32(1.0) - share)
    wide = share.reshape(-1, *([1] * (inputs.ndim - 1)))
    mixed = wide * inputs + (np.float32(1.0) - wide) * inputs[partners]
    share = share[:, None]
    return mixed, share * answers + (np.float32(1.0) - share) * answers[partners]
