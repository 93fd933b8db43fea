"""Compares two models on the same pictures: differences with paired bootstrap intervals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from skinapi.errors import BadDataset
from skinapi.learning.measure import metrics
from skinapi.learning.measure.predictions import Predictions

Figure = Callable[[metrics.Floats, metrics.Labels], float]

FIGURES: Mapping[str, Figure] = {
    "macro_auc": metrics.macro_auc,
    "balanced_accuracy": metrics.balanced_accuracy,
    "log_loss": metrics.log_loss,
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of two models, and the 95 % interval of second minus first.

    From a paired bootstrap by patient, or by lesion where the patient is not known.
    """

    first: float
    second: float
    low: float
    high: float

    @classmethod
    def of(
        cls,
        first: Callable[[metrics.Rows], float],
        second: Callable[[metrics.Rows], float],
        draws: Sequence[metrics.Rows],
        rows: int,
    ) -> "Difference":
        """Of a figure over so many rows."""
        low, high = metrics.bootstrap_interval(lambda drawn: second(drawn) - first(drawn), draws)
        everything = np.arange(rows)
        return cls(first(everything), second(everything), low, high)

    @property
    def resolved(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        # Not "equal": with more pictures the difference may turn out real.
        verdict = "" if self.resolved else ", not resolved"
        return (
            f"{self.first:.4f} -> {self.second:.4f}: {self.second - self.first:+.4f} "
            f"[{self.low:+.4f}, {self.high:+.4f}]{verdict}"
        )


def compare_predictions(
    first: Predictions, second: Predictions, figures: Mapping[str, Figure] | None = None
) -> dict[str, Difference]:
    """Compares the predictions of two models for the same pictures.

    The bootstrap is paired: each draw takes the same lesions from both. Otherwise easy and hard
    lesions would add noise that both models share.
    """
    return compare_mean([(first, second)], figures or choose_figures(first))


def compare_mean(
    pairs: Sequence[tuple[Predictions, Predictions]], figures: Mapping[str, Figure]
) -> dict[str, Difference]:
    """Compares the mean of each figure over all pairs. A draw takes the same lesions from each."""
    first, _ = pairs[0]
    asked = [sample.image_id for sample in first.samples]
    for predictions in (predictions for pair in pairs for predictions in pair):
        if [
            s.image_id for s in predictions.samples
        ] != asked or predictions.classes != first.classes:
            raise BadDataset("Only answers to the same pictures and classes can be compared")
    draws = metrics.draw_bootstrap(first.groups)
    return {name: _compare_by(figure, pairs, draws) for name, figure in figures.items()}


def choose_figures(predictions: Predictions) -> Mapping[str, Figure]:
    """The usual figures, and the AUC of melanoma where the labels hold it."""
    if "melanoma" not in predictions.classes:
        return FIGURES
    place = predictions.classes.index("melanoma")
    return {**FIGURES, "melanoma_auc": lambda p, y: metrics.auc(p[:, place], y == place)}


def _compare_by(
    figure: Figure, pairs: Sequence[tuple[Predictions, Predictions]], draws: list[metrics.Rows]
) -> Difference:
    def mean(side: int, rows: metrics.Rows) -> float:
        each = [pair[side] for pair in pairs]
        return float(np.mean([figure(one.probabilities[rows], one.labels[rows]) for one in each]))

    rows = pairs[0][0].labels.size
    return Difference.of(partial(mean, 0), partial(mean, 1), draws, rows)
