"""Fits prediction sets: the conditions that cannot be ruled out, by conformal prediction."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skinapi.learning.measure.predictions import ModelOutputs
from skinapi.vision.calibration.model_calibration import LEVELS, Level
from skinapi.vision.conditions import NORMAL_SKIN, conditions_table

Probabilities = NDArray[np.float64]


def fit_prediction_sets(
    validation: ModelOutputs, labels: Sequence[str], probabilities: Probabilities
) -> tuple[dict[Level, dict[str, float]], dict[Level, tuple[str, ...]]]:
    """Limits of class-conditional split conformal prediction, and for each level the classes with
    too few lesions to fit one.

    A class is in a prediction set if its probability reaches its limit. All but the share 1 - level
    of its own validation lesions do, counting one picture of each lesion. A class with too few
    lesions borrows the limit of all malignant lesions, or of all benign ones.
    """
    place = {sample.image_id: row for row, sample in enumerate(validation.samples)}
    samples = validation.one_per_lesion().samples
    own = np.array([probabilities[place[s.image_id], labels.index(s.label)] for s in samples])
    malignant = conditions_table().malignant_keys
    sets: dict[Level, dict[str, float]] = {}
    too_few: dict[Level, tuple[str, ...]] = {}
    for level in LEVELS:
        limits = {}
        borrowed = []
        for key in (key for key in labels if key != NORMAL_SKIN):
            mine = own[[sample.label == key for sample in samples]]
            alike = own[[(s.label in malignant) == (key in malignant) for s in samples]]
            limit = conformal_limit(mine, float(level))
            if limit is None:
                borrowed.append(key)
                limit = conformal_limit(alike, float(level))
            # Without any limit the class is never ruled out.
            limits[key] = 0.0 if limit is None else limit
        sets[level], too_few[level] = limits, tuple(borrowed)
    return sets, too_few


def conformal_limit(scores: Probabilities, level: float) -> float | None:
    """The largest limit that a new score reaches with this probability; None with too few scores to
    guarantee that.
    """
    rank = int(np.floor((len(scores) + 1) * (1 - level) + 1e-9))
    return None if rank < 1 else float(np.sort(scores)[rank - 1])
