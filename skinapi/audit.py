"""The audit trail: an append-only log of who did what to which account.

Each change has two rows: an intent before it and an outcome after it. Rows name accounts only by
id, so that they can be kept when the person's data is deleted. The rows are a hash chain: each one
contains the hash of the previous row.
"""

import hashlib
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

from skinapi.errors import Duplicate, InvalidQuery, SkinAPIError, StoreUnavailable
from skinapi.storage.chain_head import ChainHead
from skinapi.storage.faults import Fault
from skinapi.storage.ids import new_id, now
from skinapi.storage.merging import merged
from skinapi.storage.ports import Document, Filter, Store
from skinapi.web.pagination import Page, page_of

ATTEMPTS = 100
LONGEST_ACT = timedelta(minutes=1)
NO_PREVIOUS_HASH = "0" * 64
ACCOUNT_FIELDS = ("by", "target")


class AuditTrail:
    """Appends rows to the audit trail, and reads and checks it."""

    def __init__(self, store: Store, request_id: Callable[[], str | None]) -> None:
        self._store = store
        self._rows = store.collection("audit")
        self._rows.ensure_index("sequence", unique=True)
        # One index for each combination of filters of `page`. Appending uses the first.
        for fields in ([], ["by"], ["target"]):
            self._rows.ensure_index(*fields, "sequence", "id")
            self._rows.ensure_index(*fields, "action", "sequence", "id")
        self._chain_head = ChainHead(store, self._rows, "audit")
        self._request_id = request_id
        self._append_lock = threading.Lock()

    @contextmanager
    def act(self, action: str, *, by: str, target: str) -> Iterator[None]:
        """Surround one change: write an intent, then an outcome.

        The outcome is "done", the code of the SkinAPIError that was raised, or "interrupted" for
        any other exception. Raises StoreUnavailable if a row cannot be written; if that is the
        intent, the change is not made.
        """
        intent = self._append({"action": action, "by": by, "target": target, "phase": "intent"})
        outcome = "interrupted"
        try:
            yield
            outcome = "done"
        except SkinAPIError as error:
            outcome = error.code
            raise
        finally:
            self._append({**intent, "phase": "outcome", "outcome": outcome})

    def note(self, action: str, *, by: str, target: str) -> None:
        """Write one row about an event that changes nothing, so it needs no intent."""
        row = {"action": action, "by": by, "target": target}
        self._append({**row, "phase": "outcome", "outcome": "done"})

    def faults(self) -> Iterator[Fault]:
        """Yield breaks of the hash chain, and intents whose process died before the outcome."""
        previous, open_intents = None, {}
        for row in self._in_sequence():
            yield from _chain_faults(previous, row)
            if row["phase"] == "intent":
                open_intents[row["id"]] = row
            else:
                open_intents.pop(row.get("intent"), None)
            previous = row
        yield from self._chain_head.faults()
        for row in open_intents.values():
            # A younger intent may belong to a change that is still running.
            if row["created_at"] < now() - LONGEST_ACT:
                message = f"audit row {row['sequence']} ({row['action']}) has no outcome"
                yield Fault(message, partial(self._close, row))

    def _close(self, intent: Document) -> None:
        """Write the outcome "unknown" for this intent."""
        self._append({**_outcome_fields(intent), "phase": "outcome", "outcome": "unknown"})

    def _in_sequence(self) -> Iterator[Document]:
        last = 0
        while rows := self._rows.find({"sequence": {"$gt": last}}, sort="sequence", limit=1000):
            yield from rows
            last = rows[-1]["sequence"]

    def page(
        self, *, action: str | None, account: str | None, after: str | None, limit: int
    ) -> Page[Document]:
        """A page of rows, newest first, continued after the row with the id `after`.

        Raises InvalidQuery if there is no such row.
        """
        conditions: Filter = {"action": action} if action else {}
        if after:
            last = self._rows.get(after)
            if last is None:
                raise InvalidQuery("after: there is no such row")
            conditions["sequence"] = {"$lt": last["sequence"]}
        account_filters: list[Filter] = (
            [{field: account} for field in ACCOUNT_FIELDS] if account else [{}]
        )
        listings = [
            self._rows.find({**account_filter, **conditions}, sort="-sequence", limit=limit + 1)
            for account_filter in account_filters
        ]
        return page_of(merged(listings, sort="-sequence", limit=limit + 1), limit)

    def _append(self, fields: Document) -> Document:
        return self._store.together(partial(self._number_and_insert, fields))

    def _number_and_insert(self, fields: Document) -> Document:
        """Insert a row with the next number, and retry if another process takes that number first.

        Raises StoreUnavailable after ATTEMPTS conflicts.
        """
        with self._append_lock:
            for _ in range(ATTEMPTS):
                row = self._next_row(fields)
                try:
                    self._rows.insert(row)
                except Duplicate:
                    time.sleep(random.uniform(0, 0.005))  # noqa: S311 (spreads the retries)
                else:
                    self._chain_head.move(row)
                    return _outcome_fields(row)
        raise StoreUnavailable("The audit trail is too busy; try again shortly")

    def _next_row(self, fields: Document) -> Document:
        last = self._chain_head.newest()
        row = {
            **fields,
            "id": new_id(),
            "schema": 1,
            "created_at": now(),
            "request_id": self._request_id(),
            "sequence": last["sequence"] + 1 if last else 1,
            "previous": last["hash"] if last else NO_PREVIOUS_HASH,
        }
        return {**row, "hash": chained_hash(row)}


def _outcome_fields(row: Document) -> Document:
    """The fields that an outcome repeats from its intent, and the id of the intent."""
    return {
        "action": row["action"],
        "by": row["by"],
        "target": row["target"],
        "intent": row.get("intent", row["id"]),
    }


def _chain_faults(previous: Document | None, row: Document) -> Iterator[Fault]:
    number = previous["sequence"] + 1 if previous else 1
    if row["sequence"] != number:
        yield Fault(f"audit rows {number} to {row['sequence'] - 1} are missing")
    elif row["previous"] != (previous["hash"] if previous else NO_PREVIOUS_HASH):
        yield Fault(f"audit row {number} does not follow the row before it")
    if row["hash"] != chained_hash(row):
        yield Fault(f"audit row {row['sequence']} was changed after it was written")


def chained_hash(row: Document) -> str:
    """The SHA-256 of the row, which includes the hash of the previous row."""
    # A field that is None is not stored, so it must not change the hash.
    facts = {name: value for name, value in row.items() if name != "hash" and value is not None}
    canonical = json.dumps(facts, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
