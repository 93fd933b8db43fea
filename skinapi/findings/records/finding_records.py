from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import TypeVar

from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import FindingInError, RecordDamaged
from skinapi.base.pages import Page, PageRequest, batched
from skinapi.findings.records.events import FindingsChanged
from skinapi.findings.records.spots import Spots, view_new_spot
from skinapi.findings.records.stored_finding import StoredFinding, StoredFindingRow
from skinapi.findings.records.stored_findings import FIELDS, StoredFindings, in_spot
from skinapi.findings.records.waiting_spots import (
    WaitingSpot,
    WaitingSpots,
    list_damaged_rows,
    list_rows,
)
from skinapi.findings.status.reviews import Reviews
from skinapi.findings.status.spot import Act, Spot, move, note_change
from skinapi.findings.status.spot_view import MeasuredChange, SpotView
from skinapi.findings.status.waiting import WaitingKind
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.ports import Document, Filter, Store
from skinapi.platform.storage.records import in_transaction
from skinapi.platform.storage.unreadable import Name, is_hidden, leaving_out, read_each

SPOTS_AT_ONCE = 100
Row = TypeVar("Row", bound=StoredFindingRow)


class FindingRecords(StoredFindings):
    def __init__(
        self, store: Store, reviews: Reviews, accounts: Accounts, waiting: WaitingSpots
    ) -> None:
        super().__init__(store)
        self.reviews, self.spots = reviews, Spots(store)
        self.accounts, self.waiting = accounts, waiting

    def see(self, entries: Sequence[Row], *, with_errors: bool = False) -> list[Row]:
        """A request that only reads leaves out spots with damaged records."""
        found = [entry for entry in entries if with_errors or entry.error is None]
        spots = self.spots.read({entry.lesion for entry in found if not entry.error})
        return [*self._see_each(found, spots)]

    def _see_each(self, entries: Sequence[Row], spots: Mapping[str, SpotView]) -> Iterator[Row]:
        for entry in entries:
            view = spots.get(entry.lesion)
            if entry.error:
                yield entry.see_in(view_new_spot(entry))
            elif view and entry.id in view.photos:
                yield entry.see_in(view)

    def see_one(self, finding: Row, *, with_errors: bool = False) -> Row | StoredFinding:
        if finding.error and not with_errors:
            raise FindingInError(finding.error.reason)
        for seen in self.see([finding], with_errors=with_errors):
            return seen
        if is_hidden("lesions", finding.lesion):
            raise RecordDamaged
        # The finding was deleted, moved or voided since it was read.
        return self.see_one(self.get(finding.id), with_errors=with_errors)

    def renew(self, lesions: Collection[str]) -> FindingsChanged:
        """Call it in the transaction that changes the spots, and publish the result."""
        views = self.renew_waiting(lesions)
        return FindingsChanged(self.note_changes(lesions), {*lesions}, views)

    def note_changes(self, lesions: Collection[str]) -> list[StoredFindingRow]:
        """Give the findings new change ids and return them, for the caller to publish."""
        found = self._find_in(lesions, FIELDS[StoredFindingRow])
        self._documents.set_each({record["id"]: {"changed": new_id()} for record in found})
        return self._read_each_as(StoredFindingRow, found)

    def renew_waiting(self, lesions: Collection[str]) -> dict[str, SpotView]:
        """Conflict with changes of the owner's account, which decides whose lists show them."""
        views = self.spots.read(lesions, whole=True)
        rows = self._list_waiting(lesions, views, self.accounts.lock_all)
        self.waiting.replace(lesions, rows)
        return views

    def start_waiting(self, filed: StoredFinding, owner: Account) -> None:
        for row in list_rows(filed.spot_view, owner):
            self.waiting.insert(row)

    def _list_waiting(
        self,
        lesions: Collection[str],
        found: Mapping[str, SpotView],
        find_owners: Callable[[set[str]], Mapping[str, Account]],
    ) -> list[WaitingSpot]:
        damaged = {
            lesion: self.spots.find_owner(lesion)
            for lesion in lesions
            if is_hidden("lesions", lesion)
        }
        named = {view.owner for view in found.values()} | {*filter(None, damaged.values())}
        owners = find_owners(named)
        known = ((view, owners.get(view.owner)) for view in found.values())
        rows = [row for view, owner in known if owner for row in list_rows(view, owner)]
        for lesion, of in damaged.items():
            stored = self.waiting.list_of("lesion", [lesion])
            rows += list_damaged_rows(lesion, owners.get(of or ""), stored)
        return rows

    def renew_waiting_of(self, owner: str) -> None:
        known = self.spots.list_of(owner) | self.waiting.lesions_of(owner)
        for lesions in batched(sorted(known), SPOTS_AT_ONCE):
            self._renew_waiting(lesions)

    @in_transaction
    def renew_damaged(self, records: Collection[Name]) -> None:
        self._renew_waiting(self.spots.find_having(records), records)

    def _renew_waiting(self, lesions: Collection[str], damaged: Iterable[Name] = ()) -> None:
        with leaving_out() as unreadable:
            unreadable.hidden |= {*damaged}
            self.renew_waiting(lesions)

    def waits_otherwise(self, owner: str) -> bool:
        stored = {row.id: row for row in self.waiting.list_of("owner", [owner]) if row.lesion}
        for lesions in batched(sorted(self.spots.list_of(owner)), SPOTS_AT_ONCE):
            views = self.spots.read(lesions, whole=True)
            rows = self._list_waiting(lesions, views, self.accounts.by_ids)
            if any(stored.pop(row.id, None) != row for row in rows):
                return True
        return bool(stored)

    def note_opened(self, seen: Spot) -> None:
        def note() -> None:
            if self.spots.note_opened(seen):
                self.waiting.end(WaitingKind.TELLING, seen.id)

        self._store.transaction(note)

    def _find_in(self, lesions: Iterable[str], fields: tuple[str, ...] | None) -> list[Document]:
        if not (spots := sorted({*lesions})):
            return []
        wanted: Filter = {"lesion": {"$in": spots}, "error": None}
        return self._documents.find(wanted, sort="lesion", fields=fields)

    def count_in_lesion(self, lesion: str) -> int:
        return self._documents.count(in_spot(lesion))

    def find_newest(self, lesion: str) -> StoredFindingRow | None:
        found = self._views(StoredFindingRow, in_spot(lesion), sort="-id", limit=1)
        return found[0] if found else None

    def page_of_lesion(
        self, lesion: str, paging: PageRequest, *, newest_first: bool
    ) -> Page[StoredFindingRow]:
        sort = "-id" if newest_first else "id"
        return self._page_of(StoredFindingRow, in_spot(lesion), paging, sort=sort)

    def list_of_lesion(self, lesion: str) -> list[StoredFindingRow]:
        return self._views(StoredFindingRow, in_spot(lesion))

    def numbers_in_lesion(self, lesion: str) -> dict[str, int]:
        found = self._documents.find(in_spot(lesion), fields=("number",))
        return {record["id"]: record["number"] for record in found}

    def by_ids(self, identifiers: list[str]) -> dict[str, StoredFindingRow]:
        """Deleted findings are left out."""
        found = self._views(StoredFindingRow, {"id": {"$in": identifiers}})
        return {item.id: item for item in found}

    def numbers_of(self, identifiers: list[str]) -> dict[str, int]:
        found = self._documents.find({"id": {"$in": identifiers}}, fields=("number",))
        return dict(read_each(FINDINGS, found, _number_of))

    def put_in_lesion(self, finding: StoredFinding, lesion: str) -> FindingsChanged:
        before, after = self.spots.get(finding.lesion).spot, self.spots.get(lesion).spot
        left, came = move(before, after, finding.id, at=now())
        self.change(finding.id, lesion=lesion)
        self.spots.store(before, left)
        self.spots.store(after, came)
        self._mark_uncompared(lesion, finding.id)
        return self.renew((finding.lesion, lesion))

    def note_place(self, lesion: str) -> FindingsChanged:
        self.spots.change(lesion, partial(note_change, act=Act.PLACED, at=now()))
        return self.renew([lesion])

    def _mark_uncompared(self, lesion: str, came: str) -> None:
        there = sorted(self.numbers_in_lesion(lesion))
        later = [after for before, after in pairwise(there) if came in (before, after)]
        self._documents.set_each({item: {"uncompared": new_id()} for item in later})

    def list_uncompared(self, limit: int) -> list[str]:
        waiting: Filter = {"uncompared": {"$gt": ""}}
        found = self._documents.find(waiting, sort="uncompared", limit=limit, fields=())
        return [item["id"] for item in found]

    def find_before(self, finding: StoredFinding) -> StoredFinding | None:
        earlier: Filter = {**in_spot(finding.lesion), "id": {"$lt": finding.id}}
        return self._first(earlier, sort="-id")

    def add_change(self, before: StoredFinding, change: MeasuredChange) -> None:
        self.change(before.id, changes=[item.stored() for item in (*before.changes, change)])

    def named_lesions(self) -> Iterable[str]:
        """Yield the spots that findings name, even if these do not exist."""
        return sorted(self._documents.count_by("lesion"))


def _number_of(document: Document) -> tuple[str, int]:
    if not isinstance(number := document["number"], int):
        raise TypeError("number")
    return document["id"], number
