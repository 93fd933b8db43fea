"""Fits the rule by which two pictures of one lesion become one answer."""

from collections.abc import Sequence
from itertools import product

import numpy as np

from skinapi.learning.measure import metrics
from skinapi.learning.measure.pair_figures import list_pairs
from skinapi.learning.measure.predictions import ModelOutputs
from skinapi.learning.progress import Report
from skinapi.vision.calibration.model_calibration import ModelCalibration, softmax
from skinapi.vision.calibration.probability_adjustments import JoiningRule

WEIGHTS = np.arange(0, 1.51, 0.05)
# With fewer pairs the equal weights of `joining.EQUAL` are as good a guess.
ENOUGH_PAIRS = 50


def fit_joining(
    calibration: ModelCalibration,
    labels: Sequence[str],
    validation: ModelOutputs,
    *,
    report: Report,
) -> JoiningRule | None:
    """The weights with the lowest log loss on the pairs; None where there are too few.

    From a grid, which always gives the same result.
    """
    lesions = validation.where(lambda sample: sample.is_lesion)
    pairs = list_pairs(lesions.samples)
    if len(pairs) < ENOUGH_PAIRS:
        return None
    logs = [
        np.log(calibration.of(kind).probabilities(lesions.logits[[pair[kind] for pair in pairs]]))
        for kind in pairs[0]
    ]
    truth = np.array([labels.index(lesions.samples[min(pair.values())].label) for pair in pairs])
    tried = [weights for weights in product(WEIGHTS.tolist(), repeat=2) if sum(weights) > 0]
    losses = [
        metrics.log_loss(softmax(first * logs[0] + second * logs[1]), truth)
        for first, second in tried
    ]
    best = dict(zip(pairs[0], tried[int(np.argmin(losses))], strict=True))
    rule = JoiningRule(**{kind.value: weight for kind, weight in best.items()})
    report(
        f"{len(pairs)} validation pairs, joined with {rule.dermoscopic:.2f} and {rule.clinical:.2f}"
    )
    return rule
