"""From when a finding rests: from then on the days of its retention count (privacy/retention).

A case rests: a spot with all its findings, or a finding that belongs to no spot. It rests since
its newest photo, or since what a doctor has decided last, whichever is later. It does not rest
while the laboratory's result is awaited, nor while an urgent finding of it waits for a review.
Others that wait rest, so that those of a person without a doctor do not stay for ever; while a
doctor is in charge they are not selected.

An index can sort only by fields of its own documents, so each finding has a `rest_key`, written in
the transaction of the change that it depends on:

    1 photo kept, 0 none · 1 reviewed, 0 not · milliseconds (13) · number
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from skinapi.records.submission import Listed, Submission
from skinapi.storage.ports import Filter, Store

PAGE_SIZE = 100
# Of a finding with a photo, and of one without.
WITH_PHOTO, WITHOUT = "1", "0"
PHOTOS, FINDINGS = (WITH_PHOTO,), (WITH_PHOTO, WITHOUT)
# Nobody works on it, and no colleague is asked about it.
IN_NOBODYS_HANDS: Filter = {"opinion_of": None, "opinion_key": None}


def rest_keys(case: Sequence[Listed]) -> dict[str, str | None]:
    """The keys of the findings of a case, seen by a doctor, by their ids; None while it does not
    rest.
    """
    if any(map(_waits, case)):
        return dict.fromkeys(one.id for one in case)
    since = max(map(_rests_since, case), default=None)
    reviewed = all(one.reviewed for one in case)
    return {
        one.id: f"{_key(bool(one.photos), reviewed, since)}{one.number:016d}"
        for one in case
        if since
    }


def _rests_since(entry: Listed) -> datetime:
    """When something last happened with it; that a decision is held back ends then, too."""
    decided = [entry.decision.decided_at] if entry.decision else []
    shown = (one.hold_ends_at for one in entry.stands.reviews if one.hold_ends_at)
    return max([entry.created_at, *decided, *shown])


def _waits(entry: Listed) -> bool:
    """Whether it must not go before somebody has done something."""
    awaited = entry.decision is not None and entry.decision.awaited
    return awaited or (entry.urgent and not entry.reviewed)


def with_rest_key(submission: Submission) -> Submission:
    """A new finding that belongs to no spot."""
    fields = {name: getattr(submission, name) for name in Listed.model_fields}
    entry = Listed.model_construct(**fields).alone()
    return submission.model_copy(update={"rest_key": rest_keys([entry])[submission.id]})


def rest_key_of_error(submission: Submission, since: datetime) -> str:
    """Nobody has to look at it any more."""
    has_photo = submission.photo_blob is not None or bool(submission.picture_blobs)
    return f"{_key(has_photo, True, since)}{submission.number:016d}"


def resting_since(key: str | None) -> datetime | None:
    """What a key says."""
    return datetime.fromtimestamp(int(key[2:15]) / 1000, UTC) if key else None


def waits_for_somebody(found: Submission) -> bool:
    """Whether a doctor is to review it, or a colleague is asked about it, or it does not rest."""
    asked = found.opinion_of is not None or found.opinion_key is not None
    key = found.rest_key
    return asked or key is None or not (is_reviewed(key) or found.doctor is None)


def without_photo(key: str | None) -> str | None:
    """The key of the same finding once no photo of it is kept."""
    return key and f"{WITHOUT}{key[1:]}"


def is_reviewed(key: str) -> bool:
    return key[1] == "1"


def _key(photo: bool, reviewed: bool, since: datetime) -> str:
    return f"{photo:d}{reviewed:d}{int(since.timestamp() * 1000):013d}"


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
        """Those that rest since before this time, the longest first of each group, read in pages:
        so the caller may delete them meanwhile.
        """
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
        if (
            key is None
            or key[0] not in groups
            or key[1:15] >= _key(True, is_reviewed(key), before)[1:]
        ):
            return False
        return not waits_for_somebody(found)

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


def _group(photo: str, reviewed: str) -> dict[str, str]:
    return {"$gt": f"{photo}{reviewed}", "$lt": f"{photo}{int(reviewed) + 1}"}


def _selected(
    groups: Collection[str], since: datetime | None, before: datetime
) -> Iterator[dict[str, Any]]:
    """The filters that together select what rests since these times: what was reviewed, and what
    was not where no doctor is in charge.
    """
    for group in groups:
        for reviewed in (True, False):
            first = _key(group == WITH_PHOTO, reviewed, since) if since else f"{group}{reviewed:d}"
            end = _key(group == WITH_PHOTO, reviewed, before)
            if first < end:
                nobody = {} if reviewed else {"doctor": None}
                yield {"rest_key": {"$gt": first, "$lt": end}, **nobody, **IN_NOBODYS_HANDS}
