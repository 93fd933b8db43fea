"""Findings of an owner or a doctor, in the order of the keys that are stored with them."""

from collections.abc import Iterable, Sequence

from skinapi.base.pages import Page, PageRequest, page_of
from skinapi.findings.records.queue_order import key_range
from skinapi.findings.records.stored_finding import LISTED_FIELDS, StoredFindingRow
from skinapi.model.conditions import Band
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.ports import Document, Filter, Store
from skinapi.platform.storage.unreadable import read_each


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
        """`of` an owner or a doctor: unreviewed first, then as their keys say."""
        return self._page_by("queue_key", of, _key_ranges(reviewed, urgency), paging)

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


def _read_rows(documents: Iterable[Document]) -> list[StoredFindingRow]:
    return [*read_each(FINDINGS, documents, StoredFindingRow.model_validate)]


def _key_ranges(reviewed: bool | None, urgency: Band | None) -> list[tuple[str, str]]:
    groups = [False, True] if reviewed is None else [reviewed]
    if urgency:
        return [key_range(reviewed=group, band=urgency) for group in groups]
    return [(f"{groups[0]:d}", f"{groups[-1] + 1}")]
