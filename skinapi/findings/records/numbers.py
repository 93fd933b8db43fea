"""Numbers that no two records share, reserved in blocks.

Each process takes its numbers from a block of its own, so that servers do not wait for each other
at one document. So numbers have gaps, and their order is not that of time.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import suppress

from skinapi.base.errors import Duplicate
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store

BLOCK = 20


class Numbers:
    def __init__(self, store: Store, name: str) -> None:
        self._counters = store.collection("counters")
        self._name = name
        self._lock = threading.Lock()
        self._pid = 0
        self._left: Iterator[int] = iter(())

    def take(self) -> int:
        """Call it outside of a transaction: others would wait for the counter until its end."""
        with self._lock:
            number = next(self._left, None) if self._pid == os.getpid() else None
            if number is None:  # none is left, or the block belongs to the process that forked
                self._left, self._pid = self._reserve(), os.getpid()
                number = next(self._left)
            return number

    def skip_to(self, highest: int) -> None:
        """Take no number up to this one any more."""
        with self._lock:
            behind = {"id": self._name, "value": {"$lt": highest}}
            self._counters.update(behind, {"$set": {"value": highest}})
            self._left = iter(())

    def _reserve(self) -> Iterator[int]:
        while True:
            reserved = self._counters.update({"id": self._name}, {"$inc": {"value": BLOCK}})
            if reserved is not None:
                return iter(range(reserved["value"] - BLOCK + 1, reserved["value"] + 1))
            first = {"id": self._name, "schema": 1, "created_at": now(), "value": 0}
            with suppress(Duplicate):
                self._counters.insert(first)
