"""The serving engine over a labelled folder: what it answered, and how good that was, with
intervals by lesion.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skinapi.errors import BadDataset
from skinapi.learning import metrics
from skinapi.learning.augment import DIHEDRAL
from skinapi.learning.datasets import Dataset, Sample
from skinapi.learning.progress import Progress, Report
from skinapi.vision.calibration import softmax
from skinapi.vision.conditions import conditions_table
from skinapi.vision.model import Model
from skinapi.vision.picture import open_picture

BATCH = 8
AGES = ((0, 30), (30, 45), (45, 60), (60, 75), (75, 200))


@dataclass(frozen=True, slots=True)
class Answers:
    """Raw logits for every picture, in the order of the samples."""

    samples: Sequence[Sample]
    logits: NDArray[np.float32]

    def take(self, rows: Iterable[int]) -> "Answers":
        chosen = list(rows)
        return Answers([self.samples[row] for row in chosen], self.logits[chosen])

    def one_per_lesion(self) -> "Answers":
        """The first picture of each lesion by name."""
        first: dict[str, int] = {}
        for row in sorted(range(len(self.samples)), key=lambda row: self.samples[row].image_id):
            first.setdefault(self.samples[row].lesion_id, row)
        return self.take(sorted(first.values()))


def ask_model(model: Model, samples: Sequence[Sample], *, tta: bool, report: Report) -> Answers:
    """Every picture through the same decoding, preprocessing and engine as in serving."""
    progress = Progress("evaluate", len(samples), report)
    rows = []
    for start in range(0, len(samples), BATCH):
        pictures = [open_picture(s.path.read_bytes()) for s in samples[start : start + BATCH]]
        rows.append(_logits(model, pictures, tta=tta))
        progress.advance(len(pictures))
    if not rows:
        raise BadDataset("There is no picture to evaluate")
    return Answers(samples, np.concatenate(rows))


def _logits(model: Model, pictures: Sequence[Image.Image], *, tta: bool) -> NDArray[np.float32]:
    if not tta:
        return model.read(pictures).logits
    turned = [[p if turn is None else p.transpose(turn) for p in pictures] for turn in DIHEDRAL]
    logits = np.stack([model.read(view).logits for view in turned])
    return np.asarray(logits.mean(axis=0), np.float32)


@dataclass(frozen=True, slots=True)
class Judged:
    """Answers narrowed to the lesion classes that the labels hold, renormalised over those."""

    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]
    uncalibrated: NDArray[np.float64]
    labels: NDArray[np.int64]
    samples: Sequence[Sample]
    refused: NDArray[np.bool_]

    @property
    def lesions(self) -> list[str]:
        return [sample.lesion_id for sample in self.samples]

    def rows(self, chosen: NDArray[Any]) -> "Judged":
        numbers = np.arange(len(self.samples))[chosen]
        return Judged(
            classes=self.classes,
            probabilities=self.probabilities[chosen],
            uncalibrated=self.uncalibrated[chosen],
            labels=self.labels[chosen],
            samples=[self.samples[number] for number in numbers],
            refused=self.refused[chosen],
        )


def judge(model: Model, answers: Answers) -> Judged:
    """Normal skin and classes without a labelled picture are left out of numerator and denominator
    alike.
    """
    held = {sample.label for sample in answers.samples}
    classes = tuple(key for key in model.labels if key in held and key in lesion_classes())
    if len(classes) < 2:
        raise BadDataset("The labels hold fewer than two of the classes that the model knows")
    wanted = [row for row, sample in enumerate(answers.samples) if sample.label in classes]
    kept = answers.take(wanted)
    logits = kept.logits[:, [model.labels.index(key) for key in classes]]
    floor = model.calibration.unlike_training
    energy = model.calibration.energy(kept.logits)
    return Judged(
        classes=classes,
        probabilities=softmax(logits, model.calibration.temperature),
        uncalibrated=softmax(logits),
        labels=np.array([classes.index(sample.label) for sample in kept.samples]),
        samples=kept.samples,
        refused=np.zeros(len(wanted), bool) if floor is None else energy < floor,
    )


def measure(judged: Judged) -> dict[str, Any]:
    """The figures of the table, over every picture given, refused or not."""
    p, y = judged.probabilities, judged.labels
    draws = [np.arange(y.size), *metrics.draw_groups(judged.lesions)]
    figures: dict[str, Any] = {
        "n": int(y.size),
        "lesions": len(set(judged.lesions)),
        "refused": int(judged.refused.sum()),
        **_with_interval("macro_auc", draws, lambda r: metrics.macro_auc(p[r], y[r])),
        **_with_interval(
            "balanced_accuracy", draws, lambda r: metrics.balanced_accuracy(p[r], y[r])
        ),
        **_with_interval("ece", draws, lambda r: metrics.ece(p[r], y[r])),
        "ece_before_temperature": metrics.ece(judged.uncalibrated, y),
        "accuracy": float((p.argmax(axis=1) == y).mean()),
        "macro_f1": metrics.macro_f1(p, y),
        "brier": metrics.brier(p, y),
        "log_loss": metrics.log_loss(p, y),
    }
    figures["per_class"] = {
        _dx(key): _measure_class(judged, index, draws) for index, key in enumerate(judged.classes)
    }
    figures["confusion"] = _confusion(judged)
    return figures


def _measure_class(judged: Judged, index: int, draws: Sequence[metrics.Rows]) -> dict[str, Any]:
    scores, positive = judged.probabilities[:, index], judged.labels == index
    chosen = judged.probabilities.argmax(axis=1) == index
    return {
        "condition": judged.classes[index],
        "n": int(positive.sum()),
        **_with_interval(
            "sensitivity", draws, lambda r: metrics.sensitivity(chosen[r], positive[r])
        ),
        **_with_interval(
            "specificity", draws, lambda r: metrics.specificity(chosen[r], positive[r])
        ),
        **_with_interval("auc", draws, lambda r: metrics.auc(scores[r], positive[r])),
    }


def _with_interval(
    name: str, draws: Sequence[metrics.Rows], figure: Callable[[metrics.Rows], float]
) -> dict[str, Any]:
    """The figure over all pictures, which are the first of the draws, and its interval over the
    others.
    """
    everything, *resampled = draws
    return {name: figure(everything), f"{name}_interval": [*metrics.interval(figure, resampled)]}


def _confusion(judged: Judged) -> list[list[int]]:
    """Rows are the truth, columns what was answered."""
    size = len(judged.classes)
    chosen = judged.probabilities.argmax(axis=1)
    pairs = np.bincount(judged.labels * size + chosen, minlength=size * size)
    counts: list[list[int]] = pairs.reshape(size, size).tolist()
    return counts


def measure_melanoma(judged: Judged) -> dict[str, float]:
    """The trade that a referral makes, at 95 % on either side."""
    if "melanoma" not in judged.classes:
        return {}
    index = judged.classes.index("melanoma")
    scores, positive = judged.probabilities[:, index], judged.labels == index
    strict = metrics.threshold_at_sensitivity(scores, ~positive, 0.05)
    wide = metrics.threshold_at_sensitivity(scores, positive, 0.95)
    return {
        "sensitivity_at_95_specificity": metrics.sensitivity(scores > strict, positive),
        "specificity_at_95_sensitivity": metrics.specificity(scores >= wide, positive),
    }


def band_scores(judged: Judged) -> dict[str, tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """For each threshold of the risk bands: the score it cuts and the pictures it must catch."""
    malignant = conditions_table().malignant_keys
    caught = {
        "melanoma": {"melanoma"},
        "basal_cell_carcinoma": {"basal_cell_carcinoma"},
        "malignant": malignant,
    }
    scores = {}
    for name, keys in caught.items():
        places = [place for place, key in enumerate(judged.classes) if key in keys]
        scores[name] = (judged.probabilities[:, places].sum(axis=1), np.isin(judged.labels, places))
    return scores


def measure_bands(judged: Judged, thresholds: Mapping[str, float]) -> dict[str, dict[str, float]]:
    figures = {}
    for name, (scores, positive) in band_scores(judged).items():
        if name in thresholds:
            chosen = scores >= thresholds[name]
            figures[name] = {
                "threshold": thresholds[name],
                "sensitivity": metrics.sensitivity(chosen, positive),
                "specificity": metrics.specificity(chosen, positive),
            }
    return figures


def measure_subgroups(judged: Judged) -> dict[str, dict[str, Any]]:
    """The same two figures within every age, sex, site and way of diagnosis that has enough
    pictures to speak of.
    """
    groups: dict[str, dict[str, Any]] = {}
    for name in ("age", "sex", "localization", "dx_type"):
        values = np.array([_group_value(name, s.facts.get(name, "")) for s in judged.samples])
        groups[name] = {
            value: _measure_subgroup(judged.rows(values == value))
            for value in sorted(set(values.tolist()))
        }
    return groups


def _measure_subgroup(judged: Judged) -> dict[str, Any]:
    several = len(set(judged.labels.tolist())) > 1
    return {
        "n": int(judged.labels.size),
        "macro_auc": metrics.macro_auc(judged.probabilities, judged.labels) if several else None,
        "balanced_accuracy": metrics.balanced_accuracy(judged.probabilities, judged.labels),
        **({"melanoma_auc": _melanoma_auc(judged)} if several else {}),
    }


def _melanoma_auc(judged: Judged) -> float | None:
    if "melanoma" not in judged.classes:
        return None
    index = judged.classes.index("melanoma")
    value = metrics.auc(judged.probabilities[:, index], judged.labels == index)
    return None if np.isnan(value) else value


def _group_value(name: str, value: str) -> str:
    if name != "age":
        return value or "unknown"
    try:
        age = float(value)
    except ValueError:
        return "unknown"
    return next(f"{low}-{high - 1}" for low, high in AGES if low <= age < high)


def evaluate_model(
    model: Model, dataset: Dataset, *, tta: bool, report: Report
) -> tuple[dict[str, Any], Answers]:
    """Everything that is known about a model on a labelled folder, as one dictionary."""
    answers = ask_model(model, dataset.samples, tta=tta, report=report)
    judged = judge(model, answers)
    figures = {
        "model_version": model.version,
        "tta": tta,
        **measure(judged),
        "melanoma": measure_melanoma(judged),
        "bands": measure_bands(judged, model.calibration.thresholds),
        "subgroups": measure_subgroups(judged),
        "dropped_classes": [_dx(key) for key in lesion_classes() if key not in judged.classes],
        "skipped": {reason: len(names) for reason, names in dataset.skipped.items()},
    }
    if dataset.lesions_known:
        figures["one_per_lesion"] = measure(judge(model, answers.one_per_lesion()))
    if judged.refused.any():
        figures["accepted"] = measure(judged.rows(~judged.refused))
    return figures, answers


def foreign_figures(model: Model, known: Answers, foreign: Answers) -> dict[str, Any]:
    """How well pictures of anything else are told from lesions, and how many of each would be
    refused.
    """
    inside = model.calibration.energy(known.logits)
    outside = model.calibration.energy(foreign.logits)
    scores = np.concatenate([inside, outside])
    floor = model.calibration.unlike_training
    figures: dict[str, Any] = {
        "n": int(outside.size),
        "auroc": metrics.auc(scores, np.arange(scores.size) < inside.size),
    }
    if floor is not None:
        figures["refused_foreign"] = float((outside < floor).mean())
        figures["refused_lesions"] = float((inside < floor).mean())
    return figures


def lesion_classes() -> tuple[str, ...]:
    """The seven lesion classes in the order of their short names, which is every client's order."""
    lesions = [(c.dx, c.key) for c in conditions_table().conditions if c.dx is not None]
    return tuple(key for _, key in sorted(lesions))


def _dx(key: str) -> str:
    return conditions_table().by_key(key).dx or key
