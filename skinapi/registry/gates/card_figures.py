"""The figures of two models side by side."""

from collections.abc import Iterator, Mapping
from typing import Any

from skinapi.registry.gates.judging import number

# What a person compares first; the rest of a card is on its own page.
OVERALL = (
    "macro_auc",
    "balanced_accuracy",
    "named_balanced_accuracy",
    "stated_balanced_accuracy",
    "accuracy",
    "ece",
    "brier",
    "log_loss",
)
WITHIN = (
    ("bands", ("sensitivity", "specificity")),
    ("per_class", ("sensitivity", "specificity", "auc")),
    ("by_source", ("macro_auc", "balanced_accuracy", "ece")),
    ("by_modality", ("macro_auc", "balanced_accuracy", "ece")),
    ("malignant_caught", ("caught", "benign_below")),
)
# Of each table, so that a card of somebody else's cannot make an endless answer.
MOST_ROWS = 100
Interval = tuple[float, float]


def flatten(figures: Any) -> dict[str, tuple[float, Interval | None]]:
    """The figures of a test part that are compared, each with its interval, by name."""
    return dict(_flatten(figures if isinstance(figures, Mapping) else {}))


def _flatten(figures: Mapping[str, Any]) -> Iterator[tuple[str, tuple[float, Interval | None]]]:
    yield from _pick(figures, OVERALL, "")
    refusals = figures.get("refusals")
    if isinstance(refusals, Mapping):
        yield from _pick(refusals, ("refused_share",), "")
    for table, names in WITHIN:
        rows = figures.get(table)
        for row, part in list(rows.items())[:MOST_ROWS] if isinstance(rows, Mapping) else ():
            if isinstance(part, Mapping):
                yield from _pick(part, names, f"{table}.{row}.")


def _pick(
    part: Mapping[str, Any], names: tuple[str, ...], prefix: str
) -> Iterator[tuple[str, tuple[float, Interval | None]]]:
    for name in names:
        value = number(part.get(name))
        if value is not None:
            yield f"{prefix}{name}", (value, _interval(part.get(f"{name}_interval")))


def _interval(value: Any) -> Interval | None:
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    low, high = (number(end) for end in value)
    return None if low is None or high is None else (low, high)
