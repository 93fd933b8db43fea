"""Totals that are added up in memory, and written every few seconds.

A document of totals is one that every request would change, so all of them would wait for each
other. A process that is killed loses what it has counted since it wrote last.
"""

import os
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from skinapi.errors import Duplicate, SkinAPIError
from skinapi.logs import log
from skinapi.storage.background import PeriodicThread
from skinapi.storage.ports import Document, Store

WRITE_EVERY_S = 2.0
DocumentKey = tuple[str, str]


@dataclass
class _Sums:
    """What is added to one document, and the fields that it has besides."""

    facts: Document
    numbers: Counter[str] = field(default_factory=Counter)


class Totals(PeriodicThread):
    """While its thread runs, numbers are added up in this process and written together; where none
    runs, as in a command or after a fork, each is written at once.
    """

    def __init__(self, store: Store) -> None:
        super().__init__("totals", every_s=WRITE_EVERY_S, failure="totals not written")
        self._store = store
        self._lock = threading.Lock()
        self._sums: dict[DocumentKey, _Sums] = {}
        self._running_in: int | None = None

    def add(
        self, collection: str, identifier: str, numbers: Mapping[str, int], facts: Document
    ) -> None:
        """Add to the numbers of a document, which is made with these facts where there is none.

        It raises nothing: what is counted is done already, and must not fail because of it. Call it
        after a transaction, not inside: that may run twice.
        """
        sums = {(collection, identifier): _Sums(facts, Counter(numbers))}
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

    def _taken(self) -> dict[DocumentKey, _Sums]:
        with self._lock:
            taken, self._sums = self._sums, {}
        return taken

    def _merge(self, sums: Mapping[DocumentKey, _Sums]) -> None:
        with self._lock:
            for document, added in sums.items():
                kept = self._sums.setdefault(document, _Sums(added.facts))
                kept.numbers.update(added.numbers)

    def _write_or_log(self, sums: Mapping[DocumentKey, _Sums]) -> None:
        try:
            self._write(sums)
        except SkinAPIError as error:
            fields = sorted({name for added in sums.values() for name in added.numbers})
            log.error("count_lost", fields=fields, code=error.code)

    def _write(self, sums: Mapping[DocumentKey, _Sums]) -> None:
        if not sums:
            return
        add_all = partial(self._add_all, sums)
        try:
            self._store.transaction(add_all)
        except Duplicate:  # another server has made one of these documents in the meantime
            self._store.transaction(add_all)

    def _add_all(self, sums: Mapping[DocumentKey, _Sums]) -> None:
        for (collection, identifier), added in sums.items():
            numbers = {name: number for name, number in added.numbers.items() if number}
            ops = {"$inc": numbers, "$set": added.facts}
            self._store.collection(collection).update({"id": identifier}, ops, upsert=True)
