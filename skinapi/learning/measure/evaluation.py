"""Evaluates a model on labelled pictures: all figures in one dictionary."""

from collections.abc import Sequence
from typing import Any

from skinapi.learning.data.dataset_folders import Dataset
from skinapi.learning.data.samples import UNKNOWN, Sample, one_per_lesion
from skinapi.learning.measure.comparison import measure_facts_gain, measure_pairs
from skinapi.learning.measure.point_figures import measure_points
from skinapi.learning.measure.prediction_figures import (
    measure_bands,
    measure_melanoma,
    measure_predictions,
    measure_squamous,
    measure_subgroups,
    short_name,
)
from skinapi.learning.measure.predictions import (
    ModelOutputs,
    lesion_classes,
    run_model,
    shared_classes,
)
from skinapi.learning.measure.saliency import measure_saliency, measure_shortcuts
from skinapi.learning.measure.served_figures import (
    count_outcomes,
    measure_group,
    measure_malignant_caught,
    measure_modality_recognition,
    measure_normal_skin,
    measure_other_diseases,
    measure_prediction_sets,
    measure_refusals,
    measure_scc,
    measure_without_modality,
)
from skinapi.learning.measure.served_pictures import ServedPictures, serve_as_if_tested
from skinapi.learning.measure.stress import measure_stress
from skinapi.learning.progress import Report
from skinapi.model.calibration.detectors import KNOWN
from skinapi.model.conditions import NORMAL_SKIN
from skinapi.model.network.model import Model


def evaluate_model(
    model: Model, dataset: Dataset, *, report: Report
) -> tuple[dict[str, Any], ModelOutputs]:
    """All figures of a model, ready for JSON, and the model outputs that they come from."""
    outputs = run_model(model, dataset.samples, report=report)
    figures = {
        "model_version": model.version,
        **measure_answers(model, outputs, lesions_known=dataset.lesions_known),
        "skipped": {reason: len(names) for reason, names in dataset.skipped.items()},
    }
    if dataset.others:
        others = run_model(model, dataset.others, report=report)
        figures["other_diseases"] = measure_other_diseases(model, outputs, others)
    return figures, outputs


def measure_answers(model: Model, outputs: ModelOutputs, *, lesions_known: bool) -> dict[str, Any]:
    """The figures that need only the outputs, no pictures."""
    served = serve_as_if_tested(model, outputs)
    predictions = served.predict()
    figures = {
        **measure_predictions(predictions),
        "melanoma": measure_melanoma(predictions),
        "bands": measure_bands(model, served.predict(apart=True)),
        "subgroups": measure_subgroups(predictions),
        "dropped_classes": [
            short_name(key) for key in lesion_classes() if key not in predictions.classes
        ],
        **_measure_groups(served.lesions),
        **_measure_served(served),
        **_describe_rules(model),
        **_describe_patient_facts(model, outputs),
    }
    if pairs := measure_pairs(model, outputs, served.results):
        figures["pairs"] = pairs
    if lesions_known:
        lesions = served.one_per_lesion()
        figures["one_per_lesion"] = {
            **measure_predictions(lesions.predict()),
            **_measure_groups(lesions),
        }
    return figures


def _describe_rules(model: Model) -> dict[str, Any]:
    """The calibration's temperature and naming rule, for the card."""
    rules = {}
    for modality in KNOWN:
        calibration = model.calibration.of(modality)
        naming = calibration.naming
        rules[modality.value] = {
            "temperature": calibration.temperature,
            "tau": naming.tau if naming else None,
            "prior": {short_name(key): p for key, p in naming.prior.items()} if naming else {},
        }
    return {"rules": rules}


def _describe_patient_facts(model: Model, outputs: ModelOutputs) -> dict[str, Any]:
    table = model.calibration.patient_facts
    if table is None:
        return {}
    gain = measure_facts_gain(model.calibration, model.labels, outputs, table)
    return {"patient_facts": table.model_dump(), "patient_facts_gain": gain}


def _measure_served(served: ServedPictures) -> dict[str, Any]:
    """What users get for these pictures. Normal skin and SCC are left out where there are none."""
    model, rows, lesions = served.model, served.table, served.lesions.table
    figures = {
        "refusals": measure_refusals(lesions),
        "malignant_caught": measure_malignant_caught(served.one_per_lesion()),
        "points": measure_points(model, served.outputs),
        "told_nothing": measure_without_modality(model, served.outputs),
        "prediction_sets": measure_prediction_sets(lesions),
        "modality_recognition": measure_modality_recognition(rows),
        "gates": count_outcomes(rows),
    }
    if rows["squamous"].any():
        figures["scc"] = measure_scc(rows) | measure_squamous(served.predict(apart=True))
    if len(lesions) < len(rows) and NORMAL_SKIN in model.labels:
        figures["normal_skin"] = measure_normal_skin(rows)
    return figures


def _measure_groups(lesions: ServedPictures) -> dict[str, dict[str, dict[str, Any]]]:
    """The figures by source, by modality, and by skin tone where the data sets name one; of a
    source with several modalities also by these.
    """
    groups = {column: _measure_each(lesions, column) for column in ("source", "modality")}
    for name, own in lesions.by("source").items():
        if own.table["modality"].nunique() > 1:
            groups["source"][name]["by_modality"] = _measure_each(own, "modality")
    if (lesions.table["tone"] != UNKNOWN).any():
        groups["skin_tone"] = _measure_each(lesions, "tone")
    return {f"by_{column}": figures for column, figures in groups.items()}


def _measure_each(lesions: ServedPictures, column: str) -> dict[str, dict[str, Any]]:
    return {name: _measure_group(group) for name, group in lesions.by(column).items()}


def _measure_group(group: ServedPictures) -> dict[str, Any]:
    """The figures of one group; without those that need two classes where it has fewer. Classes
    that it lacks are left out, and the other probabilities renormalised.
    """
    figures = measure_group(group.table)
    if len(shared_classes(group.model, group.outputs)) < 2:
        lesions = group.table["lesion"].nunique()
        return {**figures, "n": len(group.table), "lesions": lesions, "one_class_only": True}
    predictions = group.predict()
    figures |= measure_predictions(predictions)
    patients = {(s.source, s.patient_id) for s in predictions.samples if s.patient_id}
    melanoma = figures["per_class"].get("mel", {})
    return {
        **figures,
        "patients": len(patients) or None,
        "melanoma_auc": melanoma.get("auc"),
        "melanoma_auc_interval": melanoma.get("auc_interval"),
        "bands": measure_bands(group.model, group.predict(apart=True)),
    }


def measure_robustness(
    model: Model, samples: Sequence[Sample], *, report: Report
) -> dict[str, Any]:
    """The stress test, the heat maps and the shortcut test, on one picture of each lesion."""
    lesions = one_per_lesion([sample for sample in samples if sample.is_lesion])
    return {
        "stress": measure_stress(model, lesions, report=report),
        "saliency": measure_saliency(model, lesions, report=report),
        "shortcuts": measure_shortcuts(model, lesions, report=report),
    }
