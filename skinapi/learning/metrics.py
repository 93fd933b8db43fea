"""Figures of merit from probabilities and labels, in numpy alone."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Labels = NDArray[np.integer]
Mask = NDArray[np.bool_]
Rows = NDArray[np.integer]

BINS = 15
RESAMPLES = 1000


def auc(scores: Floats, positive: Mask) -> float:
    """Area under the ROC curve by ranks; ties count half. Not a number where one side is empty."""
    n_positive = int(positive.sum())
    n_negative = positive.size - n_positive
    if n_positive == 0 or n_negative == 0:
        return float("nan")
    _, position, counts = np.unique(scores, return_inverse=True, return_counts=True)
    rank = np.cumsum(counts) - (counts - 1) / 2
    below = rank[position][positive].sum() - n_positive * (n_positive + 1) / 2
    return float(below / (n_positive * n_negative))


def macro_auc(probabilities: Floats, labels: Labels) -> float:
    """The mean one-versus-rest AUC of the classes that occur."""
    aucs = [auc(probabilities[:, label], labels == label) for label in np.unique(labels)]
    return float(np.mean(aucs))


def balanced_accuracy(probabilities: Floats, labels: Labels) -> float:
    """The mean sensitivity of the classes that occur."""
    hit = probabilities.argmax(axis=1) == labels
    return float(np.mean([hit[labels == label].mean() for label in np.unique(labels)]))


def macro_f1(probabilities: Floats, labels: Labels) -> float:
    chosen = probabilities.argmax(axis=1)
    scores = []
    for label in np.unique(labels):
        both = ((chosen == label) & (labels == label)).sum()
        scores.append(2 * both / ((chosen == label).sum() + (labels == label).sum()))
    return float(np.mean(scores))


def sensitivity(chosen: Mask, positive: Mask) -> float:
    return float(chosen[positive].mean()) if positive.any() else float("nan")


def specificity(chosen: Mask, positive: Mask) -> float:
    return sensitivity(~chosen, ~positive)


def ece(probabilities: Floats, labels: Labels) -> float:
    """Expected calibration error of the top class, in fifteen bins of equal mass."""
    return calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)


def calibration_error(stated: Floats, happened: Mask) -> float:
    """How far a stated probability is from the share of cases in which it came true."""
    bins = np.array_split(np.argsort(stated, kind="stable"), BINS)
    gaps = [abs(happened[rows].sum() - stated[rows].sum()) for rows in bins if rows.size]
    return float(sum(gaps) / stated.size)


def brier(probabilities: Floats, labels: Labels) -> float:
    """Summed over the classes, as Brier wrote it: 0 is perfect, 2 is the worst."""
    truth = np.eye(probabilities.shape[1])[labels]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def log_loss(probabilities: Floats, labels: Labels) -> float:
    of_truth = probabilities[np.arange(labels.size), labels]
    return float(-np.log(np.maximum(of_truth, 1e-12)).mean())


def threshold_at_sensitivity(scores: Floats, positive: Mask, wanted: float) -> float:
    """The highest threshold that still finds this share of the positives."""
    ranked = np.sort(scores[positive])[::-1]
    return float(ranked[int(np.ceil(wanted * ranked.size)) - 1])


def draw_groups(groups: Sequence[str], *, seed: int = 0) -> list[Rows]:
    """Bootstrap samples by rows. Whole groups (lesions) are drawn: their pictures are not
    independent.
    """
    _, group_of = np.unique(groups, return_inverse=True)
    sizes = np.bincount(group_of)
    members = np.split(np.argsort(group_of, kind="stable"), np.cumsum(sizes)[:-1])
    random = np.random.default_rng(seed)
    chosen = random.integers(sizes.size, size=(RESAMPLES, sizes.size))
    return [np.concatenate([members[group] for group in draw]) for draw in chosen]


def interval(figure: Callable[[Rows], float], draws: Sequence[Rows]) -> tuple[float, float]:
    """95 % percentile bootstrap."""
    low, high = np.nanpercentile([figure(rows) for rows in draws], (2.5, 97.5))
    return float(low), float(high)
