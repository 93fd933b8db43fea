"""The figures within each source, modality, skin tone and subgroup of patients."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from skinapi.learning.data.patient_contexts import SITES, site_word, skin_tone
from skinapi.learning.data.samples import UNKNOWN, Sample, source_of
from skinapi.learning.measure import metrics
from skinapi.learning.measure.prediction_figures import measure_bands, measure_predictions
from skinapi.learning.measure.predictions import (
    ModelOutputs,
    Predictions,
    ServedResult,
    predict,
    shared_classes,
)
from skinapi.learning.measure.served_results.outcomes import (
    is_refused,
    measure_share,
    pair_samples,
    pick_results,
)
from skinapi.learning.measure.served_results.sent_figures import measure_sent
from skinapi.vision.context import Modality
from skinapi.vision.network.model import Model

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


def measure_groups(
    model: Model, outputs: ModelOutputs, results: Sequence[ServedResult]
) -> dict[str, dict[str, dict[str, Any]]]:
    """The figures of the lesions by source, by modality, and by skin tone where the data sets name
    one.
    """
    lesions = outputs.where(lambda sample: sample.is_lesion)
    of_lesions = pick_results(outputs, results, lesions)
    groups = {
        "by_source": _measure_sources(model, lesions, of_lesions),
        "by_modality": measure_by(_modality_of, model, lesions, of_lesions),
    }
    if any(map(skin_tone, lesions.samples)):
        groups["by_skin_tone"] = measure_by(
            lambda sample: skin_tone(sample) or UNKNOWN, model, lesions, of_lesions
        )
    return groups


def _measure_sources(
    model: Model, outputs: ModelOutputs, results: Sequence[ServedResult]
) -> dict[str, dict[str, Any]]:
    """With the figures by modality within a source that has several."""
    sources = measure_by(source_of, model, outputs, results)
    for name, figures in sources.items():
        rows = [row for row, sample in enumerate(outputs.samples) if source_of(sample) == name]
        own, of_own = outputs.take(rows), [results[row] for row in rows]
        if len({sample.modality for sample in own.samples}) > 1:
            figures["by_modality"] = measure_by(_modality_of, model, own, of_own)
    return sources


def _modality_of(sample: Sample) -> str:
    return sample.modality.value


def measure_by(
    name_group: Callable[[Sample], str],
    model: Model,
    outputs: ModelOutputs,
    results: Sequence[ServedResult],
) -> dict[str, dict[str, Any]]:
    """The figures of each group alone. Classes that a group lacks are left out, and the other
    probabilities renormalised.
    """
    names = np.array([name_group(sample) for sample in outputs.samples])
    groups = {}
    for name in sorted(set(names.tolist())):
        rows = np.flatnonzero(names == name).tolist()
        groups[name] = _measure_group(model, outputs.take(rows), [results[row] for row in rows])
    return groups


def _measure_group(
    model: Model, outputs: ModelOutputs, results: Sequence[ServedResult]
) -> dict[str, Any]:
    """The figures of one group; without those that need two classes where it has fewer."""
    served = _measure_served(outputs, results)
    if len(shared_classes(model, outputs)) < 2:
        lesions = {sample.lesion_key for sample in outputs.samples}
        return {**served, "n": len(results), "lesions": len(lesions), "one_class_only": True}
    predictions = predict(model, outputs, results)
    figures = measure_predictions(predictions)
    patients = {(s.source, s.patient_id) for s in predictions.samples if s.patient_id}
    melanoma = figures["per_class"].get("mel", {})
    return {
        **served,
        **figures,
        "patients": len(patients) or None,
        "melanoma_auc": melanoma.get("auc"),
        "melanoma_auc_interval": melanoma.get("auc_interval"),
        "bands": measure_bands(model, predict(model, outputs, results, apart=True)),
    }


def _measure_served(outputs: ModelOutputs, results: Sequence[ServedResult]) -> dict[str, Any]:
    """How many malignant and benign lesions are sent to a doctor, and how soon; how many are
    refused, and how many are taken for the other modality.
    """
    rows = pair_samples(outputs, results)
    told = [row for row in rows if row[0].modality is not Modality.UNKNOWN]
    return {
        **measure_sent(rows),
        **measure_share("refused_share", rows, is_refused),
        **measure_share(
            "other_modality",
            told,
            lambda row: (
                row[1].assessment.modality.recognised not in (row[0].modality, Modality.UNKNOWN)
            ),
        ),
    }


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
