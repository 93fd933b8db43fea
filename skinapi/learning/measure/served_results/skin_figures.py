"""Figures of pictures without a lesion: normal skin, and anything that is not skin."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinapi.learning.data.samples import source_of
from skinapi.learning.measure import metrics
from skinapi.learning.measure.predictions import ModelOutputs, ServedResult, serve_outputs
from skinapi.learning.measure.served_results.outcomes import (
    ServedSample,
    count_outcomes,
    count_refused,
    is_refused,
    measure_each_group,
    measure_share,
    pair_samples,
    select_lesions,
)
from skinapi.vision.conditions import NORMAL_SKIN, conditions_table
from skinapi.vision.network.model import Model


def measure_normal_skin(outputs: ModelOutputs, results: Sequence[ServedResult]) -> dict[str, Any]:
    """How much normal skin is recognised, how much is called malignant, and how many lesions are
    taken for normal skin.
    """
    healthy = [row for row in pair_samples(outputs, results) if not row[0].is_lesion]
    return {
        **_measure_healthy(healthy),
        "by_source": measure_each_group(lambda row: source_of(row[0]), healthy, _measure_healthy),
        "by_modality": measure_each_group(
            lambda row: row[0].modality.value, healthy, _measure_healthy
        ),
        **measure_share("lesions_taken_for_it", select_lesions(outputs, results), _looks_healthy),
    }


def _measure_healthy(rows: Sequence[ServedSample]) -> dict[str, Any]:
    return {
        **count_refused(rows),
        **measure_share("recognised", rows, _looks_healthy),
        **measure_share("called_malignant", rows, _is_called_malignant),
    }


def _looks_healthy(row: ServedSample) -> bool:
    probabilities = row[1].assessment.probabilities
    return max(probabilities, key=lambda key: probabilities[key]) == NORMAL_SKIN


def _is_called_malignant(row: ServedSample) -> bool:
    result = row[1]
    return result.refused is None and result.assessment.stated in conditions_table().malignant_keys


def measure_not_skin(model: Model, skin: ModelOutputs, not_skin: ModelOutputs) -> dict[str, Any]:
    """How many pictures that show no skin are refused, and how well an out-of-distribution score
    separates them from the pictures of skin.
    """
    results = serve_outputs(model, not_skin)
    rows = pair_samples(not_skin, results)
    scores = np.concatenate(
        [_out_of_distribution_score(model, skin), _out_of_distribution_score(model, not_skin)]
    )
    return {
        **count_refused(rows),
        **measure_share("refused_share", rows, is_refused),
        "told_apart_by": "skin detector" if model.calibration.skin else "energy",
        "auroc": metrics.auc(scores, np.arange(scores.size) >= len(skin.samples)),
        "gates": count_outcomes(not_skin, results),
    }


def _out_of_distribution_score(model: Model, outputs: ModelOutputs) -> NDArray[np.float64]:
    """The skin detector's probability; the energy score where the model has no detector."""
    detector = model.calibration.skin
    if detector is not None:
        return detector.not_skin.probability(outputs.pooled)
    return -model.calibration.dermoscopic.energy(outputs.logits)
