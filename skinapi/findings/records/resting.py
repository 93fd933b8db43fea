"""From when a finding rests: from then on the days of its retention count (privacy/retention).

A case rests: a spot with all its findings, or a finding that belongs to no spot. It rests since
its newest photo, or since what a doctor has decided last, whichever is later (`rest_keys` of
submission.py). Others that wait rest, so that those of a person without a doctor do not stay for
ever; while a doctor is in charge they are not selected.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from skinapi.findings.records.list_keys import WITH_PHOTO, WITHOUT, make_rest_key, rests_reviewed
from skinapi.findings.records.submission import Submission
from skinapi.platform.storage.ports import Filter, Store

PAGE_SIZE = 100
PHOTOS, FINDINGS = (WITH_PHOTO,), (WITH_PHOTO, WITHOUT)
# Nobody works on it, and no colleague is asked about it.
IN_NOBODYS_HANDS: Filter = {"opinion_of": None, "opinion_key": None}


@dataclass(frozen=True, slots=True)
class Rests:
    """A finding that rests."""

    id: str
    owner: str
    key: str


class Resting:
    """Selects findings by how long they rest. Times are `since` (inclusive) and `before`; `None` is
    the beginning.
    """

    def __init__(self, store: Store) -> None:
        self._documents = store.collection("submissions")
        self._documents.ensure_index("rest_key", "id")
        self._documents.ensure_index("opinion_of", "opinion_key", "rest_key", "id")
        self._documents.ensure_index("doctor", "opinion_of", "opinion_key", "rest_key", "id")
        self._documents.ensure_index("owner", "rest_key", "id")

    def count(
        self, groups: Collection[str], *, since: datetime | None, before: datetime
    ) -> Counter[str]:
        """How many rest since these times, of each owner. It costs as much as it counts."""
        counted = Counter[str]()
        for wanted in _selected(groups, since, before):
            counted.update(self._documents.count_by("owner", wanted))
        return counted

    def walk(self, groups: Collection[str], *, before: datetime) -> Iterator[Rests]:
        """The longest first of each group. The caller may delete them meanwhile."""
        for walked in self.walk_each(groups, before=before):
            yield from walked

    def walk_each(self, groups: Collection[str], *, before: datetime) -> Iterator[Iterator[Rests]]:
        """The same, each part in the order of time."""
        for wanted in _selected(groups, None, before):
            yield self._walk_one(wanted)

    def _walk_one(self, wanted: Filter) -> Iterator[Rests]:
        """Those that are held back are read, too: MongoDB would sort all without them."""
        key = wanted["rest_key"]
        others = wanted.keys() - {"rest_key"}  # what must be missing
        while found := self._documents.find(
            {"rest_key": key},
            sort="rest_key",
            limit=PAGE_SIZE,
            fields=("owner", "rest_key", "doctor", *IN_NOBODYS_HANDS),
        ):
            for one in found:
                if not any(one.get(name) for name in others):
                    yield Rests(one["id"], one["owner"], one["rest_key"])
            key = {"$gt": found[-1]["rest_key"], "$lt": key["$lt"]}

    def is_selected(self, found: Submission, groups: Collection[str], *, before: datetime) -> bool:
        """Whether `walk` still yields it."""
        key = found.rest_key
        if key is None or key[0] not in groups or waits_for_somebody(found):
            return False
        return key[:15] < make_rest_key(key[0] == WITH_PHOTO, rests_reviewed(key), before)

    def owners_that_wait(self, owners: Sequence[str]) -> set[str]:
        """Those of these owners of whom a finding waits for somebody."""
        waiting = set[str]()
        for start in range(0, len(owners), PAGE_SIZE):
            these: Filter = {"owner": {"$in": [*owners[start : start + PAGE_SIZE]]}}
            for wanted in (
                {**these, "rest_key": None},
                *(
                    {**these, "rest_key": _group(group, "0"), "doctor": {"$ne": None}}
                    for group in "01"
                ),
                {**these, "opinion_of": {"$ne": None}},
            ):
                waiting |= self._documents.count_by("owner", wanted).keys()
        return waiting


def waits_for_somebody(found: Submission) -> bool:
    """Whether a doctor is to review it, or a colleague is asked about it, or it does not rest."""
    asked = found.opinion_of is not None or found.opinion_key is not None
    key = found.rest_key
    return asked or key is None or not (rests_reviewed(key) or found.doctor is None)


def _group(photo: str, reviewed: str) -> dict[str, str]:
    return {"$gt": f"{photo}{reviewed}", "$lt": f"{photo}{int(reviewed) + 1}"}


def _selected(
    groups: Collection[str], since: datetime | None, before: datetime
) -> Iterator[dict[str, Any]]:
    """What was reviewed, and what was not where no doctor is in charge."""
    for group in groups:
        for reviewed in (True, False):
            first = (
                make_rest_key(group == WITH_PHOTO, reviewed, since)
                if since
                else f"{group}{reviewed:d}"
            )
            end = make_rest_key(group == WITH_PHOTO, reviewed, before)
            if first < end:
                nobody = {} if reviewed else {"doctor": None}
                yield {"rest_key": {"$gt": first, "$lt": end}, **nobody, **IN_NOBODYS_HANDS}
