"""Balanced sampling over sources and classes."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skinapi.errors import BadDataset
from skinapi.learning.data.samples import Sample
from skinapi.vision.conditions import NORMAL_SKIN

Weights = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Sampler:
    """Draws rows by weight. Weights are 1 on average.

    Systematic sampling: in each draw a picture, and each group of pictures, comes as often as its
    weight says, give or take one. Independent draws would vary more, most of all in rare classes.
    """

    weights: Weights
    groups: Rows

    def __len__(self) -> int:
        return self.weights.size

    def draw(self, random: np.random.Generator, many: int) -> Rows:
        """So many rows, in random order."""
        rows = random.permutation(len(self))
        # Sorted by group, so that the cumulative weights of a group are one interval: that bounds
        # how often the group as a whole is drawn. The stable sort keeps the order within it random.
        rows = rows[np.argsort(self.groups[rows], kind="stable")]
        expected = np.cumsum(self.weights[rows])
        upto = np.floor(expected / expected[-1] * many + random.random())
        times = np.diff(upto, prepend=0).astype(int)
        return random.permutation(np.repeat(rows, times))


def balance_samples(
    samples: Sequence[Sample],
    *,
    shares: Mapping[str, float | None],
    most_normal_skin: float,
    balanced: bool = True,
) -> Sampler:
    """A sampler that balances sources, and classes within a source.

    - `shares`: a source's share of the lesions drawn. What is left goes to the other sources by the
      square root of their number of lesion pictures
    - within a source a class is drawn by the square root of its number of pictures: between the
      clinical frequencies and equal classes. If not `balanced`: as often as it occurs
    - normal skin is one more class over all sources, with at most the share `most_normal_skin` of
      everything drawn
    """
    sources = np.array([sample.source for sample in samples])
    labels = np.array([sample.label for sample in samples])
    skin = labels == NORMAL_SKIN
    weights = np.zeros(len(samples))
    for source, share in share_sources(Counter(sources[~skin].tolist()), shares).items():
        rows = ~skin & (sources == source)
        weights[rows] = share * (weigh_by_root(labels[rows]) if balanced else 1.0 / rows.sum())
    if skin.any():
        normal = _share_of_normal_skin(labels, most_normal_skin)
        weights *= 1.0 - normal
        weights[skin] = normal * weigh_by_root(sources[skin])
    _, groups = np.unique(np.stack([sources, labels]), axis=1, return_inverse=True)
    return Sampler(weights * len(samples), groups.reshape(-1))


def share_sources(counts: Mapping[str, int], given: Mapping[str, float | None]) -> dict[str, float]:
    """Each source's share of the draws; they sum to 1.

    Raises BadDataset where the `given` shares leave nothing for a source, or name a source without
    a picture to draw.
    """
    fixed = {source: share for source, share in given.items() if share is not None}
    for source, share in fixed.items():
        if source not in counts:
            raise BadDataset(f"{source} was given a share, but no lesion of it is in training")
        if not 0.0 < share <= 1.0:
            raise BadDataset(f"The share of {source} is {share:g}; it must be above 0, at most 1")
    unshared = {source: math.sqrt(n) for source, n in counts.items() if source not in fixed}
    left = 1.0 - sum(fixed.values())
    if unshared and left <= 0.0:
        raise BadDataset(f"The given shares leave nothing to draw of {', '.join(unshared)}")
    rest = {source: left * n / sum(unshared.values()) for source, n in unshared.items()}
    shares = {**fixed, **rest}
    return {source: shares[source] / sum(shares.values()) for source in sorted(counts)}


def _share_of_normal_skin(labels: NDArray[np.str_], most: float) -> float:
    """Its share as one class among all, by the square root of the numbers, but at most `most`."""
    roots = {name: math.sqrt(n) for name, n in Counter(labels.tolist()).items()}
    return min(most, roots[NORMAL_SKIN] / sum(roots.values()))


def weigh_by_root(names: NDArray[np.str_]) -> Weights:
    """Row weights that sum to 1 and draw each name by the square root of its frequency."""
    _, place, counts = np.unique(names, return_inverse=True, return_counts=True)
    weights = 1.0 / np.sqrt(counts[place])
    return np.asarray(weights / weights.sum(), np.float64)
