"""Figures of pictures that show a disease which no model names."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from skinapi.learning.measure import metrics
from skinapi.learning.measure.predictions import ModelOutputs
from skinapi.learning.measure.served_results.outcomes import (
    ServedSample,
    is_refused,
    measure_each_group,
    measure_share,
    pair_samples,
    reaches_band,
    select_lesions,
)
from skinapi.learning.measure.served_results.served_figures import serve_as_if_tested
from skinapi.vision.conditions import Band
from skinapi.vision.finding.finding import Doubt
from skinapi.vision.network.model import Model


def measure_other_diseases(
    model: Model, known: ModelOutputs, others: ModelOutputs
) -> dict[str, Any]:
    """How many of them are in doubt as unlike the training, and how many are sent to a doctor;
    beside them the `known` lesions, of which the doubt should hold for few.
    """
    rows = pair_samples(others, serve_as_if_tested(model, others))
    lesions = known.where(lambda sample: sample.is_lesion)
    of_lesions = select_lesions(lesions, serve_as_if_tested(model, lesions))
    detector = model.calibration.other_diseases
    figures = {
        **_measure(rows),
        "by_class": measure_each_group(lambda row: row[0].label, rows, _measure),
        "known": {"n": len(of_lesions), **measure_share("unlike", of_lesions, _is_unlike)},
        "fitted_on": detector.pictures if detector else 0,
    }
    if detector:
        scores = detector.other.probability(np.concatenate([others.pooled, lesions.pooled]))
        figures["auroc"] = metrics.auc(scores, np.arange(scores.size) < len(rows))
    return figures


def _measure(rows: Sequence[ServedSample]) -> dict[str, Any]:
    return {
        "n": len(rows),
        "lesions": len({sample.lesion_key for sample, _ in rows}),
        **measure_share("unlike", rows, _is_unlike),
        **measure_share("sent", rows, lambda row: reaches_band(row, Band.DOCTOR_REVIEW)),
        **measure_share("refused_share", rows, is_refused),
    }


def _is_unlike(row: ServedSample) -> bool:
    return Doubt.UNLIKE_TRAINING in row[1].assessment.reasons
