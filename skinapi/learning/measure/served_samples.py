"""Pictures beside what serving makes of them, and shares and groups of those."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from skinapi.learning.data.samples import Sample
from skinapi.learning.measure import metrics
from skinapi.learning.measure.predictions import Answers, Served, group_of, lesion_classes
from skinapi.vision.bands import urgency
from skinapi.vision.conditions import Band

Row = tuple[Sample, Served]


def pair(answers: Answers, served: Sequence[Served]) -> list[Row]:
    return list(zip(answers.samples, served, strict=True))


def lesion_rows(answers: Answers, served: Sequence[Served]) -> list[Row]:
    """Without normal skin and whatever else is no lesion."""
    return [row for row in pair(answers, served) if row[0].label in lesion_classes()]


def pick(answers: Answers, served: Sequence[Served], chosen: Answers) -> list[Served]:
    """Those of the chosen pictures, which are some of the answers."""
    place = {sample.image_id: row for row, sample in enumerate(answers.samples)}
    return [served[place[sample.image_id]] for sample in chosen.samples]


def by_name(
    name: Callable[[Row], str],
    rows: Sequence[Row],
    figures: Callable[[Sequence[Row]], dict[str, Any]],
) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(name(row), []).append(row)
    return {group: figures(groups[group]) for group in sorted(groups)}


def share(name: str, rows: Sequence[Row], holds: Callable[[Row], bool]) -> dict[str, Any]:
    """The share of the rows, with its interval by patient or lesion; None where there are none."""
    if not rows:
        return {name: None, f"{name}_interval": None}
    hit = np.array([holds(row) for row in rows])
    groups = [group_of(sample) for sample, _ in rows]
    interval = [*metrics.share_interval(hit, groups)]
    return {name: float(hit.mean()), f"{name}_interval": interval}


def has_band(row: Row, band: Band) -> bool:
    """This band or a more urgent one. A refused picture has none."""
    _, served = row
    return served.refused is None and urgency(served.found.band) <= urgency(band)


def count_refused(rows: Sequence[Row]) -> dict[str, Any]:
    return {"n": len(rows), "refused": sum(map(is_refused, rows))}


def is_refused(row: Row) -> bool:
    return row[1].refused is not None
