"""Files that are still to be deleted: what a person has deleted is gone, whatever is killed.

A blob is no part of a transaction. So the transaction that deletes a record notes the keys of its
blobs, and they are deleted after it; what an interruption or a disk that is away leaves, a thread
deletes.
"""

from collections.abc import Sequence

from skinapi.errors import StoreUnavailable
from skinapi.logs import log
from skinapi.storage.background.threads import PeriodicThread
from skinapi.storage.ids import now
from skinapi.storage.ports import Store

AT_ONCE = 100
RETRY_EVERY_S = 60.0


class Erasures:
    def __init__(self, store: Store) -> None:
        self._noted = store.collection("erasures")
        self._blobs = store.blobs

    def note(self, keys: Sequence[str]) -> None:
        """Call it in the transaction that deletes the records of these blobs."""
        if keys:
            moment = now()
            self._noted.insert_many(
                [{"id": key, "schema": 1, "created_at": moment} for key in keys]
            )

    def finish(self, keys: Sequence[str]) -> None:
        """Delete the noted blobs, after the transaction. Where that fails, it is done later."""
        try:
            for start in range(0, len(keys), AT_ONCE):
                self._erase(keys[start : start + AT_ONCE])
        except StoreUnavailable:
            log.warning("erased_later", count=len(keys))

    def finish_all(self) -> None:
        """Delete what was left. Raises StoreUnavailable."""
        while noted := self._noted.find(limit=AT_ONCE):
            self._erase([document["id"] for document in noted])

    def _erase(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._blobs.delete(key)
        self._noted.delete({"id": {"$in": list(keys)}})


class ErasureRetry(PeriodicThread):
    """Any process may make a pass; two at once do no harm."""

    def __init__(self, store: Store) -> None:
        super().__init__("erasures", every_s=RETRY_EVERY_S, failure="files not erased")
        self._erasures = Erasures(store)

    def make_pass(self) -> None:
        self._erasures.finish_all()
