"""Validation metrics that decide which epoch is best. Every source counts the same."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from skinapi.errors import BadDataset
from skinapi.learning.data.samples import Sample
from skinapi.learning.measure.metrics import balanced_accuracy, log_loss, macro_auc
from skinapi.learning.train.inputs.network_inputs import Features
from skinapi.vision.calibration.model_calibration import softmax
from skinapi.vision.conditions import NORMAL_SKIN
from skinapi.vision.network.tensor import Tensor

LoadInput = Callable[[int], Tensor | Features]
Logits = NDArray[np.floating]

SCORED_AT_ONCE = 32


def score_network(
    network: keras.Model, load: LoadInput, *, samples: Sequence[Sample], classes: Sequence[str]
) -> dict[str, float]:
    """Runs the network over all samples and returns `score_logits` of its outputs.

    `load` returns the network's input for one row. Works batch by batch, so a large folder fits
    into memory.
    """
    logits = []
    for start in range(0, len(samples), SCORED_AT_ONCE):
        rows = range(start, min(start + SCORED_AT_ONCE, len(samples)))
        batch = np.stack([np.asarray(load(row), np.float32) for row in rows])
        logits.append(keras.ops.convert_to_numpy(network.predict_on_batch(batch)))
    return score_logits(np.concatenate(logits), samples=samples, classes=classes)


def score_logits(
    logits: Logits, *, samples: Sequence[Sample], classes: Sequence[str]
) -> dict[str, float]:
    """Metrics of each source over its lesion classes, averaged over the sources; `macro_auc`
    decides.

    Several sources add one `macro_auc_<source>` each. Normal skin, which is no lesion class, adds
    the share of it that is recognised.
    """
    labels = np.array([list(classes).index(sample.label) for sample in samples])
    sources = {
        source: _score(logits[rows], labels[rows])
        for source, rows in scorable_sources(samples).items()
    }
    # The mean over sources, not over pictures: the largest source would decide alone otherwise.
    names = next(iter(sources.values()))
    scores = {
        name: float(np.mean([figures[name] for figures in sources.values()])) for name in names
    }
    if len(sources) > 1:
        scores |= {f"macro_auc_{name}": figures["macro_auc"] for name, figures in sources.items()}
    skin = np.array([sample.label == NORMAL_SKIN for sample in samples])
    if skin.any():
        recognised = logits[skin].argmax(axis=1) == labels[skin]
        scores["normal_skin_recognised"] = float(recognised.mean())
    return scores


def scorable_sources(samples: Sequence[Sample]) -> dict[str, list[int]]:
    """The lesion rows of each source that has at least two lesion classes: an AUC needs two."""
    rows: dict[str, list[int]] = {}
    for row, sample in enumerate(samples):
        if sample.label != NORMAL_SKIN:
            rows.setdefault(sample.source, []).append(row)
    return {
        source: mine
        for source, mine in sorted(rows.items())
        if len({samples[row].label for row in mine}) > 1
    }


def require_scorable(samples: Sequence[Sample]) -> None:
    if not scorable_sources(samples):
        held = ", ".join(sorted({sample.label for sample in samples})) or "nothing"
        raise BadDataset(f"Validation needs two classes of lesion from one source; it holds {held}")


def _score(logits: Logits, labels: NDArray[np.integer]) -> dict[str, float]:
    """Over the classes that occur: the other outputs are left out before the softmax."""
    present, found = np.unique(labels, return_inverse=True)
    probabilities = softmax(logits[:, present])
    return {
        "macro_auc": macro_auc(probabilities, found),
        "balanced_accuracy": balanced_accuracy(probabilities, found),
        "val_accuracy": float((probabilities.argmax(axis=1) == found).mean()),
        "val_loss": log_loss(probabilities, found),
    }
