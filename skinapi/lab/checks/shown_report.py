"""A report as it is shown: other data sets by the names that they have now."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from skinapi.storage.ids import ID

KEPT = ("name", "dataset", "bits")


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
