"""The lists of a report: bounded as they are made, and with the names that data sets have now as
they are shown.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from skinapi.storage.ids import ID

# Names that a list of the report shows; the number beside it is always the true one.
MOST_SHOWN = 50
# Of one such entry, which may be of thousands of copies, and letters of each name.
MOST_IN_ENTRY = 10
LONGEST_SHOWN = 200
# Of an entry about another data set.
KEPT = ("name", "dataset", "bits")


@dataclass
class BoundedList:
    """Some of many, and how many they are."""

    count: int = 0
    shown: list[Any] = field(default_factory=list)

    def add(self, item: Any) -> None:
        self.count += 1
        if len(self.shown) < MOST_SHOWN:
            self.shown.append(_bounded(item))

    def as_dict(self) -> dict[str, Any]:
        return {"count": self.count, "shown": self.shown}


def _bounded(item: Any) -> Any:
    """The item with no more than some of its parts, and of its letters."""
    if isinstance(item, dict):
        return {key: _bounded(value) for key, value in item.items()}
    if isinstance(item, list):
        return [_bounded(value) for value in item[:MOST_IN_ENTRY]]
    if isinstance(item, str) and len(item) > LONGEST_SHOWN:
        return f"{item[: LONGEST_SHOWN - 1]}…"
    return item


def bounded_list(items: Iterable[Any]) -> dict[str, Any]:
    bounded = BoundedList()
    for item in items:
        bounded.add(item)
    return bounded.as_dict()


def shown_report(
    report: Mapping[str, Any], name_of: Callable[[str], str | None]
) -> Mapping[str, Any]:
    """The report with `dataset_name` beside each id of another data set. `name_of` tells a name by
    an id, and None for a data set that is gone: then nothing of it is shown but the id.
    """
    elsewhere = report.get("elsewhere")
    if not elsewhere:
        return report
    known = cache(name_of)

    def named(entry: Mapping[str, Any]) -> dict[str, Any]:
        # Earlier reports hold the other data set's name, and the name of its file.
        other = entry["dataset"] if ID.fullmatch(str(entry["dataset"])) else None
        kept = {name: entry[name] for name in KEPT if name in entry}
        return {**kept, "dataset": other, "dataset_name": known(other) if other else None}

    shown = {
        kind: {**listed, "shown": [named(entry) for entry in listed["shown"]]}
        for kind, listed in elsewhere.items()
    }
    return {**report, "elsewhere": shown}
