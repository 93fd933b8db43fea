"""The batches of an epoch: dealt by seed and epoch, rare classes more often, mixed in pairs."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]
Fetch = Callable[[Rows, np.random.Generator], tuple[Floats, Floats]]


def weigh_classes(labels: Sequence[int], outputs: int) -> Floats:
    """The square root of inverse frequency: between the clinic's mix and equal classes; the mean
    over samples is 1.
    """
    counts = np.bincount(labels, minlength=outputs)
    weights = np.where(counts > 0, 1.0 / np.sqrt(np.maximum(counts, 1)), 0.0)
    return np.asarray(weights / (weights * counts).sum() * counts.sum(), np.float32)


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """(inputs, what to answer), fetched and mixed; a batch depends on seed, epoch and
    index alone, so a resumed run repeats it.

    A class is drawn as often as it weighs. Weighing the loss instead aims at the same, but spends
    two thirds of the work on the commonest class.
    """

    def __init__(
        self,
        *,
        fetch: Fetch,
        labels: Sequence[int],
        outputs: int,
        batch: int,
        mixup: float,
        seed: int,
    ) -> None:
        super().__init__(workers=2, max_queue_size=8)
        self._fetch = fetch
        self._share: Floats = weigh_classes(labels, outputs)[np.asarray(labels)]
        self._batch = batch
        self._mixup = mixup
        self._seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return max(1, self._share.size // self._batch)

    def __getitem__(self, index: int) -> tuple[Floats, Floats]:
        order = deal(self._share, np.random.default_rng((self._seed, self.epoch)))
        chosen = order[index * self._batch : (index + 1) * self._batch]
        random = np.random.default_rng((self._seed, self.epoch, index))
        inputs, answers = self._fetch(chosen, random)
        if self._mixup > 0.0:
            return _mix(inputs, answers, self._mixup, random)
        return inputs, answers


def deal(share: Floats, random: np.random.Generator) -> Rows:
    """As many rows as there are, each within one of its share, in random order."""
    rows = random.permutation(share.size)
    expected = np.cumsum(share[rows], dtype=np.float64)
    upto = np.floor(expected / expected[-1] * share.size + random.random())
    times = np.diff(upto, prepend=0).astype(int)
    return random.permutation(np.repeat(rows, times))


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
