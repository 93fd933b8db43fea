import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from skinapi.base.errors import Duplicate, SkinAPIError, StoreUnavailable
from skinapi.base.logs import log
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document, Documents, Store

STOP_S = 5.0
LEASE = timedelta(seconds=30)
# By collection and id: the other fields of a document, and what is added to its numbers.
Sums = dict[tuple[str, str], tuple[Document, Counter[str]]]


class Stopping(threading.Event):
    pass


@dataclass(frozen=True, slots=True)
class Task:
    """Periodic work. The first run is after `first_after_s`, and each other one `every_s` after the
    end of the previous one. An error is logged as `failure`, unless the store is down. `at_stop` is
    called when the process ends.
    """

    name: str
    every_s: float
    run: Callable[[], object]
    failure: str
    first_after_s: float | None = None  # None: `every_s`
    at_stop: Callable[[], object] | None = None


class Scheduler:
    """Each task has its own permanent thread, because a thread has a connection to the store."""

    def __init__(self, tasks: Iterable[Task], stopping: Stopping) -> None:
        self.tasks = {task.name: task for task in tasks}
        self._stopping = stopping
        self._threads = [
            threading.Thread(target=self._repeat, args=(task,), name=task.name, daemon=True)
            for task in self.tasks.values()
        ]

    def start(self) -> None:
        """Call it in the process that serves: threads do not survive a fork."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        until = time.monotonic() + STOP_S
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, until - time.monotonic()))
        for task in self.tasks.values():
            if task.at_stop:
                _run_or_log(task.at_stop, task.failure)

    def run(self, name: str) -> None:
        self.tasks[name].run()

    def _repeat(self, task: Task) -> None:
        pause = task.every_s if task.first_after_s is None else task.first_after_s
        while not self._stopping.wait(pause):
            _run_or_log(task.run, task.failure)
            pause = task.every_s


def _run_or_log(run: Callable[[], object], failure: str) -> None:
    try:
        run()
    except StoreUnavailable:
        pass  # it says so itself
    except Exception as error:  # noqa: BLE001 (one bad record must not end the passes)
        log.error(failure, reason=type(error).__name__)


def backoff(attempts: int, *, first: timedelta, longest: timedelta) -> timedelta:
    return min(first * (1 << min(attempts - 1, 30)), longest)


class Lease:
    def __init__(self, documents: Documents, name: str, *, length: timedelta = LEASE) -> None:
        self._length = length
        self._documents = documents
        self._name = name
        self._holder = new_id()

    def claim(self) -> Document | None:
        while (lease := self._documents.get(self._name)) is None:
            free = {"id": self._name, "schema": 1, "created_at": now(), "held_until_at": now()}
            with suppress(Duplicate):
                self._documents.insert(free)
        if now() < lease["held_until_at"]:
            return None
        unchanged = {"id": self._name, "held_until_at": lease["held_until_at"]}
        claimed = {"holder": self._holder, "held_until_at": now() + self._length}
        return self._documents.update(unchanged, {"$set": claimed})

    def renew(self, **reached: Any) -> bool:
        return self._set({**reached, "held_until_at": now() + self._length})

    def release(self, **reached: Any) -> None:
        self._set({**reached, "held_until_at": now()})

    def _set(self, fields: Document) -> bool:
        mine = {"id": self._name, "holder": self._holder}
        return self._documents.update(mine, {"$set": fields}) is not None


class Totals:
    """Adds up counters in this process and writes them together. Otherwise every request would
    change the same document and wait for others. A killed process loses the counts since its last
    write. Until `write_collected` is first called, as in a command or a fork, each count is written
    at once.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._sums: Sums = {}
        self._collects_in: int | None = None

    def add(
        self, collection: str, identifier: str, numbers: Mapping[str, int], facts: Document
    ) -> None:
        """Add to counters. Call it after a transaction, which may run twice. Never raises. If the
        document does not exist, it is created from `facts`, which include `created_at`.
        """
        sums = {(collection, identifier): (facts, Counter(numbers))}
        if self._collects_in == os.getpid():
            self._merge(sums)
        else:
            self._write_or_log(sums)

    def stop(self) -> None:
        self._collects_in = None
        self._write_or_log(self._taken())

    def write_collected(self) -> None:
        self._collects_in = os.getpid()
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
                made = "created_at" in facts
                self._store.collection(collection).update({"id": identifier}, ops, upsert=made)

        try:
            self._store.transaction(add_all)
        except Duplicate:  # another server has made one of these documents in the meantime
            self._store.transaction(add_all)
