"""How good predictions are: metrics with bootstrap intervals, by patient or lesion."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, f1_score

from skinapi.learning.data.samples import SITES, UNKNOWN, site_word
from skinapi.learning.measure import metrics
from skinapi.learning.measure.predictions import Predictions
from skinapi.model.bands import THRESHOLDS, keys_of_threshold
from skinapi.model.conditions import conditions_table
from skinapi.model.context import Modality
from skinapi.model.dataset_labels import SQUAMOUS
from skinapi.model.network.model import Model

AGES = ((0, 30), (30, 45), (45, 60), (60, 75), (75, 200))
SUBGROUPS = ("age", "sex", "localization", "dx_type", "fitzpatrick")
OTHER = "other"
# The words of the public data sets. A card is public, and a table of somebody else's may hold
# anything under these names: whatever else is in it is one group.
KNOWN_VALUES: Mapping[str, Collection[str]] = {
    "sex": ("female", "male"),
    "localization": SITES,
    "dx_type": ("histo", "follow_up", "consensus", "confocal"),
}


def measure_predictions(predictions: Predictions) -> dict[str, Any]:
    """All metrics of these predictions, refused pictures included."""
    p, y = predictions.probabilities, predictions.labels
    chosen, known = p.argmax(axis=1), range(len(predictions.classes))
    ranks = metrics.rank_classes(p)
    draws = metrics.all_rows_and_draws(predictions.groups)
    figures: dict[str, Any] = {
        "n": int(y.size),
        "lesions": len({sample.lesion_key for sample in predictions.samples}),
        "refused": int(predictions.refused.sum()),
        **with_interval("macro_auc", draws, lambda r: metrics.macro_auc_of_ranks(ranks[r], y[r])),
        **with_interval(
            "balanced_accuracy", draws, lambda r: metrics.balanced_accuracy(p[r], y[r])
        ),
        **_measure_named(predictions, draws),
        **with_interval("ece", draws, lambda r: metrics.ece(p[r], y[r])),
        "ece_before_temperature": metrics.ece(predictions.uncalibrated, y),
        **_measure_ece_by_chance(predictions),
        "accuracy": float((chosen == y).mean()),
        "macro_f1": float(f1_score(y, chosen, labels=np.unique(y), average="macro")),
        # Summed over the classes, as Brier wrote it: 0 is perfect, 2 is the worst.
        "brier": float(((p - np.eye(len(known))[y]) ** 2).sum(axis=1).mean()),
        "log_loss": metrics.log_loss(p, y),
    }
    figures["per_class"] = {
        short_name(key): _measure_class(predictions, index, ranks[:, index], draws)
        for index, key in enumerate(predictions.classes)
    }
    figures["confusion"] = confusion_matrix(y, chosen, labels=known).tolist()
    return figures


def measure_squamous(predictions: Predictions) -> dict[str, Any]:
    """The figures of squamous cell carcinoma where it is a class of its own, with labels of it."""
    if SQUAMOUS not in predictions.classes:
        return {}
    index = predictions.classes.index(SQUAMOUS)
    ranks = metrics.rank_classes(predictions.probabilities)
    draws = metrics.all_rows_and_draws(predictions.groups)
    return {"output": _measure_class(predictions, index, ranks[:, index], draws)}


def _measure_named(predictions: Predictions, draws: Sequence[metrics.Rows]) -> dict[str, Any]:
    """Metrics of the class that the naming rule states, and of the one that clients get."""
    y, named, stated = predictions.labels, predictions.named, predictions.stated
    return {
        **with_interval(
            "named_balanced_accuracy", draws, lambda r: metrics.balanced_accuracy_of(named[r], y[r])
        ),
        "named_accuracy": float((named == y).mean()),
        **with_interval(
            "stated_balanced_accuracy",
            draws,
            lambda r: metrics.balanced_accuracy_of(stated[r], y[r]),
        ),
    }


def _measure_ece_by_chance(predictions: Predictions) -> dict[str, Any]:
    """The ECE that a perfect calibration would show on so many pictures, to compare ours with."""
    errors = metrics.ece_by_chance(predictions.probabilities)
    low, high = np.percentile(errors, (2.5, 97.5))
    return {
        "ece_by_chance": float(errors.mean()),
        "ece_by_chance_interval": [float(low), float(high)],
    }


def _measure_class(
    predictions: Predictions, index: int, ranks: metrics.Rows, draws: Sequence[metrics.Rows]
) -> dict[str, Any]:
    scores, positive = predictions.probabilities[:, index], predictions.labels == index
    chosen, named = predictions.probabilities.argmax(axis=1) == index, predictions.named == index
    groups = predictions.groups
    return {
        "condition": predictions.classes[index],
        "n": int(positive.sum()),
        **share_with_interval("sensitivity", chosen, positive, groups),
        **share_with_interval("specificity", ~chosen, ~positive, groups),
        **with_interval("auc", draws, lambda r: metrics.auc_of_ranks(ranks[r], positive[r])),
        **share_with_interval("named_sensitivity", named, positive, groups),
        "ece": metrics.calibration_error(scores, positive),
    }


def share_with_interval(
    name: str, hit: metrics.Mask, among: metrics.Mask, groups: Sequence[str]
) -> dict[str, Any]:
    """The share of hits among these rows. Its interval is Wilson's: a bootstrap's is 0 to 0 where
    none of three lesions is found.
    """
    counted = [group for group, counts in zip(groups, among, strict=True) if counts]
    return {
        name: metrics.sensitivity(hit, among),
        f"{name}_interval": [*metrics.wilson_interval(hit[among], counted)],
    }


def with_interval(
    name: str, draws: Sequence[metrics.Rows], figure: Callable[[metrics.Rows], float]
) -> dict[str, Any]:
    """A figure with its 95 % interval; `draws` are of `metrics.all_rows_and_draws`."""
    everything, *resampled = draws
    return {
        name: figure(everything),
        f"{name}_interval": [*metrics.bootstrap_interval(figure, resampled)],
    }


def measure_melanoma(predictions: Predictions) -> dict[str, float]:
    """Melanoma's sensitivity at 95 % specificity, and the reverse."""
    melanoma = predictions.one_class("melanoma")
    if melanoma is None:
        return {}
    scores, positive = melanoma
    # 95 % specificity: the threshold that 5 % of the negatives reach.
    strict = metrics.threshold_at_sensitivity(scores, ~positive, 0.05)
    wide = metrics.threshold_at_sensitivity(scores, positive, 0.95)
    return {
        "sensitivity_at_95_specificity": metrics.sensitivity(scores > strict, positive),
        "specificity_at_95_sensitivity": metrics.specificity(scores >= wide, positive),
    }


