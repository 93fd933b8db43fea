"""Work beside the requests: periodic threads, leases between processes, and totals."""

import os
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from skinapi.base.errors import Duplicate, SkinAPIError, StoreUnavailable
from skinapi.base.logs import log
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document, Documents, Store

STOP_S = 5.0
LEASE = timedelta(seconds=30)
WRITE_EVERY_S = 2.0
# By collection and id: the other fields of a document, and what is added to its numbers.
Sums = dict[tuple[str, str], tuple[Document, Counter[str]]]


class BackgroundThread(ABC):
    """`run` works until `stopping` is set."""

    def __init__(self, name: str) -> None:
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self.run, name=name, daemon=True)

    @abstractmethod
    def run(self) -> None: ...

    def start(self) -> None:
        """Call it in the process that serves: a thread does not survive a fork."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after what it is doing, before the store is closed."""
        self.stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)


class PeriodicThread(BackgroundThread):
    """Makes passes, the first after `first_after_s`. One that fails is logged as `failure`, unless
    the store is away.
    """

    first_after_s: float | None = None  # None: `every_s`

    def __init__(self, name: str, *, every_s: float, failure: str) -> None:
        super().__init__(name)
        self.every_s = every_s
        self._failure = failure

    @abstractmethod
    def make_pass(self) -> None: ...

    def run(self) -> None:
        wait_s = self.every_s if self.first_after_s is None else self.first_after_s
        while not self.stopping.wait(wait_s):
            wait_s = self.every_s
            try:
                self.make_pass()
            except StoreUnavailable:
                continue
            except Exception as error:  # noqa: BLE001 (one bad record must not end the passes)
                log.error(self._failure, reason=type(error).__name__)


def backoff(attempts: int, *, first: timedelta, longest: timedelta) -> timedelta:
    """How long to wait after so many failures in sequence: after each of them twice as long."""
    return min(first * (1 << min(attempts - 1, 30)), longest)


class Lease:
    """A lease on work of one process at a time. Without `renew` another may take it later."""

    def __init__(self, documents: Documents, name: str, *, length: timedelta = LEASE) -> None:
        self._length = length
        self._documents = documents
        self._name = name
        self._holder = new_id()

    def claim(self) -> Document | None:
        """The record of the lease, with what was `reached`; None where another process has it."""
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
        """Keep the lease, perhaps with what was `reached`. False where another process has it."""
        return self._set({**reached, "held_until_at": now() + self._length})

    def release(self, **reached: Any) -> None:
        """Give the lease back, perhaps with what was `reached`."""
        self._set({**reached, "held_until_at": now()})

    def _set(self, fields: Document) -> bool:
        mine = {"id": self._name, "holder": self._holder}
        return self._documents.update(mine, {"$set": fields}) is not None


class Totals(PeriodicThread):
    """Adds numbers up in this process, and writes them together: else every request would change
    the same document, and wait for the others. A process that is killed loses what it has counted
    since it wrote last. Where no thread runs, as in a command or a fork, each is written at once.
    """

    def __init__(self, store: Store) -> None:
        super().__init__("totals", every_s=WRITE_EVERY_S, failure="totals not written")
        self._store = store
        self._lock = threading.Lock()
        self._sums: Sums = {}
        self._running_in: int | None = None

    def add(
        self, collection: str, identifier: str, numbers: Mapping[str, int], facts: Document
    ) -> None:
        """Add to numbers after a transaction, which may run twice. Nothing is raised."""
        sums = {(collection, identifier): (facts, Counter(numbers))}
        if self._running_in == os.getpid():
            self._merge(sums)
        else:
            self._write_or_log(sums)

    def start(self) -> None:
        self._running_in = os.getpid()
        super().start()

    def stop(self) -> None:
        """Write what is left, too."""
        super().stop()
        self._running_in = None
        self._write_or_log(self._taken())

    def make_pass(self) -> None:
        """Write what was added. Where the store refuses, it is kept for the next pass."""
        sums = self._taken()
        try:
            self._write(sums)
        except SkinAPIError:
            self._merge(sums)
            raise

    def _taken(self) -> Sums:
        with self._lock:
            taken, self._sums = self._sums, {}
        return taken

    def _merge(self, sums: Sums) -> None:
        with self._lock:
            for document, (facts, numbers) in sums.items():
                self._sums.setdefault(document, (facts, Counter()))[1].update(numbers)

    def _write_or_log(self, sums: Sums) -> None:
        try:
            self._write(sums)
        except SkinAPIError as error:
            fields = sorted({name for _, numbers in sums.values() for name in numbers})
            log.error("count_lost", fields=fields, code=error.code)

    def _write(self, sums: Sums) -> None:
        if not sums:
            return

        def add_all() -> None:
            for (collection, identifier), (facts, numbers) in sums.items():
                counted = {name: number for name, number in numbers.items() if number}
                ops = {"$inc": counted, "$set": facts}
                self._store.collection(collection).update({"id": identifier}, ops, upsert=True)

        try:
            self._store.transaction(add_all)
        except Duplicate:  # another server has made one of these documents in the meantime
            self._store.transaction(add_all)
