"""Pictures without a lesion: healthy skin, and what is no skin at all."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinapi.learning.measure import metrics
from skinapi.learning.measure.group_figures import source_of
from skinapi.learning.measure.outcomes import count_outcomes
from skinapi.learning.measure.predictions import Answers, Served, serve
from skinapi.learning.measure.served_samples import (
    Row,
    by_name,
    count_refused,
    is_refused,
    lesion_rows,
    pair,
    share,
)
from skinapi.vision.conditions import NORMAL_SKIN, conditions_table
from skinapi.vision.model import Model


def measure_normal_skin(answers: Answers, served: Sequence[Served]) -> dict[str, Any]:
    """How much healthy skin is recognised, how much of it is called malignant, and how many lesions
    are taken for it.
    """
    healthy = [row for row in pair(answers, served) if row[0].label == NORMAL_SKIN]
    return {
        **_measure_healthy(healthy),
        "by_source": by_name(lambda row: source_of(row[0]), healthy, _measure_healthy),
        "by_modality": by_name(lambda row: row[0].modality.value, healthy, _measure_healthy),
        **share("lesions_taken_for_it", lesion_rows(answers, served), _looks_healthy),
    }


def _measure_healthy(rows: Sequence[Row]) -> dict[str, Any]:
    return {
        **count_refused(rows),
        **share("recognised", rows, _looks_healthy),
        **share("called_malignant", rows, _is_called_malignant),
    }


def _looks_healthy(row: Row) -> bool:
    probabilities = row[1].found.probabilities
    return max(probabilities, key=lambda key: probabilities[key]) == NORMAL_SKIN


def _is_called_malignant(row: Row) -> bool:
    served = row[1]
    return served.refused is None and served.found.stated in conditions_table().malignant_keys


def measure_not_skin(model: Model, known: Answers, foreign: Answers) -> dict[str, Any]:
    """Pictures of anything else: how many are refused, and how well the skin detector (the energy
    where the model has none) tells them from the known ones.
    """
    served = serve(model, foreign)
    rows = pair(foreign, served)
    scores = np.concatenate([_strangeness(model, known), _strangeness(model, foreign)])
    return {
        **count_refused(rows),
        **share("refused_share", rows, is_refused),
        "told_apart_by": "skin detector" if model.calibration.skin else "energy",
        "auroc": metrics.auc(scores, np.arange(scores.size) >= len(known.samples)),
        "gates": count_outcomes(foreign, served),
    }


def _strangeness(model: Model, answers: Answers) -> NDArray[np.float64]:
    detector = model.calibration.skin
    if detector is not None:
        return detector.not_skin.probability(answers.pooled)
    return -model.calibration.dermoscopic.energy(answers.logits)
