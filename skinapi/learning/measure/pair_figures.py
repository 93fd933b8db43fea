"""Two pictures of one lesion, a close-up and one through a dermoscope: one answer against each
picture alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinapi.learning.data.samples import Sample
from skinapi.learning.measure import metrics
from skinapi.learning.measure.prediction_figures import with_interval
from skinapi.learning.measure.predictions import (
    ModelOutputs,
    ServedResult,
    bootstrap_group,
    count_as,
    shared_classes,
)
from skinapi.learning.measure.served_results.sent_figures import measure_sent
from skinapi.vision.calibration.detectors import KNOWN
from skinapi.vision.context import Modality
from skinapi.vision.finding.assessment import Assessment
from skinapi.vision.finding.join_assessments import join_assessments
from skinapi.vision.network.model import Model

JOINED = "joined"
Pair = Mapping[Modality, int]


def list_pairs(samples: Sequence[Sample]) -> list[Pair]:
    """For each lesion with both kinds of picture, the row of the first one of each kind by name."""
    found: dict[str, dict[Modality, int]] = {}
    for row in sorted(range(len(samples)), key=lambda row: samples[row].image_id):
        sample = samples[row]
        if sample.modality in KNOWN:
            found.setdefault(sample.lesion_key, {}).setdefault(sample.modality, row)
    return [{kind: pair[kind] for kind in KNOWN} for pair in found.values() if len(pair) > 1]


def measure_pairs(
    model: Model, outputs: ModelOutputs, results: Sequence[ServedResult]
) -> dict[str, Any]:
    """The figures of each picture alone and of the joined answer, and how much better that is; {}
    without pairs of two classes.
    """
    classes = shared_classes(model, outputs)
    pairs = [p for p in list_pairs(outputs.samples) if _label(outputs, p) in classes]
    truth = np.array([classes.index(_label(outputs, pair)) for pair in pairs])
    if len(set(truth.tolist())) < 2:
        return {}
    samples = [outputs.samples[min(pair.values())] for pair in pairs]
    draws = metrics.all_rows_and_draws(list(map(bootstrap_group, samples)))
    told = [[results[row] for row in pair.values()] for pair in pairs]
    joined = [join_assessments(model.calibration, [one.assessment for one in p]) for p in told]
    answers: dict[str, Sequence[Assessment]] = {
        **{kind.value: [one[place].assessment for one in told] for place, kind in enumerate(KNOWN)},
        JOINED: joined,
    }
    served: dict[str, Sequence[ServedResult]] = {
        **{kind.value: [one[place] for one in told] for place, kind in enumerate(KNOWN)},
        JOINED: [_serve_joined(model, one) for one in told],
    }
    shares = {
        name: np.array([_over(one.probabilities, classes) for one in given])
        for name, given in answers.items()
    }
    return {
        "n": len(pairs),
        **{
            name: _figures(p, truth, draws)
            | measure_sent([*zip(samples, served[name], strict=True)])
            for name, p in shares.items()
        },
        "gain_over": {
            kind.value: _gain(shares[JOINED], shares[kind.value], truth, draws) for kind in KNOWN
        },
    }


def _label(outputs: ModelOutputs, pair: Pair) -> str:
    return count_as(outputs.samples[min(pair.values())].label)


def _over(probabilities: Mapping[str, float], classes: Sequence[str]) -> list[float]:
    shares = np.zeros(len(classes))
    for key, share in probabilities.items():
        if (counted := count_as(key)) in classes:
            shares[classes.index(counted)] += share
    divided: list[float] = (shares / shares.sum()).tolist()
    return divided


def _serve_joined(model: Model, results: Sequence[ServedResult]) -> ServedResult:
    """Refused only where all pictures are."""
    accepted = [one.assessment for one in results if one.refused is None]
    if not accepted:
        return results[0]
    return ServedResult(join_assessments(model.calibration, accepted), refused=None)


def _figures(
    p: NDArray[np.float64], truth: NDArray[np.int64], draws: Sequence[metrics.Rows]
) -> dict[str, Any]:
    ranks = metrics.rank_classes(p)
    return {
        **with_interval(
            "macro_auc", draws, lambda r: metrics.macro_auc_of_ranks(ranks[r], truth[r])
        ),
        **with_interval(
            "balanced_accuracy", draws, lambda r: metrics.balanced_accuracy(p[r], truth[r])
        ),
        **with_interval("ece", draws, lambda r: metrics.ece(p[r], truth[r])),
    }


def _gain(
    joined: NDArray[np.float64],
    alone: NDArray[np.float64],
    truth: NDArray[np.int64],
    draws: Sequence[metrics.Rows],
) -> dict[str, Any]:
    """The paired differences, the same lesions drawn for both."""
    ranks, of_alone = metrics.rank_classes(joined), metrics.rank_classes(alone)

    def auc_gain(r: metrics.Rows) -> float:
        of_joined = metrics.macro_auc_of_ranks(ranks[r], truth[r])
        return of_joined - metrics.macro_auc_of_ranks(of_alone[r], truth[r])

    def accuracy_gain(r: metrics.Rows) -> float:
        of_joined = metrics.balanced_accuracy(joined[r], truth[r])
        return of_joined - metrics.balanced_accuracy(alone[r], truth[r])

    return {
        **with_interval("macro_auc", draws, auc_gain),
        **with_interval("balanced_accuracy", draws, accuracy_gain),
    }
