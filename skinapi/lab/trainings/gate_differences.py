"""Compares what two models would tell users about the same pictures: what decides a promotion."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skinapi.learning.data.samples import Sample
from skinapi.learning.measure import metrics
from skinapi.learning.measure.comparison import Difference
from skinapi.learning.measure.predictions import (
    Predictions,
    bootstrap_group,
    predict,
    run_model,
    serve_outputs,
)
from skinapi.learning.progress import Report
from skinapi.vision.bands import THRESHOLDS, urgency
from skinapi.vision.conditions import NORMAL_SKIN, Band, conditions_table
from skinapi.vision.network.model import Model

# The malignant classes, each with the band that its threshold asks for.
MALIGNANT = {label: each.band for label, each in THRESHOLDS.items() if label != "malignant"}
# With fewer the interval is so wide that no model would ever be worse.
FEWEST_LESIONS = 20


@dataclass(frozen=True, slots=True)
class GateDifferences:
    """The differences over all pictures, and those of each source where there are several."""

    samples: Sequence[Sample]
    overall: Mapping[str, Difference]
    by_source: Mapping[str, Mapping[str, Difference]]


@dataclass(frozen=True, slots=True)
class _Served:
    """What one model would tell: rows in the order of the samples."""

    urgencies: NDArray[np.int_]
    refused: metrics.Mask
    predictions: Predictions


def compare_for_gates(
    first: Model, second: Model, samples: Sequence[Sample], *, report: Report
) -> GateDifferences:
    """The paired differences of sensitivities, specificity, calibration error and refusals.

    A sensitivity is the share of the lesions of a malignant class with the band of its threshold or
    a more urgent one, refused ones counted as missed; specificity, of the benign lesions without a
    referral. A figure that these pictures cannot show is left out; these need FEWEST_LESIONS.
    """
    pair = tuple(_serve(model, samples, report) for model in (first, second))
    names = sorted({sample.source for sample in samples})
    of_source = {name: np.array([sample.source == name for sample in samples]) for name in names}
    return GateDifferences(
        samples=samples,
        overall=_differences(pair, samples, np.ones(len(samples), bool)),
        by_source={name: _differences(pair, samples, rows) for name, rows in of_source.items()}
        if len(names) > 1
        else {},
    )


def _serve(model: Model, samples: Sequence[Sample], report: Report) -> _Served:
    outputs = run_model(model, samples, report=report)
    results = serve_outputs(model, outputs)
    urgencies = [urgency(one.assessment.band) for one in results]
    refused = [one.refused is not None for one in results]
    return _Served(np.array(urgencies), np.array(refused), predict(model, outputs, results))


def _differences(
    pair: tuple[_Served, ...], samples: Sequence[Sample], rows: metrics.Mask
) -> dict[str, Difference]:
    groups = [bootstrap_group(sample) for sample in samples]
    labels = np.array([sample.label for sample in samples])
    found = {"refused_share": _compare([one.refused for one in pair], groups, rows)}
    for label, band in MALIGNANT.items():
        caught = [(one.urgencies <= urgency(band)) & ~one.refused for one in pair]
        if _enough(of_class := rows & (labels == label), groups):
            found[f"{label}_sensitivity"] = _compare(caught, groups, of_class)
    benign = rows & ~np.isin(labels, [*conditions_table().malignant_keys, NORMAL_SKIN])
    if _enough(benign, groups):
        spared = [one.urgencies > urgency(Band.REFERRAL) for one in pair]
        found["specificity"] = _compare(spared, groups, benign)
    return found | dict(_calibration(pair, samples, rows))


def _enough(rows: metrics.Mask, groups: Sequence[str]) -> bool:
    return len({groups[row] for row in np.flatnonzero(rows).tolist()}) >= FEWEST_LESIONS


def _compare(hits: Sequence[metrics.Mask], groups: Sequence[str], rows: metrics.Mask) -> Difference:
    """The difference of the shares of `hits` among these rows."""
    first, second = (hit[rows] for hit in hits)
    draws = metrics.draw_bootstrap([groups[row] for row in np.flatnonzero(rows).tolist()])
    return _difference(
        lambda drawn: float(first[drawn].mean()),
        lambda drawn: float(second[drawn].mean()),
        draws,
        len(first),
    )


def _calibration(
    pair: tuple[_Served, ...], samples: Sequence[Sample], rows: metrics.Mask
) -> Iterator[tuple[str, Difference]]:
    """Over the lesion classes that both models know."""
    wanted = {samples[row].image_id for row in np.flatnonzero(rows).tolist()}
    first, second = (
        one.predictions.take(np.array([s.image_id in wanted for s in one.predictions.samples]))
        for one in pair
    )
    same = [s.image_id for s in first.samples] == [s.image_id for s in second.samples]
    if not same or first.classes != second.classes or not first.samples:
        return
    draws = metrics.draw_bootstrap(first.groups)
    yield (
        "ece",
        _difference(
            lambda drawn: metrics.ece(first.probabilities[drawn], first.labels[drawn]),
            lambda drawn: metrics.ece(second.probabilities[drawn], second.labels[drawn]),
            draws,
            len(first.samples),
        ),
    )


def _difference(
    first: Callable[[metrics.Rows], float],
    second: Callable[[metrics.Rows], float],
    draws: list[metrics.Rows],
    rows: int,
) -> Difference:
    everything = np.arange(rows)
    low, high = metrics.bootstrap_interval(lambda drawn: second(drawn) - first(drawn), draws)
    return Difference(first(everything), second(everything), low, high)
