import difflib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from skinapi.base.errors import BadDataset
from skinapi.lab.datasets.quarantine import shown
from skinapi.model.conditions import NORMAL_SKIN, conditions_table
from skinapi.model.dataset_labels import (
    label_spellings,
)

# Of two words of ten letters, six or seven must be the same in the same order.
ALIKE = 0.6

# They name no condition but a group, and a training learns each condition by itself.
GROUPS = frozenset(("benign", "malignant"))


def explain_groups(labels: Iterable[str]) -> str:
    named = sorted({label.lower() for label in labels} & GROUPS)
    if not named:
        return ""
    table = conditions_table()
    benign = {*table.keys} - table.malignant_keys - {NORMAL_SKIN}
    of = {"benign": benign, "malignant": table.malignant_keys}
    choice = "; ".join(f"{name}: {', '.join(sorted(of[name]))}" for name in named)
    return (
        f"The model learns single conditions, and {', '.join(named)} names a group of them: label "
        "each picture with what it shows, or map the label to one condition with the field "
        f"`labels` of POST /datasets ({choice})."
    )


class LabelMapping:
    def __init__(self, given: Mapping[str, str | None]) -> None:
        self._known = label_spellings()
        self._given: dict[str, str | None] = {}
        for theirs, ours in given.items():
            if ours is not None and ours.lower() not in self._known:
                keys = ", ".join(conditions_table().keys)
                raise BadDataset(f"labels: a picture cannot be labelled so; choose among {keys}")
            # Labels are case-insensitive, so the last one would silently win.
            if theirs.lower() in self._given:
                raise BadDataset(
                    f"labels: {shown(theirs)} is given twice; upper case does not count"
                )
            self._given[theirs.lower()] = ours

    def find(self, written: str) -> str | None:
        key = written.lower()
        if key in self._given:
            ours = self._given[key]
            return None if ours is None else self._known[ours.lower()]
        return self._known.get(key)

    def leaves_out(self, written: str) -> bool:
        return self._given.get(written.lower(), written) is None

    def describe(self, written: Iterable[str]) -> list[dict[str, Any]]:
        counts = Counter(item.lower() for item in written)
        mapped = sorted(set(self._given) | set(counts) & set(self._known))
        return [
            {
                "label": label,
                "count": counts[label],
                "published_as": self.find(label),
                "known_as": self._known.get(label),
            }
            for label in mapped
        ]

    def offer(self, written: str) -> str | None:
        key = written.lower().replace("_", " ").replace("-", " ")
        spelled = {spelling.replace("_", " "): ours for spelling, ours in self._known.items()}
        close = difflib.get_close_matches(key[:100], spelled, n=1, cutoff=ALIKE)
        return spelled[close[0]] if close else None
