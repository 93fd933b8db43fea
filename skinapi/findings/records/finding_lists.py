"""The lists of doctors, and what is counted of them, by the keys that are stored with findings."""

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

from skinapi.base.pages import Page, PageRequest, page_of
from skinapi.findings.records.queue_order import (
    FIRST_REVIEWED,
    key_range,
)
from skinapi.findings.records.stored_finding import LISTED_FIELDS, StoredFindingRow
from skinapi.model.conditions import Band
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.ports import Document, Filter, Store
from skinapi.platform.storage.unreadable import read_each

MOST_OVERDUE = 1000


class FindingLists:
    """Reads the collection of findings; `StoredFindings` has its indexes, and changes it."""

    def __init__(self, store: Store) -> None:
        self._documents = store.collection(FINDINGS)

    def page_by_urgency(
        self,
        of: dict[str, str],
        *,
        reviewed: bool | None,
        urgency: Band | None = None,
        paging: PageRequest,
    ) -> Page[StoredFindingRow]:
        """`of` an owner, a doctor, or who is asked: unreviewed first, then as their keys say."""
        return self._page_by("queue_key", of, _key_ranges(reviewed, urgency), paging)

    def page_opinions(self, doctor: str, paging: PageRequest) -> Page[StoredFindingRow]:
        """List the findings about which a second opinion has come, the oldest opinion first."""
        return self._page_by("opinion_key", {"doctor": doctor}, [("0", FIRST_REVIEWED)], paging)

    def _page_by(
        self, key: str, wanted: Filter, ranges: Sequence[tuple[str, str]], paging: PageRequest
    ) -> Page[StoredFindingRow]:
        """Pages begin behind such a key, and not an id: a review between two pages then neither
        repeats nor skips others.
        """
        found: list[Document] = []
        for first, end in ranges:
            start, missing = max(paging.after or first, first), paging.limit + 1 - len(found)
            if start < end and missing > 0:
                within = {**wanted, key: {"$gt": start, "$lt": end}}
                found += self._documents.find(within, sort=key, limit=missing, fields=LISTED_FIELDS)
        return page_of(found, paging, by=key).map_all(_read_rows)

    def count_waiting_by(
        self, field: Literal["owner", "doctor"], ids: Collection[str]
    ) -> dict[str, tuple[int, int]]:
        """Count what waits of each of these owners, or doctors, and how much of it is urgent."""
        counted: list[dict[str, int]] = []
        for band in (None, Band.URGENT_REFERRAL) if ids else ():
            wanted: Filter = {field: {"$in": sorted(ids)}, "queue_key": _within(False, band)}
            counted.append(self._documents.count_by(field, wanted))
        waiting, urgent = counted or ({}, {})
        return {item: (count, urgent.get(item, 0)) for item, count in waiting.items()}

    def count_by_urgency(self, of: dict[str, str], *, reviewed: bool | None, urgency: Band) -> int:
        """The time it takes grows with them."""
        return sum(
            self._documents.count({**of, "queue_key": {"$gt": first, "$lt": end}})
            for first, end in _key_ranges(reviewed, urgency)
        )


def _read_rows(documents: Iterable[Document]) -> list[StoredFindingRow]:
    return [*read_each(FINDINGS, documents, StoredFindingRow.model_validate)]


def _within(reviewed: bool, urgency: Band | None) -> dict[str, str]:
    [(first, end)] = _key_ranges(reviewed, urgency)
    return {"$gt": first, "$lt": end}


def _key_ranges(reviewed: bool | None, urgency: Band | None) -> list[tuple[str, str]]:
    groups = [False, True] if reviewed is None else [reviewed]
    if urgency:
        return [key_range(reviewed=group, band=urgency) for group in groups]
    return [(f"{groups[0]:d}", f"{groups[-1] + 1}")]
