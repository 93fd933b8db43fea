"""The lists of doctors, and what is counted of them, by the keys that are stored with findings."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

from skinapi.base.pages import Page, PageRequest, page_of
from skinapi.findings.records.queue_order import (
    FIRST_REVIEWED,
    awaited_range,
    awaited_since,
    due_before,
    key_range,
)
from skinapi.findings.records.stored_finding import LISTED_FIELDS, StoredFindingRow
from skinapi.findings.status.decisions import RESULT_AFTER, WaitsFor
from skinapi.model.conditions import Band
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.ports import Document, Filter, Store
from skinapi.platform.storage.unreadable import read_each

MOST_OVERDUE = 1000
OPINION_WAITS: Filter = {"$gt": "0", "$lt": FIRST_REVIEWED}


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

    def page_awaited(
        self,
        doctor: str,
        awaited: WaitsFor | None = None,
        *,
        owners: Sequence[str] | None = None,
        paging: PageRequest,
    ) -> Page[StoredFindingRow]:
        """Page what waits for this, or for anything; the oldest decision comes first."""
        of: Filter = {"doctor": doctor}
        if owners is not None:
            of["owner"] = {"$in": [*owners]}
        return self._page_by("awaited_key", of, [awaited_range(awaited)], paging)

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

    def find_waiting(
        self,
        doctor: str | None,
        owners: Sequence[str],
        *,
        band: Band | None,
        after: str,
        limit: int,
    ) -> list[Document]:
        """Find unreviewed ones of patients of this doctor or of nobody, as they are stored."""
        [(first, end)] = _key_ranges(False, band)
        within = {"$gt": max(after, first), "$lt": end}
        wanted: Filter = {"doctor": doctor, "queue_key": within, "owner": {"$in": [*owners]}}
        return self._documents.find(wanted, sort="queue_key", limit=limit, fields=LISTED_FIELDS)

    def find_left(
        self, doctor: str | None, *, owners: Sequence[str] | None = None, limit: int
    ) -> list[Document]:
        """Reviewed, as they are stored, to which somebody has to come back: a result or a photo is
        awaited, or a second opinion has come.
        """
        first, end = awaited_range(None)
        ranges: dict[str, Any] = {
            "awaited_key": {"$gt": first, "$lt": end},
            "opinion_key": OPINION_WAITS,
        }
        of: Filter = {"doctor": doctor, **({"owner": {"$in": [*owners]}} if owners else {})}
        found: dict[str, Document] = {}
        for field, within in ranges.items():
            for document in self._documents.find(
                {**of, field: within}, sort=field, limit=limit, fields=LISTED_FIELDS
            ):
                found[document["id"]] = document
        return [item for item in found.values() if _is_reviewed(item)]

    def find_reviewed(self, identifiers: Sequence[str]) -> list[Document]:
        found = self._documents.find({"id": {"$in": [*identifiers]}}, fields=LISTED_FIELDS)
        return [item for item in found if _is_reviewed(item)]

    def list_visits(
        self, doctor: str, owners: Sequence[str], *, limit: int
    ) -> list[StoredFindingRow]:
        """List the findings whose decision asks for a visit, the most urgent first."""
        first, _ = key_range(reviewed=True, band=Band.URGENT_REFERRAL)
        _, end = key_range(reviewed=True, band=Band.DOCTOR_REVIEW)
        wanted: Filter = {
            "doctor": doctor,
            "queue_key": {"$gt": first, "$lt": end},
            "owner": {"$in": [*owners]},
        }
        found = self._documents.find(wanted, sort="queue_key", limit=limit, fields=LISTED_FIELDS)
        return _read_rows(found)

    def count_waiting(self, owners: Sequence[str], *, band: Band | None = None) -> int:
        """The time it takes grows with them."""
        wanted: Filter = {"owner": {"$in": [*owners]}, "queue_key": _within(False, band)}
        return self._documents.count(wanted)

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

    def count_left_by(
        self, field: Literal["owner", "doctor"], ids: Collection[str]
    ) -> dict[str, Counter[str]]:
        """Count what is left of reviewed findings, by what of it, of each of these owners, or
        doctors: the values of `OrphanedWork`.
        """
        counts = defaultdict[str, Counter[str]](Counter)
        of: Filter = {field: {"$in": sorted(ids)}}
        ranges: dict[str, Filter] = {
            item: {"awaited_key": dict(zip(("$gt", "$lt"), awaited_range(item), strict=True))}
            for item in WaitsFor
        }
        ranges["opinion"] = {"opinion_key": OPINION_WAITS, "queue_key": _within(True, None)}
        for left, within in ranges.items() if ids else ():
            for item, count in self._documents.count_by(field, {**of, **within}).items():
                counts[item][left] = count
        return counts

    def count_by_urgency(self, of: dict[str, str], *, reviewed: bool | None, urgency: Band) -> int:
        """The time it takes grows with them."""
        return sum(
            self._documents.count({**of, "queue_key": {"$gt": first, "$lt": end}})
            for first, end in _key_ranges(reviewed, urgency)
        )

    def count_overdue(self) -> Counter[str | None]:
        """Count spots past their day by doctor in charge; None: nobody. MOST_OVERDUE at most."""
        return self._count_by_doctor("due_key", "", due_before(now().date()))

    def count_late_results(self) -> Counter[str | None]:
        """Count the findings whose laboratory's result has not come in time, by the doctor in
        charge; MOST_OVERDUE at most.
        """
        first, _ = awaited_range(WaitsFor.RESULT)
        late = awaited_since(WaitsFor.RESULT, now() - RESULT_AFTER)
        return self._count_by_doctor("awaited_key", first, late)

    def _count_by_doctor(self, key: str, after: str, before: str) -> Counter[str | None]:
        within: Filter = {key: {"$gt": after, "$lt": before}}
        findings = self._documents.find(within, sort=key, limit=MOST_OVERDUE, fields=("doctor",))
        return Counter(finding.get("doctor") for finding in findings)

    def count_opinions(self, doctor: str) -> int:
        """Count the opinions that wait for this doctor, of findings that are reviewed."""
        wanted: Filter = {
            "doctor": doctor,
            "opinion_key": OPINION_WAITS,
            "queue_key": _within(True, None),
        }
        return self._documents.count(wanted)

    def count_awaited(
        self, doctor: str, awaited: WaitsFor, *, before: datetime | None = None
    ) -> int:
        first, end = awaited_range(awaited)
        end = awaited_since(awaited, before) if before else end
        wanted = {"doctor": doctor, "awaited_key": {"$gt": first, "$lt": end}}
        return self._documents.count(wanted)


def _read_rows(documents: Iterable[Document]) -> list[StoredFindingRow]:
    return [*read_each(FINDINGS, documents, StoredFindingRow.model_validate)]


def _is_reviewed(document: Document) -> bool:
    return (document.get("queue_key") or "") >= FIRST_REVIEWED


def _within(reviewed: bool, urgency: Band | None) -> dict[str, str]:
    [(first, end)] = _key_ranges(reviewed, urgency)
    return {"$gt": first, "$lt": end}


def _key_ranges(reviewed: bool | None, urgency: Band | None) -> list[tuple[str, str]]:
    groups = [False, True] if reviewed is None else [reviewed]
    if urgency:
        return [key_range(reviewed=group, band=urgency) for group in groups]
    return [(f"{groups[0]:d}", f"{groups[-1] + 1}")]
