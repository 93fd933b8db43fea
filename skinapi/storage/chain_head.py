"""The head of a hash chain of rows, stored apart from the rows, so that `check` notices when the
newest rows were deleted.

The head is updated after the row is written. A crash in between leaves the head behind the newest
row, never ahead of it. So the row that the head names must exist.
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from skinapi.errors import Duplicate
from skinapi.storage.faults import Fault
from skinapi.storage.ids import now
from skinapi.storage.ports import Document, Documents, Store


class ChainHead:
    def __init__(self, store: Store, rows: Documents, name: str) -> None:
        self._counters = store.collection("counters")
        self._rows = rows
        self._name = name

    def newest(self) -> Document | None:
        """The last row, or the stored head if its row was deleted.

        So a deleted row's number is never given to a new row. None if there is no row yet.
        """
        head, found = self._read(), self._rows.find(sort="-sequence", limit=1)
        if head and not (found and found[0]["sequence"] >= head["sequence"]):
            return head
        return found[0] if found else None

    def move(self, row: Document) -> None:
        """Move the head to this row, unless it is at a later one.

        An intent does not move it: its outcome follows soon, and moves it then.
        """
        if row["phase"] == "intent":
            return
        head = {"sequence": row["sequence"], "hash": row["hash"]}
        behind = {"id": self._id, "sequence": {"$lt": row["sequence"]}}
        if self._counters.update(behind, {"$set": head}) is None:
            with suppress(Duplicate):  # another process has set the head to a later row
                self._counters.insert({"id": self._id, "schema": 1, "created_at": now(), **head})

    def faults(self) -> Iterator[Fault]:
        """Yield a missing head, deleted newest rows, and a row that is not the one written."""
        head = self._read()
        if head is None:
            for row in self._rows.find({"phase": "outcome"}, sort="-sequence", limit=1):
                message = f"{self._name} row {row['sequence']} has no chain head"
                yield Fault(message, self._repair(row))
            return
        newest, number = self.newest(), head["sequence"]
        if newest == head:  # no row has this number or a later one
            last = self._rows.find(sort="-sequence", limit=1)
            first = last[0]["sequence"] + 1 if last else 1
            yield Fault(f"{self._name} rows {first} to {number} are missing")
        for row in self._rows.find({"sequence": number}):
            if row["hash"] != head["hash"]:
                yield Fault(f"{self._name} row {number} is not the one that was written")

    @property
    def _id(self) -> str:
        return f"{self._name}-anchor"  # "anchor" is the name in stored data: do not change it

    def _repair(self, row: Document) -> partial[None]:
        return partial(self.move, row)

    def _read(self) -> Document | None:
        return self._counters.get(self._id)
