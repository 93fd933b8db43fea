"""Metrics from probabilities and labels, in numpy alone."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from skinapi.base import intervals

Floats = NDArray[np.floating]
Labels = NDArray[np.integer]
Mask = NDArray[np.bool_]
Rows = NDArray[np.integer]

BINS = 15
RESAMPLES = 1000


def auc(scores: Floats, positive: Mask) -> float:
    """Area under the ROC curve. Ties count half; NaN without positives or without negatives."""
    return auc_of_ranks(rank(scores), positive)


def rank(scores: Floats) -> Rows:
    """The rank of each score among the distinct ones. Ranked once, a bootstrap need not sort."""
    return np.asarray(np.unique(scores, return_inverse=True)[1])


def auc_of_ranks(ranks: Rows, positive: Mask) -> float:
    n_positive = int(positive.sum())
    n_negative = positive.size - n_positive
    if n_positive == 0 or n_negative == 0:
        return float("nan")
    highest = int(ranks.max()) + 1
    positives = np.bincount(ranks[positive], minlength=highest)
    negatives = np.bincount(ranks[~positive], minlength=highest)
    below = np.cumsum(negatives) - negatives / 2
    return float(positives @ below / (n_positive * n_negative))


def macro_auc(probabilities: Floats, labels: Labels) -> float:
    """The mean one-versus-rest AUC of the classes that occur."""
    return macro_auc_of_ranks(rank_classes(probabilities), labels)


def rank_classes(probabilities: Floats) -> Rows:
    return np.column_stack([rank(scores) for scores in probabilities.T])


def macro_auc_of_ranks(ranks: Rows, labels: Labels) -> float:
    """`ranks` has a column per class."""
    aucs = [auc_of_ranks(ranks[:, label], labels == label) for label in np.unique(labels)]
    return float(np.mean(aucs))


def balanced_accuracy(probabilities: Floats, labels: Labels) -> float:
    """The mean sensitivity of the classes that occur."""
    return balanced_accuracy_of(probabilities.argmax(axis=1), labels)


def balanced_accuracy_of(chosen: Labels, labels: Labels) -> float:
    """The same for classes that any rule has chosen."""
    hit = chosen == labels
    return float(np.mean([hit[labels == label].mean() for label in np.unique(labels)]))


def sensitivity(chosen: Mask, positive: Mask) -> float:
    return float(chosen[positive].mean()) if positive.any() else float("nan")


def specificity(chosen: Mask, positive: Mask) -> float:
    return sensitivity(~chosen, ~positive)


def ece(probabilities: Floats, labels: Labels) -> float:
    """Expected calibration error of the top class, in fifteen bins of equal mass."""
    return calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)


def calibration_error(stated: Floats, happened: Mask) -> float:
    """The mean gap between probability and frequency, in bins of equal size."""
    # Bins of equal size, not of equal width: most probabilities are near 1, and bins there would
    # hold all pictures.
    bins = np.array_split(np.argsort(stated, kind="stable"), BINS)
    gaps = [abs(happened[rows].sum() - stated[rows].sum()) for rows in bins if rows.size]
    return float(sum(gaps) / stated.size)


def ece_by_chance(probabilities: Floats) -> Floats:
    """The calibration errors that a perfect calibration would show on so many pictures.

    Each draw makes the top class true as often as its probability says. In a small set the error is
    never near zero, because small bins deviate by chance.
    """
    random = np.random.default_rng(0)
    stated = probabilities.max(axis=1)
    draws = random.random((RESAMPLES, stated.size)) < stated
    return np.array([calibration_error(stated, happened) for happened in draws])


def log_loss(probabilities: Floats, labels: Labels) -> float:
    of_truth = probabilities[np.arange(labels.size), labels]
    return float(-np.log(np.maximum(of_truth, 1e-12)).mean())


def threshold_at_sensitivity(scores: Floats, positive: Mask, wanted: float) -> float:
    """The highest threshold that still finds this share of the positives."""
    ranked = np.sort(scores[positive])[::-1]
    return float(ranked[int(np.ceil(wanted * ranked.size)) - 1])


def specificity_at_sensitivity(scores: Floats, positive: Mask, wanted: float) -> float:
    """The specificity where this share of the positives is found; NaN without either kind."""
    if positive.all() or not positive.any():
        return float("nan")
    return specificity(scores >= threshold_at_sensitivity(scores, positive, wanted), positive)


def draw_bootstrap(groups: Sequence[str]) -> list[Rows]:
    """Bootstrap samples as row numbers. Whole groups (patients, lesions) are drawn, because their
    pictures are not independent.
    """
    _, group_of = np.unique(groups, return_inverse=True)
    sizes = np.bincount(group_of)
    members = np.split(np.argsort(group_of, kind="stable"), np.cumsum(sizes)[:-1])
    random = np.random.default_rng(0)
    chosen = random.integers(sizes.size, size=(RESAMPLES, sizes.size))
    return [np.concatenate([members[group] for group in draw]) for draw in chosen]


def all_rows_and_draws(groups: Sequence[str]) -> list[Rows]:
    """All rows, for the figure itself, and then the bootstrap samples for its interval."""
    return [np.arange(len(groups)), *draw_bootstrap(groups)]


def bootstrap_interval(
    figure: Callable[[Rows], float], draws: Sequence[Rows]
) -> tuple[float, float]:
    """95 % percentile bootstrap."""
    # A draw without one of the classes has no AUC: NaN, left out.
    low, high = np.nanpercentile([figure(rows) for rows in draws], (2.5, 97.5))
    return float(low), float(high)


def wilson_interval(hit: Mask, groups: Sequence[str]) -> tuple[float, float]:
    """Wilson's 95 % interval of a share. The number of observations is that of the groups.

    Not a bootstrap: its interval would have no width where all or none of the rows hit.
    """
    count = len(set(groups))
    if count == 0:
        return float("nan"), float("nan")
    return intervals.wilson_interval(float(hit.mean()), count)
