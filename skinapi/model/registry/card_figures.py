"""The figures that a card tells: those that the gates read, and those of two models side by side.

A card may be somebody else's, so any figure may be missing, or be something else than a number.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from skinapi.base.values import finite_number, wilson_interval
from skinapi.model.conditions import conditions_table
from skinapi.model.registry.gates import FEWEST_LESIONS, SENSITIVITIES, Figure, GateName

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
# The shares of what an operating point does.
AT_A_POINT = (
    "caught",
    "benign_below",
    "benign_told_urgent",
    "melanomas_told_urgent",
    "urgent_right",
)
# Of each table, so that a card of somebody else's cannot make an endless answer.
MOST_ROWS = 100
Interval = tuple[float, float]


def _interval_of(figures: Any, name: str) -> Interval | None:
    """Return the interval beside a figure; None where either is something else."""
    ends = _at(figures, f"{name}_interval")
    figure = finite_number(_at(figures, name))
    if figure is None or not isinstance(ends, list | tuple) or len(ends) != 2:
        return None
    low, high = map(finite_number, ends)
    return None if low is None or high is None else (low, high)


def find_figure_at_point(
    figures: Mapping[str, Any], point: str, kind: str, name: str
) -> Figure | None:
    """Return what the card's test states of a share at an operating point."""
    return _with_interval(_at(figures, "test", "points", point, kind), name)


def figures_of_gates(figures: Any) -> dict[GateName, Figure]:
    """Read `figures.test` of a card."""
    bands, lesions = _at(figures, "bands"), [c for c in conditions_table().conditions if c.dx]
    by_gate = {
        gate: _share(
            _at(bands, key, "sensitivity"),
            _pictures_of(figures, [lesion.dx for lesion in lesions if lesion.key == key]),
        )
        for gate, key in SENSITIVITIES.items()
    }
    by_gate[GateName.SPECIFICITY] = _share(
        _at(bands, "malignant", "specificity"),
        _pictures_of(figures, [lesion.dx for lesion in lesions if not lesion.malignant]),
    )
    by_gate[GateName.ECE] = _with_interval(figures, "ece")
    by_gate[GateName.REFUSED_SHARE] = _with_interval(_at(figures, "refusals"), "refused_share")
    return {gate: figure for gate, figure in by_gate.items() if figure}


def _pictures_of(figures: Any, classes: Sequence[str | None]) -> float:
    return sum(finite_number(_at(figures, "per_class", name, "n")) or 0 for name in classes)


def _at(value: Any, *names: str | None) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _with_interval(figures: Any, name: str) -> Figure | None:
    value, interval = finite_number(_at(figures, name)), _interval_of(figures, name)
    if value is None or interval is None:
        return None
    return Figure(value=value, low=interval[0], high=interval[1])


def _share(value: Any, n: float) -> Figure | None:
    share = finite_number(value)
    if share is None or n < FEWEST_LESIONS or not 0 <= share <= 1:
        return None
    low, high = wilson_interval(share, n)
    return Figure(value=share, low=low, high=high)


def list_compared_figures(
    figures: Mapping[str, Any],
) -> Iterator[tuple[str, tuple[float, Interval | None]]]:
    """Yield by name each figure of a test part that is compared, with its interval."""
    yield from _pick(figures, OVERALL, "")
    refusals = figures.get("refusals")
    if isinstance(refusals, Mapping):
        yield from _pick(refusals, ("refused_share",), "")
    for table, names in WITHIN:
        rows = figures.get(table)
        for row, part in list(rows.items())[:MOST_ROWS] if isinstance(rows, Mapping) else ():
            if isinstance(part, Mapping):
                yield from _pick(part, names, f"{table}.{row}.")
    points = [
        (kind, point, row)
        for point, kinds in _parts_of(figures.get("points"))
        for kind, row in _parts_of(kinds)
    ]
    for kind, point, row in sorted(points[:MOST_ROWS], key=lambda place: place[0]):
        yield from _pick(row, AT_A_POINT, f"points.{kind}.{point}.")


def _parts_of(table: Any) -> list[tuple[str, Mapping[str, Any]]]:
    parts = list(table.items()) if isinstance(table, Mapping) else []
    return [(str(name), part) for name, part in parts if isinstance(part, Mapping)]


def _pick(
    part: Mapping[str, Any], names: tuple[str, ...], prefix: str
) -> Iterator[tuple[str, tuple[float, Interval | None]]]:
    for name in names:
        value = finite_number(part.get(name))
        if value is not None:
            yield f"{prefix}{name}", (value, _interval_of(part, name))
