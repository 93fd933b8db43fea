import os
import threading
from collections.abc import Iterator
from contextlib import suppress

from skinapi.base.errors import Duplicate
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store

# What the store calls findings and, in other records, the field that names one: as 1.0.0 did.
FINDINGS, FINDING = "submissions", "submission"
BLOCK = 20


class Numbers:
    """Unique numbers of findings. Each process reserves a block, so that servers do not wait for
    one document. So there are gaps, and the order is not that of time.
    """

    def __init__(self, store: Store) -> None:
        self._counters = store.collection("counters")
        self._lock = threading.Lock()
        self._pid = 0
        self._left: Iterator[int] = iter(())

    def next_number(self) -> int:
        """Call it outside of a transaction: others would wait for the counter until its end."""
        with self._lock:
            number = next(self._left, None) if self._pid == os.getpid() else None
            if number is None:  # none is left, or the block is the parent process's
                self._left, self._pid = self._reserve(), os.getpid()
                number = next(self._left)
            return number

    def highest(self) -> int:
        counted = self._counters.get(FINDINGS) or {}
        return int(counted.get("value", 0))

    def skip_to(self, highest: int) -> None:
        with self._lock:
            self._begin()
            behind = {"id": FINDINGS, "value": {"$lt": highest}}
            self._counters.update(behind, {"$set": {"value": highest}})
            self._left = iter(())

    def _reserve(self) -> Iterator[int]:
        while True:
            reserved = self._counters.update({"id": FINDINGS}, {"$inc": {"value": BLOCK}})
            if reserved is not None:
                return iter(range(reserved["value"] - BLOCK + 1, reserved["value"] + 1))
            self._begin()

    def _begin(self) -> None:
        first = {"id": FINDINGS, "schema": 1, "created_at": now(), "value": 0}
        if self._counters.get(FINDINGS) is None:
            with suppress(Duplicate):
                self._counters.insert(first)
