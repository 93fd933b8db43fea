"""The model card: facts and limits for card.json, and README.md as an illustrated page for people
(`learning/templates/card.j2`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from skinapi.learning.data.samples import Sample, skin_tone
from skinapi.learning.measure.figure_text import render, show_markdown
from skinapi.learning.measure.metrics import BINS
from skinapi.learning.measure.predictions import Predictions
from skinapi.learning.train.recipe import Recipe, TrainingData
from skinapi.learning.train.training import TrainingStatus
from skinapi.model.calibration.detectors import KNOWN
from skinapi.model.conditions import conditions_table
from skinapi.model.context import Modality, SkinTone
from skinapi.model.dataset_labels import SQUAMOUS

README = "README.md"
INTENDED_USE = (
    "For research and decision support. Not a medical device, and never the only basis of a "
    "decision."
)
OTHER_SOURCES = (
    "Tested on held-out pictures of the sources it was trained on. Expect worse results with other "
    "hospitals, cameras or dermoscopes."
)
ABSTENTION = (
    "No way of abstaining reliably prevents silent failures. Out-of-distribution detection and the "
    "refusal of pictures without skin reduce them."
)
PLURALS = {
    Modality.DERMOSCOPIC: "dermoscope pictures",
    Modality.CLINICAL: "phone or other ordinary photographs",
    Modality.UNKNOWN: "pictures of unknown modality",
}


def describe_training(
    recipe: Recipe, data: TrainingData, status: TrainingStatus, command: str, notes: Sequence[str]
) -> dict[str, Any]:
    """How the network was trained: every hyperparameter, and the metrics of every epoch."""
    return {
        "command": command,
        "recipe": recipe.for_card(),
        "notes": list(notes),
        "pictures": {
            "train": dict(Counter(sample.label for sample in data.train)),
            "validation": dict(Counter(sample.label for sample in data.validation)),
        },
        "phases": {recipe.name: {"best_epoch": status.best_epoch, "history": status.history}}
        if recipe.epochs
        else {},
    }


def list_sources(
    parts: Mapping[str, Sequence[Sample]], *, licences: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Each source's modality, licence and numbers of pictures, lesions and patients in each part.

    `patients` is None where the source does not name them.
    """
    names = sorted({sample.source for samples in parts.values() for sample in samples})
    return [_describe_source(name, parts, licences.get(name)) for name in names]


def _describe_source(
    name: str, parts: Mapping[str, Sequence[Sample]], licence: str | None
) -> dict[str, Any]:
    own = {part: [s for s in samples if s.source == name] for part, samples in parts.items()}
    every = [sample for samples in own.values() for sample in samples]
    patients = any(sample.patient_id for sample in every)
    return {
        "name": name,
        "modality": sorted({sample.modality.value for sample in every}),
        "licence": licence,
        "pictures": {part: sum(s.box is None for s in samples) for part, samples in own.items()},
        "normal_skin_cut_out": {
            part: sum(s.box is not None for s in samples) for part, samples in own.items()
        },
        "lesions": {part: len({s.lesion_key for s in samples}) for part, samples in own.items()},
        "patients": {
            part: len({s.patient_id for s in samples if s.patient_id})
            for part, samples in own.items()
        }
        if patients
        else None,
    }


def write_readable_card(folder: Path, card: Mapping[str, Any], version: str) -> None:
    """Writes README.md beside the model. It links to the charts, which must be there already."""
    page = show_markdown(render("card.j2", card=card, version=version))
    (folder / README).write_text(page, encoding="utf-8")


def describe_limits(samples: Sequence[Sample]) -> tuple[str, ...]:
    """One text for each limit. `samples` are the training pictures."""
    lesions = [sample for sample in samples if sample.is_lesion]
    return (
        INTENDED_USE,
        _limit_modality(lesions),
        _limit_skin(lesions),
        OTHER_SOURCES,
        _limit_calibration(lesions),
        ABSTENTION,
        _limit_classes(samples),
    )


def describe_missing_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """Names the malignant conditions that the network has no output for; empty if it has all."""
    missing = [
        condition.names.en
        for condition in conditions_table().conditions
        if condition.malignant
        and conditions_table().counted_as(condition.key, labels) not in labels
    ]
    limit = (
        f"It has no output for: {', '.join(missing)}. It gives such a lesion another name, which "
        "may be a benign one."
    )
    return (limit,) if missing else ()


def _limit_modality(samples: Sequence[Sample]) -> str:
    counts = Counter(sample.modality for sample in samples)
    if set(counts) == {Modality.UNKNOWN}:
        return "It is not known how its pictures were taken, so neither modality is validated."
    if len(counts) == 1:
        (only,) = counts
        others = [PLURALS[m] for m in KNOWN if m is not only]
        return f"Trained on {PLURALS[only]} alone. Not validated on {' or on '.join(others)}."
    counted = [f"{counts[m]:,} {PLURALS[m]}" for m in Modality if counts[m]]
    few = PLURALS[min(counts, key=lambda modality: (counts[modality], modality))]
    return (
        f"Trained on {_join(counted)}; predictions for {few} and their figures rest on these few."
    )


def _limit_skin(samples: Sequence[Sample]) -> str:
    tones = Counter(map(skin_tone, samples))
    known = [f"{tone} {tones[tone]}" for tone in SkinTone if tones[tone]]
    counted = f" Skin tones of the training pictures, where known: {', '.join(known)}."
    return (
        f"Mostly light skin.{counted if known else ''} In the DDI study a network trained on "
        "HAM10000 had an AUC of only 0.57 on clinical photographs of Fitzpatrick types V and VI."
    )


def _limit_calibration(samples: Sequence[Sample]) -> str:
    sources = sorted({sample.source for sample in samples if sample.source})
    named = f"its sources ({', '.join(sources)})" if sources else "its data set"
    return (
        f"Probabilities and prediction sets are calibrated on the mix of classes of {named}. Your "
        "patients have another mix."
    )


def _limit_classes(samples: Sequence[Sample]) -> str:
    """Which classes it has seen: it has an output for each of them, whether it has or not."""
    seen = {sample.label for sample in samples}
    conditions = conditions_table().conditions
    known = [one.names.en for one in conditions if one.key in seen]
    unseen = [one.names.en for one in conditions if one.key not in seen and one.counted_as is None]
    assigned = (
        f"It was trained on {_join(known)}, and on no picture of {_join(unseen)}. What it has not "
        "seen it calls something else, which may be benign."
        if unseen
        else f"It knows {'eight' if SQUAMOUS in seen else 'seven'} classes of lesions and normal "
        "skin. It assigns any other disease to one of these."
    )
    squamous = " Squamous cell carcinoma is counted as actinic keratosis / Bowen's disease."
    within = any(sample.is_squamous and sample.label != SQUAMOUS for sample in samples)
    return assigned + (squamous if within else "")


def _join(words: Sequence[str]) -> str:
    return " and ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0]


# The charts of a model card.


COLOURS = ("#0b6e99", "#d1495b", "#66a182", "#edae49", "#6a4c93", "#2e4057", "#8d6a9f")


def draw_charts(predictions: Predictions, figures: Mapping[str, Any], folder: Path) -> None:
    """Writes confusion.png, roc.png and reliability.png."""
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        names = list(figures["per_class"])
        _save(_draw_confusion(np.array(figures["confusion"]), names), folder / "confusion.png")
        _save(_draw_roc(predictions, figures), folder / "roc.png")
        _save(_draw_reliability(predictions), folder / "reliability.png")


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
