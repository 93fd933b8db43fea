"""How many photos serving would refuse or doubt, and why."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from skinapi.errors import Refused
from skinapi.learning.measure.group_figures import source_of
from skinapi.learning.measure.predictions import ModelOutputs, ServedResult
from skinapi.learning.measure.served_samples import (
    ServedSample,
    is_refused,
    measure_groups,
    pair_samples,
)
from skinapi.vision.finding import Doubt
from skinapi.vision.model import Model

FOUND = "found"


def count_outcomes(outputs: ModelOutputs, results: Sequence[ServedResult]) -> dict[str, Any]:
    """For the card: shares of all these photos, lesions or not, and the same by source and class.

    `answers` carry what the quality gates said of the uploaded bytes, so nothing is judged twice.
    """
    rows = pair_samples(outputs, results)
    return {
        **_count(rows),
        "by_source": measure_groups(lambda row: source_of(row[0]), rows, _count),
        "by_class": measure_groups(lambda row: row[0].label, rows, _count),
    }


def _count(rows: Sequence[ServedSample]) -> dict[str, Any]:
    outcomes = Counter(name_result(results) for _, results in rows)
    doubted = sum(not is_refused(row) and bool(row[1].found.reasons) for row in rows)
    return {
        "n": len(rows),
        "refused": sum(map(is_refused, rows)) / len(rows),
        "uncertain": doubted / len(rows),
        "outcomes": dict(sorted(outcomes.items())),
    }


def name_result(results: ServedResult) -> str:
    """`found`, or why not plainly so."""
    if results.refused is not None:
        return _name_refused(results.refused.value)
    return _name_found(results.found.reasons)


def name_outcome(model: Model, content: bytes) -> str:
    """The same of one file, the whole way from its bytes."""
    try:
        finding = classify_photo(model, content)
    except Refused as refused:
        return _name_refused(refused.reason)
    return _name_found(finding.reasons)


def _name_refused(reason: str) -> str:
    return f"refused: {reason}"


def _name_found(reasons: Sequence[Doubt]) -> str:
    return f"uncertain: {' and '.join(reasons)}" if reasons else FOUND
