"""Is one set of answers better than another to the same pictures, or is the difference chance?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from skinapi.errors import BadDataset
from skinapi.learning import metrics
from skinapi.learning.answers import Judged

Figure = Callable[[metrics.Floats, metrics.Labels], float]

FIGURES: Mapping[str, Figure] = {
    "macro_auc": metrics.macro_auc,
    "balanced_accuracy": metrics.balanced_accuracy,
    "log_loss": metrics.log_loss,
}


@dataclass(frozen=True, slots=True)
class Difference:
    """Second minus first, with the 95 % interval of the paired bootstrap by lesion."""

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


def compare(
    first: Judged, second: Judged, figures: Mapping[str, Figure] | None = None
) -> dict[str, Difference]:
    """Every draw takes the same lesions from both: what is hard for one is hard for the other."""
    asked = [[sample.image_id for sample in judged.samples] for judged in (first, second)]
    if asked[0] != asked[1] or first.classes != second.classes:
        raise BadDataset("Only answers to the same pictures and classes can be compared")
    draws = metrics.draw_groups(first.lesions)
    return {
        name: _compare_by(figure, first, second, draws)
        for name, figure in (figures or figures_of(first)).items()
    }


def figures_of(judged: Judged) -> Mapping[str, Figure]:
    """Melanoma's own AUC too, where the labels hold it."""
    if "melanoma" not in judged.classes:
        return FIGURES
    place = judged.classes.index("melanoma")
    return {**FIGURES, "melanoma_auc": lambda p, y: metrics.auc(p[:, place], y == place)}


def _compare_by(
    figure: Figure, first: Judged, second: Judged, draws: list[metrics.Rows]
) -> Difference:
    def gain(rows: metrics.Rows) -> float:
        labels = first.labels[rows]
        return figure(second.probabilities[rows], labels) - figure(
            first.probabilities[rows], labels
        )

    everything = np.arange(first.labels.size)
    low, high = metrics.interval(gain, draws)
    before = figure(first.probabilities, first.labels)
    return Difference(before, before + gain(everything), low, high)
