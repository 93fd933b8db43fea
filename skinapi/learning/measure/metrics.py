from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinapi.base.values import wilson_interval

Floats = NDArray[np.floating]
Labels = NDArray[np.integer]
Mask = NDArray[np.bool_]
Rows = NDArray[np.integer]
OverRows = Callable[[Rows], float]

BINS = 15
RESAMPLES = 1000


def auc(scores: Floats, positive: Mask) -> float:
    """Area under the ROC curve. Ties count half; NaN without positives or without negatives."""
    n_positive = int(positive.sum())
    n_negative = positive.size - n_positive
    if n_positive == 0 or n_negative == 0:
        return float("nan")
    distinct, ranks = np.unique(scores, return_inverse=True)
    positives = np.bincount(ranks[positive], minlength=distinct.size)
    negatives = np.bincount(ranks[~positive], minlength=distinct.size)
    below = np.cumsum(negatives) - negatives / 2
    return float(positives @ below / (n_positive * n_negative))


def macro_auc(probabilities: Floats, labels: Labels) -> float:
    present = np.unique(labels)
    return float(np.mean([auc(probabilities[:, label], labels == label) for label in present]))


def balanced_accuracy(probabilities: Floats, labels: Labels) -> float:
    return balanced_accuracy_of(probabilities.argmax(axis=1), labels)


def balanced_accuracy_of(chosen: Labels, labels: Labels) -> float:
    hit = chosen == labels
    return float(np.mean([hit[labels == label].mean() for label in np.unique(labels)]))


def sensitivity(chosen: Mask, positive: Mask) -> float:
    return float(chosen[positive].mean()) if positive.any() else float("nan")


def specificity(chosen: Mask, positive: Mask) -> float:
    return sensitivity(~chosen, ~positive)


def ece(probabilities: Floats, labels: Labels) -> float:
    stated, happened = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    # Bins of equal size, not of equal width: most probabilities are near 1, and bins there would
    # hold all pictures.
    bins = np.array_split(np.argsort(stated, kind="stable"), BINS)
    gaps = [abs(happened[rows].sum() - stated[rows].sum()) for rows in bins if rows.size]
    return float(sum(gaps) / stated.size)


def log_loss(probabilities: Floats, labels: Labels) -> float:
    of_truth = probabilities[np.arange(labels.size), labels]
    return float(-np.log(np.maximum(of_truth, 1e-12)).mean())


def threshold_at_sensitivity(scores: Floats, positive: Mask, wanted: float) -> float:
    ranked = np.sort(scores[positive])[::-1]
    return float(ranked[int(np.ceil(wanted * ranked.size)) - 1])


def specificity_at_sensitivity(scores: Floats, positive: Mask, wanted: float) -> float:
    """NaN without positives or without negatives."""
    if positive.all() or not positive.any():
        return float("nan")
    return specificity(scores >= threshold_at_sensitivity(scores, positive, wanted), positive)


def draw_bootstrap(groups: Sequence[str]) -> list[Rows]:
    """All rows, for the figure itself, and then bootstrap samples as row numbers. Whole groups
    (patients, lesions) are drawn, because their pictures are not independent.
    """
    _, group_of = np.unique(groups, return_inverse=True)
    sizes = np.bincount(group_of)
    members = np.split(np.argsort(group_of, kind="stable"), np.cumsum(sizes)[:-1])
    random = np.random.default_rng(0)
    chosen = random.integers(sizes.size, size=(RESAMPLES, sizes.size))
    resampled = [np.concatenate([members[group] for group in draw]) for draw in chosen]
    return [np.arange(len(groups)), *resampled]


def bootstrap_interval(figure: OverRows, draws: Sequence[Rows]) -> tuple[float, float]:
    # A draw without one of the classes has no AUC: NaN, left out.
    low, high = np.nanpercentile([figure(rows) for rows in draws[1:]], (2.5, 97.5))
    return float(low), float(high)


def with_interval(name: str, draws: Sequence[Rows], figure: OverRows) -> dict[str, Any]:
    return {name: figure(draws[0]), f"{name}_interval": [*bootstrap_interval(figure, draws)]}


def share_with_interval(
    name: str, hit: Mask, groups: Sequence[str], among: Mask | None = None
) -> dict[str, Any]:
    """The share of hits with Wilson's 95 % interval, None without rows. The number of observations
    is that of the groups. The interval of a bootstrap would have no width if all or none of the
    rows hit.
    """
    counted = np.ones(hit.size, bool) if among is None else among
    if not counted.any():
        return {name: None, f"{name}_interval": None}
    share = float(hit[counted].mean())
    observed = len({groups[row] for row in np.flatnonzero(counted).tolist()})
    return {name: share, f"{name}_interval": [*wilson_interval(share, observed)]}


@dataclass(frozen=True, slots=True)
class Difference:
    """The figures of two models, and the 95 % interval of second minus first, from a paired
    bootstrap by patient or lesion. Each draw takes the same lesions for both, so that easy and hard
    lesions add no noise.
    """

    first: float
    second: float
    low: float
    high: float

    @classmethod
    def between(cls, first: OverRows, second: OverRows, draws: Sequence[Rows]) -> "Difference":
        low, high = bootstrap_interval(lambda drawn: second(drawn) - first(drawn), draws)
        return cls(first(draws[0]), second(draws[0]), low, high)

    @property
    def resolved(self) -> bool:
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        # Not "equal": with more pictures the difference may turn out real.
        verdict = "" if self.resolved else ", not resolved"
        return (
            f"{self.first:.4f} -> {self.second:.4f}: {self.second - self.first:+.4f} "
            f"[{self.low:+.4f}, {self.high:+.4f}]{verdict}"
        )
