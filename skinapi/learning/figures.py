"""How good the answers are: the figures of the table, each with its interval by lesion."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinapi.learning import metrics
from skinapi.learning.answers import Answers, Judged
from skinapi.vision.conditions import NORMAL_SKIN, conditions_table
from skinapi.vision.model import Model

MARGINS = (0.05, 0.15, 0.3, 0.5)
AGES = ((0, 30), (30, 45), (45, 60), (60, 75), (75, 200))


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
        short_name(key): _measure_class(judged, index, draws)
        for index, key in enumerate(judged.classes)
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
        "ece": metrics.calibration_error(scores, positive),
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


def measure_doubt(judged: Judged) -> list[dict[str, float]]:
    """What is gained by calling a picture uncertain whose two most probable classes lie closer than
    a margin.
    """
    ranked = np.sort(judged.probabilities, axis=1)
    hit = judged.probabilities.argmax(axis=1) == judged.labels
    rows = []
    for margin in MARGINS:
        close = ranked[:, -1] - ranked[:, -2] < margin
        if close.any() and not close.all():
            rows.append(
                {
                    "margin": margin,
                    "uncertain": float(close.mean()),
                    "right_if_uncertain": float(hit[close].mean()),
                    "right_if_certain": float(hit[~close].mean()),
                }
            )
    return rows


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


def measure_foreign(model: Model, known: Answers, foreign: Answers) -> dict[str, Any]:
    """How well pictures of anything else are told from lesions, and how many of each would be
    refused.
    """
    inside = model.calibration.energy(known.logits)
    outside = model.calibration.energy(foreign.logits)
    scores = np.concatenate([inside, outside])
    floor = model.calibration.unlike_training
    refused = (scores < floor) if floor is not None else np.zeros(scores.size, bool)
    return {
        "n": int(outside.size),
        "auroc": metrics.auc(scores, np.arange(scores.size) < inside.size),
        "refused_foreign": float(refused[inside.size :].mean()),
        "refused_known": float(refused[: inside.size].mean()),
    }


def measure_normal_skin(model: Model, answers: Answers) -> dict[str, Any]:
    """How much healthy skin is recognised, and how many lesions would be taken for it."""
    first = answers.logits.argmax(axis=1) == model.labels.index(NORMAL_SKIN)
    healthy = np.array([sample.label == NORMAL_SKIN for sample in answers.samples])
    return {
        "n": int(healthy.sum()),
        "recognised": float(first[healthy].mean()),
        "lesions_taken_for_it": float(first[~healthy].mean()),
    }


def short_name(key: str) -> str:
    return conditions_table().by_key(key).dx or key
