"""Pictures beside what serving makes of them, and shares and groups of those."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from skinapi.learning.data.samples import Sample
from skinapi.learning.measure import metrics
from skinapi.learning.measure.predictions import (
    ModelOutputs,
    ServedResult,
    bootstrap_group,
    lesion_classes,
)
from skinapi.vision.bands import urgency
from skinapi.vision.conditions import Band

ServedSample = tuple[Sample, ServedResult]


def pair_samples(outputs: ModelOutputs, results: Sequence[ServedResult]) -> list[ServedSample]:
    return list(zip(outputs.samples, results, strict=True))


def select_lesions(outputs: ModelOutputs, results: Sequence[ServedResult]) -> list[ServedSample]:
    """Without normal skin and whatever else is no lesion."""
    return [row for row in pair_samples(outputs, results) if row[0].label in lesion_classes()]


def pick_results(
    outputs: ModelOutputs, results: Sequence[ServedResult], chosen: ModelOutputs
) -> list[ServedResult]:
    """Those of the chosen pictures, which are some of the answers."""
    place = {sample.image_id: row for row, sample in enumerate(outputs.samples)}
    return [results[place[sample.image_id]] for sample in chosen.samples]


def measure_groups(
    name: Callable[[ServedSample], str],
    rows: Sequence[ServedSample],
    figures: Callable[[Sequence[ServedSample]], dict[str, Any]],
) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[ServedSample]] = {}
    for row in rows:
        groups.setdefault(name(row), []).append(row)
    return {group: figures(groups[group]) for group in sorted(groups)}


def measure_share(
    name: str, rows: Sequence[ServedSample], holds: Callable[[ServedSample], bool]
) -> dict[str, Any]:
    """The share of the rows, with its interval by patient or lesion; None where there are none."""
    if not rows:
        return {name: None, f"{name}_interval": None}
    hit = np.array([holds(row) for row in rows])
    groups = [bootstrap_group(sample) for sample, _ in rows]
    interval = [*metrics.wilson_interval(hit, groups)]
    return {name: float(hit.mean()), f"{name}_interval": interval}


def reaches_band(row: ServedSample, band: Band) -> bool:
    """This band or a more urgent one. A refused picture has none."""
    _, results = row
    return results.refused is None and urgency(results.found.band) <= urgency(band)


def count_refused(rows: Sequence[ServedSample]) -> dict[str, Any]:
    return {"n": len(rows), "refused": sum(map(is_refused, rows))}


def is_refused(row: ServedSample) -> bool:
    return row[1].refused is not None
