"""Samples with their served results: selection, shares, and how many are refused or in doubt."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from skinapi.learning.data.samples import Sample, source_of
from skinapi.learning.measure import metrics
from skinapi.learning.measure.predictions import (
    ModelOutputs,
    ServedResult,
    bootstrap_group,
)
from skinapi.vision.bands import urgency
from skinapi.vision.conditions import Band

FOUND = "found"

ServedSample = tuple[Sample, ServedResult]


def pair_samples(outputs: ModelOutputs, results: Sequence[ServedResult]) -> list[ServedSample]:
    return list(zip(outputs.samples, results, strict=True))


def select_lesions(outputs: ModelOutputs, results: Sequence[ServedResult]) -> list[ServedSample]:
    """The pairs whose label is a lesion class: no normal skin."""
    return [row for row in pair_samples(outputs, results) if row[0].is_lesion]


def pick_results(
    outputs: ModelOutputs, results: Sequence[ServedResult], chosen: ModelOutputs
) -> list[ServedResult]:
    """The results of the `chosen` samples, which are some of the outputs' samples."""
    place = {sample.image_id: row for row, sample in enumerate(outputs.samples)}
    return [results[place[sample.image_id]] for sample in chosen.samples]


def measure_each_group(
    name: Callable[[ServedSample], str],
    rows: Sequence[ServedSample],
    figures: Callable[[Sequence[ServedSample]], dict[str, Any]],
) -> dict[str, dict[str, Any]]:
    """Groups the rows by name and computes the figures of each group."""
    groups: dict[str, list[ServedSample]] = {}
    for row in rows:
        groups.setdefault(name(row), []).append(row)
    return {group: figures(groups[group]) for group in sorted(groups)}


def measure_share(
    name: str, rows: Sequence[ServedSample], holds: Callable[[ServedSample], bool]
) -> dict[str, Any]:
    """The share of rows that meet a condition, with its 95 % interval; None without rows."""
    if not rows:
        return {name: None, f"{name}_interval": None}
    hit = np.array([holds(row) for row in rows])
    groups = [bootstrap_group(sample) for sample, _ in rows]
    interval = [*metrics.wilson_interval(hit, groups)]
    return {name: float(hit.mean()), f"{name}_interval": interval}


def reaches_band(row: ServedSample, band: Band) -> bool:
    """Whether the picture gets this band or a more urgent one. A refused picture gets none."""
    _, result = row
    return result.refused is None and urgency(result.assessment.band) <= urgency(band)


def count_refused(rows: Sequence[ServedSample]) -> dict[str, Any]:
    return {"n": len(rows), "refused": sum(map(is_refused, rows))}


def is_refused(row: ServedSample) -> bool:
    return row[1].refused is not None


def count_outcomes(outputs: ModelOutputs, results: Sequence[ServedResult]) -> dict[str, Any]:
    """The shares of refused and uncertain pictures, and the count of each outcome; the same again
    by source and by class. Counts all pictures, lesions or not.
    """
    rows = pair_samples(outputs, results)
    return {
        **_count(rows),
        "by_source": measure_each_group(lambda row: source_of(row[0]), rows, _count),
        "by_class": measure_each_group(lambda row: row[0].label, rows, _count),
    }


def _count(rows: Sequence[ServedSample]) -> dict[str, Any]:
    outcomes = Counter(name_result(result) for _, result in rows)
    doubted = sum(not is_refused(row) and bool(row[1].assessment.reasons) for row in rows)
    return {
        "n": len(rows),
        "refused": sum(map(is_refused, rows)) / len(rows),
        "uncertain": doubted / len(rows),
        "outcomes": dict(sorted(outcomes.items())),
    }


def name_result(result: ServedResult) -> str:
    """`found`, or the reasons for a refusal or for doubt."""
    if result.refused is not None:
        return f"refused: {result.refused.value}"
    reasons = result.assessment.reasons
    return f"uncertain: {' and '.join(reasons)}" if reasons else FOUND