def band_scores(
    predictions: Predictions,
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """For each threshold of the risk bands: the score of each picture, and which must be caught."""
    scores = {}
    for name in THRESHOLDS:
        keys = keys_of_threshold(name)
        places = [place for place, key in enumerate(predictions.classes) if key in keys]
        scores[name] = (
            predictions.probabilities[:, places].sum(axis=1),
            np.isin(predictions.labels, places),
        )
    return scores


def measure_bands(model: Model, predictions: Predictions) -> dict[str, dict[str, float | None]]:
    """Sensitivity and specificity of each threshold of the risk bands.

    Each picture is compared with the threshold of its modality; `threshold` is None where these
    differ. A band without positive or negative pictures is left out.
    """
    figures: dict[str, dict[str, float | None]] = {}
    point = model.calibration.operating_point
    used = {
        key: model.calibration.of(Modality(key)) for key in set(predictions.calibrated_as.tolist())
    }
    for name, (scores, positive) in band_scores(predictions).items():
        if positive.any() and not positive.all():
            limits = {key: one.limits(point)[name] for key, one in used.items()}
            chosen = scores >= np.array([limits[key] for key in predictions.calibrated_as.tolist()])
            figures[name] = {
                "threshold": min(limits.values()) if len(set(limits.values())) == 1 else None,
                "sensitivity": metrics.sensitivity(chosen, positive),
                "specificity": metrics.specificity(chosen, positive),
            }
    return figures


def short_name(key: str) -> str:
    return conditions_table().by_key(key).dx or key


def measure_subgroups(predictions: Predictions) -> dict[str, dict[str, Any]]:
    """A few figures for each age band, sex, site, way of diagnosis and skin type.

    Small subgroups are included: the number of pictures tells how much to trust them.
    """
    groups: dict[str, dict[str, Any]] = {}
    for name in SUBGROUPS:
        values = np.array([_group_value(name, s.facts.get(name, "")) for s in predictions.samples])
        groups[name] = {
            value: _measure_subgroup(predictions.select(values == value))
            for value in sorted(set(values.tolist()))
        }
    return groups


def _measure_subgroup(predictions: Predictions) -> dict[str, Any]:
    several = len(set(predictions.labels.tolist())) > 1
    return {
        "n": int(predictions.labels.size),
        "macro_auc": metrics.macro_auc(predictions.probabilities, predictions.labels)
        if several
        else None,
        "balanced_accuracy": metrics.balanced_accuracy(
            predictions.probabilities, predictions.labels
        ),
        "named_balanced_accuracy": metrics.balanced_accuracy_of(
            predictions.named, predictions.labels
        ),
        **({"melanoma_auc": _melanoma_auc(predictions)} if several else {}),
    }


def _melanoma_auc(predictions: Predictions) -> float | None:
    melanoma = predictions.one_class("melanoma")
    value = metrics.auc(*melanoma) if melanoma else np.nan
    return None if np.isnan(value) else value


def _group_value(name: str, value: str) -> str:
    """The subgroup: an age band, or a skin type as a whole number (some tables write 2.0)."""
    if name not in ("age", "fitzpatrick"):
        word = site_word(value) if name == "localization" else value.strip().lower()
        if word in ("", UNKNOWN):
            return UNKNOWN
        return word if word in KNOWN_VALUES[name] else OTHER
    try:
        number = float(value)
    except ValueError:
        return UNKNOWN
    if name == "fitzpatrick":
        return str(int(number)) if 1 <= number <= 6 else UNKNOWN
    return next((f"{low}-{high - 1}" for low, high in AGES if low <= number < high), UNKNOWN)
