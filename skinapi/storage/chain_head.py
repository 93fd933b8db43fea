"""The newest link of a chain of rows, kept apart from them, so that a tail that is cut off is
missed.

It moves after the row is written: a crash in between leaves it behind, never ahead. So whatever it
names must be there.
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
        """The last row, or the link to one that was there: nothing is numbered like it again."""
        link, found = self._read(), self._rows.find(sort="-sequence", limit=1)
        if link and not (found and found[0]["sequence"] >= link["sequence"]):
            return link
        return found[0] if found else None

    def move(self, row: Document) -> None:
        """To this row; an intent is left to its outcome, which is never far."""
        if row["phase"] == "intent":
            return
        link = {"sequence": row["sequence"], "hash": row["hash"]}
        behind = {"id": self._id, "sequence": {"$lt": row["sequence"]}}
        if self._counters.update(behind, {"$set": link}) is None:
            with suppress(Duplicate):  # somebody anchored a later one
                self._counters.insert({"id": self._id, "schema": 1, "created_at": now(), **link})

    def faults(self) -> Iterator[Fault]:
        link = self._read()
        if link is None:
            for row in self._rows.find({"phase": "outcome"}, sort="-sequence", limit=1):
                yield Fault(f"{self._name} row {row['sequence']} has no anchor", self._mend(row))
            return
        newest, number = self.newest(), link["sequence"]
        if newest == link:
            last = self._rows.find(sort="-sequence", limit=1)
            first = last[0]["sequence"] + 1 if last else 1
            yield Fault(f"{self._name} rows {first} to {number} are missing")
        for row in self._rows.find({"sequence": number}):
            if row["hash"] != link["hash"]:
                yield Fault(f"{self._name} row {number} is not the one that was written")

    @property
    def _id(self) -> str:
        return f"{self._name}-anchor"

    def _mend(self, row: Document) -> partial[None]:
        return partial(self.move, row)

    def _read(self) -> Document | None:
        return self._counters.get(self._id)
