"""The charts of a model card."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from skinapi.learning.measure.metrics import BINS
from skinapi.learning.measure.predictions import Predictions
from skinapi.vision.conditions import conditions_table

COLOURS = ("#0b6e99", "#d1495b", "#66a182", "#edae49", "#6a4c93", "#2e4057", "#8d6a9f")


def draw_charts(predictions: Predictions, figures: Mapping[str, Any], folder: Path) -> None:
    """Writes confusion.png, roc.png, reliability.png and per_class.png."""
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        names = list(figures["per_class"])
        _save(_draw_confusion(np.array(figures["confusion"]), names), folder / "confusion.png")
        _save(_draw_roc(predictions, figures), folder / "roc.png")
        _save(_draw_reliability(predictions), folder / "reliability.png")
        _save(_draw_per_class(figures), folder / "per_class.png")


def _axes(width: float = 5.0, height: float = 4.6) -> tuple[Figure, Axes]:
    # Not pyplot: it keeps every figure in a global list and may look for a display.
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _save(figure: Figure, path: Path) -> None:
    # Without the version of matplotlib in the file, equal figures give equal files.
    figure.savefig(path, dpi=110, metadata={"Software": None})


def _draw_confusion(counts: NDArray[np.int64], names: Sequence[str]) -> Figure:
    figure, axes = _axes()
    shares = counts / counts.sum(axis=1, keepdims=True)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(count), ha="center", va="center", color=colour)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title("Confusion (pictures; shade: share of the true class)")
    return figure


def _draw_roc(predictions: Predictions, figures: Mapping[str, Any]) -> Figure:
    figure, axes = _axes()
    for index, (name, one) in enumerate(figures["per_class"].items()):
        positive, scores = predictions.labels == index, predictions.probabilities[:, index]
        false, true, _ = roc_curve(positive, scores, drop_intermediate=False)
        axes.plot(false, true, color=COLOURS[index], lw=1.3, label=f"{name} {one['auc']:.3f}")
    axes.plot([0, 1], [0, 1], color="grey", lw=0.6, ls=":")
    axes.set_xlabel("1 - specificity")
    axes.set_ylabel("sensitivity")
    axes.set_title("ROC, each class against the rest")
    axes.legend(title="AUC", loc="lower right", frameon=False)
    return figure


def _draw_reliability(predictions: Predictions) -> Figure:
    figure, axes = _axes()
    both = (
        ("before temperature", predictions.uncalibrated),
        ("as served", predictions.probabilities),
    )
    for (label, probabilities), colour in zip(both, ("#c0c0c0", COLOURS[0]), strict=True):
        confidence = probabilities.max(axis=1)
        hit = probabilities.argmax(axis=1) == predictions.labels
        bins = np.array_split(np.argsort(confidence, kind="stable"), BINS)
        points = [(confidence[rows].mean(), hit[rows].mean()) for rows in bins if rows.size]
        axes.plot(*zip(*points, strict=True), marker="o", ms=4, color=colour, label=label)
    axes.plot([0, 1], [0, 1], color="grey", lw=0.6, ls=":")
    axes.set_xlabel("confidence in the most probable class")
    axes.set_ylabel("share of correct predictions")
    axes.set_title("Reliability, fifteen bins of equal size")
    axes.legend(frameon=False)
    return figure


def _draw_per_class(figures: Mapping[str, Any]) -> Figure:
    rows = []
    for one in figures["per_class"].values():
        name = conditions_table().by_key(one["condition"]).names.en
        cells = [_cell(one, key) for key in ("sensitivity", "specificity", "auc")]
        rows.append([name, str(one["n"]), *cells])
    figure, axes = _axes(8.4, 0.42 * len(rows) + 0.8)
    axes.axis("off")
    table = axes.table(
        cellText=rows,
        colLabels=["", "n", "sensitivity", "specificity", "AUC"],
        colWidths=[0.34, 0.06, 0.2, 0.2, 0.2],
        cellLoc="left",
        loc="center",
    )
    table.auto_set_font_size(False)
    table.set_fontsize(9)
    table.scale(1, 1.6)
    return figure


def _cell(one: Mapping[str, Any], key: str) -> str:
    low, high = one[f"{key}_interval"]
    return f"{one[key]:.3f}  [{low:.3f}-{high:.3f}]"
