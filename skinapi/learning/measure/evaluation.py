"""Evaluates a model on labelled pictures: all figures in one dictionary."""

from collections.abc import Sequence
from typing import Any

from skinapi.learning.data.dataset_folders import Dataset
from skinapi.learning.data.samples import Sample, one_per_lesion
from skinapi.learning.measure.group_figures import measure_groups, measure_subgroups
from skinapi.learning.measure.pair_figures import measure_pairs
from skinapi.learning.measure.patient_fact_gains import measure_facts_gain
from skinapi.learning.measure.prediction_figures import (
    measure_bands,
    measure_doubt,
    measure_melanoma,
    measure_predictions,
    measure_squamous,
    short_name,
)
from skinapi.learning.measure.predictions import (
    ModelOutputs,
    Predictions,
    ServedResult,
    lesion_classes,
    predict,
    run_model,
)
from skinapi.learning.measure.robustness.saliency import measure_saliency
from skinapi.learning.measure.robustness.shortcuts import measure_shortcuts
from skinapi.learning.measure.robustness.stress import measure_stress
from skinapi.learning.measure.served_results.other_disease_figures import (
    measure_other_diseases,
)
from skinapi.learning.measure.served_results.outcomes import count_outcomes, pick_results
from skinapi.learning.measure.served_results.point_figures import measure_points
from skinapi.learning.measure.served_results.prediction_set_figures import (
    measure_modality_recognition,
    measure_prediction_sets,
)
from skinapi.learning.measure.served_results.sent_figures import measure_malignant_caught
from skinapi.learning.measure.served_results.served_figures import (
    measure_refusals,
    measure_scc,
    measure_without_modality,
    select_one_per_lesion,
    serve_as_if_tested,
)
from skinapi.learning.measure.served_results.skin_figures import measure_normal_skin
from skinapi.learning.progress import Report
from skinapi.vision.calibration.detectors import KNOWN
from skinapi.vision.conditions import NORMAL_SKIN
from skinapi.vision.network.model import Model


def evaluate_model(
    model: Model, dataset: Dataset, *, report: Report, turns: int = 1
) -> tuple[dict[str, Any], ModelOutputs]:
    """All figures of a model, ready for JSON, and the model outputs that they come from."""
    outputs = run_model(model, dataset.samples, report=report, turns=turns)
    figures = {
        "model_version": model.version,
        "turns": turns,
        **measure_answers(model, outputs, lesions_known=dataset.lesions_known),
        "skipped": {reason: len(names) for reason, names in dataset.skipped.items()},
    }
    if dataset.others:
        others = run_model(model, dataset.others, report=report, turns=turns)
        figures["other_diseases"] = measure_other_diseases(model, outputs, others)
    return figures, outputs


def measure_answers(model: Model, outputs: ModelOutputs, *, lesions_known: bool) -> dict[str, Any]:
    """The figures that need only the outputs, no pictures."""
    results = serve_as_if_tested(model, outputs)
    predictions = predict(model, outputs, results)
    figures = {
        **measure_predictions(predictions),
        "melanoma": measure_melanoma(predictions),
        "bands": measure_bands(model, predict(model, outputs, results, apart=True)),
        "doubt": measure_doubt(predictions),
        "subgroups": measure_subgroups(predictions),
        "dropped_classes": [
            short_name(key) for key in lesion_classes() if key not in predictions.classes
        ],
        **measure_groups(model, outputs, results),
        **_measure_served(model, outputs, results),
        **_describe_rules(model),
        **_describe_patient_facts(model, outputs),
    }
    if pairs := measure_pairs(model, outputs, results):
        figures["pairs"] = pairs
    if lesions_known:
        figures["one_per_lesion"] = _measure_lesions(model, outputs, results)
    if _partly_refused(predictions):
        figures["accepted"] = measure_predictions(predictions.select(~predictions.refused))
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


def _partly_refused(predictions: Predictions) -> bool:
    """Some pictures are refused, and the accepted ones hold at least two classes."""
    accepted = predictions.labels[~predictions.refused]
    return bool(predictions.refused.any()) and len(set(accepted.tolist())) > 1


def _measure_lesions(
    model: Model, outputs: ModelOutputs, results: Sequence[ServedResult]
) -> dict[str, Any]:
    lesions = select_one_per_lesion(outputs)
    of_lesions = pick_results(outputs, results, lesions)
    groups = measure_groups(model, lesions, of_lesions)
    return {**measure_predictions(predict(model, lesions, of_lesions)), **groups}


def _measure_served(
    model: Model, outputs: ModelOutputs, results: Sequence[ServedResult]
) -> dict[str, Any]:
    """What users get for these pictures. Normal skin and SCC are left out where there are none."""
    lesions = select_one_per_lesion(outputs)
    figures = {
        "refusals": measure_refusals(outputs, results),
        "malignant_caught": measure_malignant_caught(
            lesions, pick_results(outputs, results, lesions)
        ),
        "points": measure_points(model, outputs),
        "told_nothing": measure_without_modality(model, outputs, lesions),
        "prediction_sets": measure_prediction_sets(outputs, results),
        "modality_recognition": measure_modality_recognition(outputs, results),
        "gates": count_outcomes(outputs, results),
    }
    if any(sample.is_squamous for sample in outputs.samples):
        figures["scc"] = {
            **measure_scc(outputs, results),
            **measure_squamous(predict(model, outputs, results, apart=True)),
        }
    healthy = any(not sample.is_lesion for sample in outputs.samples)
    if healthy and NORMAL_SKIN in model.labels:
        figures["normal_skin"] = measure_normal_skin(outputs, results)
    return figures


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
