"""The append-only trail of who did what to whom: an intent before each change, an outcome after.

Rows name accounts by id alone, so that the fact outlives the person's data. Each row carries the
hash of the one before it.
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
FIRST = "0" * 64
WHO = ("by", "target")


class AuditTrail:
    def __init__(self, store: Store, request_id: Callable[[], str | None]) -> None:
        self._store = store
        self._rows = store.collection("audit")
        self._rows.ensure_index("sequence", unique=True)
        # One for each way that `page` may be asked, in its order; appending reads the first.
        for chosen in ([], ["by"], ["target"]):
            self._rows.ensure_index(*chosen, "sequence", "id")
            self._rows.ensure_index(*chosen, "action", "sequence", "id")
        self._anchor = ChainHead(store, self._rows, "audit")
        self._request_id = request_id
        self._turn = threading.Lock()

    @contextmanager
    def act(self, action: str, *, by: str, target: str) -> Iterator[None]:
        """Surround one change: intent, then done or the code of what refused it."""
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
        """One row for what changes nothing but must be known: it needs no intent."""
        row = {"action": action, "by": by, "target": target}
        self._append({**row, "phase": "outcome", "outcome": "done"})

    def faults(self) -> Iterator[Fault]:
        """Intents whose process died before the outcome, and breaks of the chain."""
        previous, open_intents = None, {}
        for row in self._in_sequence():
            yield from _chain_faults(previous, row)
            if row["phase"] == "intent":
                open_intents[row["id"]] = row
            else:
                open_intents.pop(row.get("intent"), None)
            previous = row
        yield from self._anchor.faults()
        for row in open_intents.values():
            if row["created_at"] < now() - LONGEST_ACT:
                says = f"audit row {row['sequence']} ({row['action']}) has no outcome"
                yield Fault(says, partial(self._close, row))

    def _close(self, intent: Document) -> None:
        """Record that nobody knows how this intent ended."""
        self._append({**_subject(intent), "phase": "outcome", "outcome": "unknown"})

    def _in_sequence(self) -> Iterator[Document]:
        last = 0
        while rows := self._rows.find({"sequence": {"$gt": last}}, sort="sequence", limit=1000):
            yield from rows
            last = rows[-1]["sequence"]

    def page(
        self, *, action: str | None, account: str | None, after: str | None, limit: int
    ) -> Page[Document]:
        """The newest rows first, continued behind the row `after`."""
        wanted: Filter = {"action": action} if action else {}
        if after:
            last = self._rows.get(after)
            if last is None:
                raise InvalidQuery("after: there is no such row")
            wanted["sequence"] = {"$lt": last["sequence"]}
        ways: list[Filter] = [{who: account} for who in WHO] if account else [{}]
        listings = [
            self._rows.find({**way, **wanted}, sort="-sequence", limit=limit + 1) for way in ways
        ]
        return page_of(merged(listings, sort="-sequence", limit=limit + 1), limit)

    def _append(self, fields: Document) -> Document:
        return self._store.together(partial(self._number_and_keep, fields))

    def _number_and_keep(self, fields: Document) -> Document:
        """Take the next number; another process may take it first, then try the one after."""
        with self._turn:
            for _ in range(ATTEMPTS):
                row = self._next_row(fields)
                try:
                    self._rows.insert(row)
                except Duplicate:
                    time.sleep(random.uniform(0, 0.005))  # noqa: S311 (spreads the retries)
                else:
                    self._anchor.move(row)
                    return _subject(row)
        raise StoreUnavailable("The audit trail is too busy; try again shortly")

    def _next_row(self, fields: Document) -> Document:
        last = self._anchor.newest()
        row = {
            **fields,
            "id": new_id(),
            "schema": 1,
            "created_at": now(),
            "request_id": self._request_id(),
            "sequence": last["sequence"] + 1 if last else 1,
            "previous": last["hash"] if last else FIRST,
        }
        return {**row, "hash": chained_hash(row)}


def _subject(row: Document) -> Document:
    """What an outcome repeats of its intent."""
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
    elif row["previous"] != (previous["hash"] if previous else FIRST):
        yield Fault(f"audit row {number} does not follow the row before it")
    if row["hash"] != chained_hash(row):
        yield Fault(f"audit row {row['sequence']} was changed after it was written")


def chained_hash(row: Document) -> str:
    facts = {name: value for name, value in row.items() if name != "hash" and value is not None}
    canonical = json.dumps(facts, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
