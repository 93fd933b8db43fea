"""Everything that is known about a model on a labelled folder."""

from collections.abc import Sequence
from typing import Any

from skinapi.learning.answers import Answers, ask_model, judge, lesion_classes
from skinapi.learning.datasets import Dataset, Sample, one_per_lesion
from skinapi.learning.figures import (
    measure,
    measure_bands,
    measure_doubt,
    measure_melanoma,
    measure_normal_skin,
    measure_subgroups,
    short_name,
)
from skinapi.learning.progress import Report
from skinapi.learning.saliency import measure_saliency
from skinapi.learning.stress import measure_stress
from skinapi.vision.conditions import NORMAL_SKIN
from skinapi.vision.model import Model


def evaluate_model(
    model: Model, dataset: Dataset, *, report: Report, turns: int = 1
) -> tuple[dict[str, Any], Answers]:
    """One dictionary, ready for JSON, and the answers that it was computed from."""
    answers = ask_model(model, dataset.samples, report=report, turns=turns)
    judged = judge(model, answers)
    figures = {
        "model_version": model.version,
        "turns": turns,
        **measure(judged),
        "melanoma": measure_melanoma(judged),
        "bands": measure_bands(judged, model.calibration.thresholds),
        "doubt": measure_doubt(judged),
        "subgroups": measure_subgroups(judged),
        "dropped_classes": [
            short_name(key) for key in lesion_classes() if key not in judged.classes
        ],
        "skipped": {reason: len(names) for reason, names in dataset.skipped.items()},
    }
    healthy = any(sample.label == NORMAL_SKIN for sample in answers.samples)
    if healthy and NORMAL_SKIN in model.labels:
        figures["normal_skin"] = measure_normal_skin(model, answers)
    if dataset.lesions_known:
        figures["one_per_lesion"] = measure(judge(model, answers.one_per_lesion()))
    if judged.refused.any() and not judged.refused.all():
        figures["accepted"] = measure(judged.rows(~judged.refused))
    return figures, answers


def measure_robustness(
    model: Model, samples: Sequence[Sample], *, report: Report
) -> dict[str, Any]:
    """The same lesions as worse pictures show them, and what the heat maps are worth: one picture
    of each.
    """
    lesions = one_per_lesion([s for s in samples if s.label in lesion_classes()])
    return {
        "stress": measure_stress(model, lesions, report=report),
        "saliency": measure_saliency(model, lesions, report=report),
    }
