"""Overwrites what was deleted, some minutes after an erasure, and again until it is done."""

import time
from pathlib import Path

from skinapi.base.logs import log
from skinapi.platform.backups.erased_ids import ErasedIds, ErasedIdsFile
from skinapi.platform.storage.background import Lease, PeriodicThread
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Scrubbed, Store

EVERY_S = 60.0
# While a scrub takes its seconds, others wait to write: many erasures share one.
PAUSE_S = 600.0
LAST = "last-scrub"


def scrub_store(store: Store, *, any_size: bool = False) -> Scrubbed:
    """`Store.scrub`; where it was complete, it is noted for each erasure before it."""
    begun_at = now()
    scrubbed = store.scrub(any_size=any_size)
    if scrubbed.complete:
        ErasedIds(store).note_scrubbed(begun_at=begun_at)
    last = {"scrubbed_at": begun_at, "remains": list(scrubbed.remains), "schema": 1}
    store.collection("counters").update({"id": LAST}, {"$set": last}, upsert=True)
    return scrubbed


class Scrubber(PeriodicThread):
    """One process of all servers scrubs at a time; each machine keeps a file of the erased ids."""

    def __init__(self, store: Store, erased: ErasedIds, folder: Path) -> None:
        super().__init__("scrubber", every_s=EVERY_S, failure="not scrubbed")
        self._store, self._erased = store, erased
        self._file = ErasedIdsFile(erased, folder)
        self._lease = Lease(store.collection("leases"), "scrub")
        self._not_before = 0.0

    def make_pass(self) -> None:
        self._file.update()
        # Also once for what was deleted before there were scrubs.
        first = not self._store.collection("counters").get(LAST)
        if time.monotonic() < self._not_before or not (first or self._erased.is_one_waiting()):
            return
        if self._lease.claim() is None:
            return
        try:
            scrubbed = scrub_store(self._store)
        finally:
            self._lease.release()
            self._not_before = time.monotonic() + PAUSE_S
        log.info("scrubbed", complete=scrubbed.complete, remains=list(scrubbed.remains))
