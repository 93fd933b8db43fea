"""The audit trail: an append-only log of who did what to which account.

A row is inserted in the transaction of its change. It names accounts by id alone, so it can be kept
after a person is erased. Sealing gives it the next number, the hash of the previous row, and its
own signed hash. A store with one writer seals in the same transaction. In other stores rows are
signed at once and sealed later in batches, because otherwise each change would wait for the head of
the chain.
"""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import product
from typing import TypeVar

from skinapi.base.errors import Conflict, InvalidQuery
from skinapi.base.logs import current_key_id, current_request_id, log
from skinapi.base.pages import Page, PageRequest, page_of
from skinapi.platform.audit.chain import OTHER_KEY, ChainHead, chain_faults
from skinapi.platform.storage.background import Lease
from skinapi.platform.storage.documents import merged, walk_by_id
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ids import first_id_at, new_id, now
from skinapi.platform.storage.ports import Document, Filter, Store
from skinapi.platform.storage.store_version import SigningKeys
from skinapi.platform.storage.unit_of_work import AuditRow

SEALED_AT_ONCE = 500
WALKED = 200
LATEST_SEAL = timedelta(minutes=1)
NOT_SEALED: Filter = {"sequence": None}
T = TypeVar("T")
Links = dict[str, Document]
PURPOSE = "skinapi audit rows"
# `owner`: whose finding, spot or letter the target is. Rows of before it was stored lack it.
ACCOUNT_FIELDS = ("by", "target", "owner")
CURSOR = re.compile(r"(?P<sequence>[1-9][0-9]{0,17})-[0-9a-f]{0,16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailFilter:
    """Filter rows by action and by time, from `since` until before `until`. `key` cannot be
    combined with an action or an account: no index has both.
    """

    actions: Sequence[str] = ()
    account: str | None = None
    key: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditTrail:
    def __init__(self, store: Store, *, secrets: Sequence[str]) -> None:
        self._store = store
        self._rows = store.collection("audit")
        self._rows.ensure_index("sequence", unique=True)
        self._rows.ensure_index("sequence", "id")
        self._rows.ensure_index("sequence", "key", "id")
        # One index for each combination of filters of `page`.
        for field in ACCOUNT_FIELDS:
            self._rows.ensure_index(field, "id")
            self._rows.ensure_index(field, "action", "id")
        self._rows.ensure_index("action", "id")
        self._rows.ensure_index("by_key", "id")
        self._keys = SigningKeys(secrets, purpose=PURPOSE)
        self._chain_head = ChainHead(store, self._rows, "audit", self._keys)

    def add(self, *rows: AuditRow) -> None:
        if not rows:
            return
        added = [self._make_row(row) for row in rows]
        if self._store.one_writer:
            # Stored with its number, a row is written once, and so are the indexes of its fields.
            links = self._chain(added)
            added = [{**row, **links[row["id"]]} for row in added]
        else:
            added = [{**row, "signature": self._keys.sign(row)} for row in added]
        self._rows.insert_many(added)

    def _make_row(self, added: AuditRow) -> Document:
        return {
            "phase": "outcome",  # the API says it; rows of the first code may be "intent"
            "action": added.action,
            "by": added.by,
            "target": added.target,
            "detail": added.detail,
            "outcome": added.outcome,
            "owner": added.owner,
            "id": new_id(),
            "schema": 1,
            "created_at": now(),
            "request_id": current_request_id.get(),
            "by_key": current_key_id.get(),
            "key": self._keys.current,
        }

    def record(self, *rows: AuditRow) -> None:
        self._store.transaction(partial(self.add, *rows))

    def seal(self) -> int:
        """Number and chain the next SEALED_AT_ONCE rows, ordered by id, and return how many. A row
        signed with a key that this server does not know is skipped until a server knows it.
        """
        return self._store.transaction(self._seal)

    def seal_all(self) -> None:
        while self.seal():
            pass

    def has_unsealed(self) -> bool:
        return bool(self._list_sealable(1))

    def _list_sealable(self, limit: int) -> list[Document]:
        listings = [
            self._rows.find({**NOT_SEALED, "key": key}, sort="id", limit=limit)
            for key in self._keys.names
        ]
        return merged(listings, limit=limit)

    def check_integrity(self) -> Iterator[Fault]:
        yield from chain_faults(self._in_sequence(), self._keys, "audit")
        yield from self._faults_of_unsealed()
        count = self._rows.count()  # first: more may be added and numbered, but none is deleted
        count -= self._rows.count(NOT_SEALED) + self._rows.count({"sequence": {"$gt": 0}})
        if count > 0:
            yield Fault(f"{count} audit rows are not numbered from 1 up")
        yield from self._chain_head.check_integrity()

    def _faults_of_unsealed(self) -> Iterator[Fault]:
        late = unknown = 0
        for row in walk_by_id(self._rows, NOT_SEALED):
            if row.get("key") and self._keys.age(row) is None:
                unknown += 1
                continue
            if not self.is_signed(row):
                yield Fault(f"audit row {row['id']} is not signed, and not numbered yet")
            late += row["created_at"] < now() - LATEST_SEAL
        if late:
            yield Fault(f"{late} audit rows are not numbered yet", self.seal_all)
        if unknown:
            yield Fault(f"{unknown} audit rows are not numbered, because they are {OTHER_KEY}")

    def faults_of(self, sequence: int, hash: str) -> Iterator[Fault]:
        rows = self._rows.find({"sequence": sequence})
        if [row.get("hash") for row in rows] != [hash]:
            yield Fault(f"audit row {sequence} is missing, or not the one that the log names")

    def find(self, identifier: str) -> Document | None:
        return self._rows.get(identifier)

    def walk(
        self,
        *,
        since: datetime | None,
        until: datetime | None,
        newest_first: bool,
        after: str | None,
    ) -> Iterator[Document]:
        """Yield rows ordered by id, from `since` until before `until`. A row that is committed late
        can have a lower id than rows that were already read.
        """
        low, high = first_id_at(since) if since else "", first_id_at(until) if until else "g"
        while True:
            if after:
                low, high = (low, min(high, after)) if newest_first else (max(low, after), high)
            within: Filter = {"id": {"$gt": low, "$lt": high}}
            rows = self._rows.find(within, sort="-id" if newest_first else "id", limit=WALKED)
            yield from rows
            if len(rows) < WALKED:
                return
            after = rows[-1]["id"]

    def find_newest(self, action: str, *, target: str) -> Document | None:
        about = {"target": target, "action": action}
        return next(iter(self._rows.find(about, limit=1, sort="-id")), None)

    def walk_acts(self, action: str, *, by: str, after: str) -> Iterator[Document]:
        return walk_by_id(self._rows, {"by": by, "action": action}, after=after or None)

    def get_newest_sealed(self) -> Document:
        return self._chain_head.newest()

    def follow(self, after: str | None = None) -> Iterator[Document]:
        """Yield the sealed rows after this cursor (`cursor_of`). No row is ever skipped, because
        rows are numbered in sequential transactions.
        """
        last = 0
        if after:
            match = CURSOR.fullmatch(after)
            if match is None:
                raise InvalidQuery("after: no cursor of this list")
            last = int(match["sequence"])
            rows = self._rows.find({"sequence": last})
            if [cursor_of(row) for row in rows] != [after]:
                raise CursorLost
        return self._in_sequence(last)

    def _in_sequence(self, last: int = 0) -> Iterator[Document]:
        while rows := self._rows.find({"sequence": {"$gt": last}}, sort="sequence", limit=500):
            yield from rows
            last = rows[-1]["sequence"]

    def page(self, wanted: TrailFilter, paging: PageRequest) -> Page[Document]:
        if paging.after and self._rows.get(paging.after) is None:
            raise InvalidQuery("after: there is no such row")
        conditions: Filter = {"by_key": wanted.key} if wanted.key else {}
        # Ids begin with the time, so the indexes that end in the id serve a range of time too.
        ends = [*filter(None, [paging.after, first_id_at(wanted.until) if wanted.until else None])]
        within = {"$gte": first_id_at(wanted.since)} if wanted.since else {}
        if ends:
            within["$lt"] = min(ends)
        if within:
            conditions["id"] = within
        account_filters: list[Filter] = (
            [{field: wanted.account} for field in ACCOUNT_FIELDS] if wanted.account else [{}]
        )
        action_filters: list[Filter] = [{"action": action} for action in wanted.actions] or [{}]
        found: list[Document] = []
        for account_filter, action_filter in product(account_filters, action_filters):
            narrowed = {**account_filter, **action_filter, **conditions}
            rows = self._rows.find(narrowed, sort="-id", limit=paging.limit + 1)
            found = merged([found, rows], sort="-id", limit=paging.limit + 1)  # no more in memory
        return page_of(found, paging)

    def page_about(
        self, account: str, actions: Mapping[str, Sequence[str]], paging: PageRequest
    ) -> Page[Document]:
        behind: Filter = {"id": {"$lt": paging.after}} if paging.after else {}
        most = paging.limit + 1
        listings = [
            self._rows.find({field: account, "action": item, **behind}, sort="-id", limit=most)
            for field, named in actions.items()
            for item in named
        ]
        return page_of(merged(listings, sort="-id", limit=most), paging)

    def is_signed(self, row: Document) -> bool:
        return self._keys.signed(row, field="hash" if "hash" in row else "signature")

    def _seal(self) -> int:
        if rows := self._list_sealable(SEALED_AT_ONCE):
            unsigned = {row["id"] for row in rows if not self.is_signed(row)}
            self._rows.set_each(self._chain(rows, unsigned))
        return len(rows)

    def _chain(self, rows: Sequence[Document], unsigned: Set[str] = frozenset()) -> Links:
        last = self._chain_head.last_row()
        links = self._link(rows, last, unsigned)
        if not self._chain_head.follow(last, links[rows[-1]["id"]]):
            links = self._link(rows, self._chain_head.newest(), unsigned)
            self._chain_head.move(links[rows[-1]["id"]])
        return links

    def _link(self, rows: Sequence[Document], newest: Document, unsigned: Set[str]) -> Links:
        links: Links = {}
        for row in rows:
            link: Document = {"key": self._keys.current, "previous": newest["hash"]}
            link["sequence"] = newest["sequence"] + 1
            link |= {name: newest[name] for name in ("head_fault", "head") if name in newest}
            if row["id"] in unsigned:
                link["unsigned"] = True
            link["hash"] = self._keys.sign({**row, **link})
            links[row["id"]] = link
            newest = {"sequence": link["sequence"], "hash": link["hash"]}
        return links


class CursorLost(Conflict):
    code = "audit_cursor_lost"
    sentence = (
        "The audit trail is not the one that this cursor was made for: an older backup was "
        "restored, or rows were deleted. Begin anew without `after`"
    )


def cursor_of(row: Document) -> str:
    return f"{row['sequence']}-{row.get('hash', '')[:16]}"


# After a crash the others wait for so long.
LEASE_LENGTH = timedelta(seconds=5)


class AuditSealer:
    """One process at a time seals, because two would only be slower."""

    def __init__(self, store: Store, trail: AuditTrail) -> None:
        self._lease = Lease(store.collection("leases"), "audit-sealer", length=LEASE_LENGTH)
        self._trail = trail
        self._logged: Document | None = None

    def run_once(self) -> None:
        if self._trail.has_unsealed() and self._lease.claim():
            while self._trail.seal() == SEALED_AT_ONCE and self._lease.renew():
                pass
            self._lease.release()
        # A log that is kept elsewhere shows when the newest rows and the head were put back.
        newest = self._trail.get_newest_sealed()
        if newest != self._logged:
            log.info("audit", sequence=newest["sequence"], hash=newest["hash"])
            self._logged = newest
