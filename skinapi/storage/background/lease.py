"""A lease on work that one process of all servers does at a time, and how far the work came."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from skinapi.errors import Duplicate
from skinapi.storage.ids import new_id, now
from skinapi.storage.ports import Document, Documents

LEASE = timedelta(seconds=30)


class Lease:
    """After its length without `renew` another process may take it. `held_until_at` is the end."""

    def __init__(self, documents: Documents, name: str, *, length: timedelta = LEASE) -> None:
        self._length = length
        self._documents = documents
        self._name = name
        self._holder = new_id()

    def claim(self) -> Document | None:
        """Take the lease. The result is its record, with what was `reached`; None where another
        process holds it.
        """
        while (lease := self._documents.get(self._name)) is None:
            free = {"id": self._name, "schema": 1, "created_at": now(), "held_until_at": now()}
            with suppress(Duplicate):
                self._documents.insert(free)
        # A longer one was written by a clock that was ahead.
        if now() < lease["held_until_at"] <= now() + 2 * self._length:
            return None
        unchanged = {"id": self._name, "held_until_at": lease["held_until_at"]}
        claimed = {"holder": self._holder, "held_until_at": now() + self._length}
        return self._documents.update(unchanged, {"$set": claimed})

    def renew(self, **reached: Any) -> bool:
        """Keep the lease, perhaps with what was `reached`. False where another process has taken
        it.
        """
        return self._set({**reached, "held_until_at": now() + self._length})

    def release(self, **reached: Any) -> None:
        """Give the lease back, perhaps with what was `reached`."""
        self._set({**reached, "held_until_at": now()})

    def _set(self, fields: Document) -> bool:
        mine = {"id": self._name, "holder": self._holder}
        return self._documents.update(mine, {"$set": fields}) is not None
