"""The audit trail: an append-only log of who did what to which account.

Each change has two rows: an intent before it and an outcome after it. Rows name accounts only by
id, so that they can be kept when the person's data is deleted. The rows are a hash chain: each one
contains the hash of the previous row. A hash is made with a key, so that whoever can only write to
the store cannot make one.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

from skinapi.errors import Duplicate, InvalidQuery, SkinAPIError, StoreUnavailable
from skinapi.logs import log
from skinapi.storage.chain_head import ChainHead
from skinapi.storage.chain_keys import ChainKeys
from skinapi.storage.chain_rows import chain_faults
from skinapi.storage.faults import Fault
from skinapi.storage.ids import is_ahead, new_id, now
from skinapi.storage.merging import merged
from skinapi.storage.ports import Document, Filter, Store
from skinapi.web.pagination import Page, page_of

ATTEMPTS = 100
LONGEST_ACT = timedelta(minutes=1)
RECENT = 1000
PURPOSE = "skinapi audit rows"
ACCOUNT_FIELDS = ("by", "target")


class AuditTrail:
    """Appends rows to the audit trail, and reads and checks it.

    `secrets` are the server's secrets, the newest first: it signs the rows, the others verify rows
    that they signed before.
    """

    def __init__(
        self, store: Store, request_id: Callable[[], str | None], *, secrets: Sequence[str]
    ) -> None:
        self._store = store
        self._rows = store.collection("audit")
        self._rows.ensure_index("sequence", unique=True)
        # One index for each combination of filters of `page`. Appending uses the first.
        for fields in ([], ["by"], ["target"]):
            self._rows.ensure_index(*fields, "sequence", "id")
            self._rows.ensure_index(*fields, "action", "sequence", "id")
        self._keys = ChainKeys(secrets, purpose=PURPOSE)
        self._chain_head = ChainHead(store, self._rows, "audit", self._keys)
        self._request_id = request_id
        self._append_lock = threading.Lock()

    @contextmanager
    def act(
        self, action: str, *, by: str, target: str, detail: str | None = None
    ) -> Iterator[None]:
        """Surround one change: write an intent, then an outcome. `detail` says on what grounds, and
        names nobody.

        The outcome is "done", the code of the SkinAPIError that was raised, or "interrupted" for
        any other exception. Raises StoreUnavailable if a row cannot be written; if that is the
        intent, the change is not made.
        """
        facts = {"action": action, "by": by, "target": target, "detail": detail}
        intent = self._append({**facts, "phase": "intent"})
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
        """Yield what is wrong with the hash chain, and intents whose process died before the
        outcome.
        """
        count = self._rows.count()  # first: meanwhile rows may be added, but none is deleted
        open_intents: dict[str, Document] = {}
        yield from chain_faults(self._followed(open_intents), self._keys, "audit")
        numbered = self._rows.count({"sequence": {"$gt": 0}})
        if count > numbered:
            yield Fault(f"{count - numbered} audit rows are not numbered from 1 up")
        yield from self._chain_head.faults()
        for row in open_intents.values():
            if not _may_run(row):
                message = f"audit row {row['sequence']} ({row['action']}) has no outcome"
                yield Fault(message, partial(self._close, row))

    def _followed(self, open_intents: dict[str, Document]) -> Iterator[Document]:
        """All rows in sequence. At the end `open_intents` holds the intents without an outcome."""
        for row in self._in_sequence():
            if row.get("phase") != "intent":
                open_intents.pop(str(row.get("intent")), None)
            elif self._keys.signed(row, field="hash"):  # any other is a fault already
                open_intents[row["id"]] = row
            yield row

    def not_done(self, *, after: int | None) -> tuple[list[Document], int]:
        """The intents behind this row number whose change did not end as done, and the row number
        to ask with next time. A change that may still be running is left to the next time.

        Without a number, or with one that no row has, it begins RECENT rows before the newest.
        """
        newest = int(self._chain_head.newest()["sequence"])
        reached = max(0, newest - RECENT) if after is None or after > newest else after
        without_outcome: dict[str, Document] = {}
        found: list[Document] = []
        for row in self._in_sequence(reached):
            reached = row["sequence"]
            if row.get("phase") == "intent":
                without_outcome[row["id"]] = row
            elif (intent := without_outcome.pop(str(row.get("intent")), None)) is not None:
                found += [intent] if row.get("outcome") != "done" else []
        for intent in without_outcome.values():
            if _may_run(intent):
                reached = min(reached, intent["sequence"] - 1)
            else:
                found.append(intent)
        return found, reached

    def faults_of(self, sequence: int, hash: str) -> Iterator[Fault]:
        """Yield a fault unless the row with this number has this hash, as a log line says."""
        found = self._rows.find({"sequence": sequence})
        if [row.get("hash") for row in found] != [hash]:
            yield Fault(f"audit row {sequence} is missing, or not the one that the log names")

    def newest(self, action: str, *, target: str) -> Document | None:
        """The newest row about this; None if there is none."""
        about = {"target": target, "action": action}
        return next(iter(self._rows.find(about, limit=1, sort="-sequence")), None)

    def log_newest(self) -> None:
        """Log the number and hash of the newest row."""
        _log(self._chain_head.newest())

    def _close(self, intent: Document) -> None:
        """Write the outcome "unknown" for this intent."""
        self._append({**_outcome_fields(intent), "phase": "outcome", "outcome": "unknown"})

    def _in_sequence(self, last: int = 0) -> Iterator[Document]:
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

    def is_signed(self, row: Document) -> bool:
        """Whether this server, or one with a former secret of it, wrote the row as it is."""
        return self._keys.signed(row, field="hash")

    def _append(self, fields: Document) -> Document:
        row = self._store.together(partial(self._number_and_insert, fields))
        _log(row)
        return _outcome_fields(row)

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
                    return row
        raise StoreUnavailable("The audit trail is too busy; try again shortly")

    def _next_row(self, fields: Document) -> Document:
        newest = self._chain_head.newest()
        if newest["sequence"] == 0:
            self._chain_head.move(newest)  # a head is always there before the first row
        row = {
            **fields,
            "id": new_id(),
            "schema": 1,
            "created_at": now(),
            "request_id": self._request_id(),
            "sequence": newest["sequence"] + 1,
            "previous": newest["hash"],
            "head_fault": newest.get("head_fault"),
            "key": self._keys.current,
        }
        return {**row, "hash": self._keys.sign(row)}


def _may_run(intent: Document) -> bool:
    """Whether the change of this intent may still be running."""
    return intent["created_at"] >= now() - LONGEST_ACT and not is_ahead(intent["created_at"])


def _log(row: Document) -> None:
    # A log that is kept elsewhere shows when the newest rows and the head were put back together.
    log.info("audit", sequence=row["sequence"], hash=row["hash"])


def _outcome_fields(row: Document) -> Document:
    """The fields that an outcome repeats from its intent, and the id of the intent."""
    return {
        "action": row["action"],
        "by": row["by"],
        "target": row["target"],
        "detail": row.get("detail"),
        "intent": row.get("intent", row["id"]),
    }
