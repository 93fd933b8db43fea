"""Is one set of answers better than another to the same pictures, or is the difference chance?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

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
    """Second minus first, with the 95 % interval of the paired bootstrap by patient, or by
    lesion where nobody knows the patient."""

    first: float
    second: float
    low: float
    high: float

    @property
    def resolved(self) -> bool:
        """The interval leaves zero out."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        verdict = "" if self.resolved else ", not resolved"
        return (
            f"{self.first:.4f} -> {self.second:.4f}: {self.second - self.first:+.4f} "
            f"[{self.low:+.4f}, {self.high:+.4f}]{verdict}"
        )


def compare_predictions(
    first: Predictions, second: Predictions, figures: Mapping[str, Figure] | None = None
) -> dict[str, Difference]:
    """Every draw takes the same lesions from both: what is hard for one is hard for the other."""
    return compare_mean([(first, second)], figures or choose_figures(first))


def compare_mean(
    pairs: Sequence[tuple[Predictions, Predictions]], figures: Mapping[str, Figure]
) -> dict[str, Difference]:
    """Of figures that are the mean over all pairs; a draw takes the same lesions from every one."""
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
    """Melanoma's own AUC too, where the labels hold it."""
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

    everything = np.arange(pairs[0][0].labels.size)
    low, high = metrics.bootstrap_interval(lambda rows: mean(1, rows) - mean(0, rows), draws)
    return Difference(mean(0, everything), mean(1, everything), low, high)
