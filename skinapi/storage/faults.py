"""Broken invariants of what is stored: each says what is wrong and how to mend it, if it can be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from skinapi.errors import BlobDamaged
from skinapi.storage.ids import made_at, now
from skinapi.storage.ports import Document, Store

LONGEST_REQUEST = timedelta(hours=1)


@dataclass(frozen=True)
class Fault:
    says: str
    repair: Callable[[], None] | None = None


def blob_faults(store: Store) -> Iterator[Fault]:
    """Records whose blob is gone or damaged, and blobs that no record names any more.

    It reads every blob, for only reading finds damage.
    """
    store.blobs.sweep()
    kept, named = set(store.blobs.keys()), set()
    for name in store.collections():
        for document in _all_of(store, name):
            for field in [field for field in document if field.endswith("_blob")]:
                named.add(document[field])
                says = f"{name} {document['id']}: the file of {field} is"
                try:
                    gone = store.blobs.get(document[field]) is None
                except BlobDamaged:  # a backup may still have it whole
                    yield Fault(f"{says} damaged; restore {document[field]} from a backup")
                    continue
                if gone:
                    strike = partial(_strike, store, name, document["id"], field)
                    yield Fault(f"{says} gone", strike)
    for key in sorted(kept - named):
        if made_at(key) < now() - LONGEST_REQUEST:
            yield Fault(f"blob {key} belongs to no record", partial(store.blobs.delete, key))


def _all_of(store: Store, name: str) -> Iterator[Document]:
    after = None
    while page := store.collection(name).find(after=after, limit=500):
        yield from page
        after = page[-1]["id"]


def _strike(store: Store, name: str, identifier: str, field: str) -> None:
    """The record stays, and says since when its file is lost."""
    store.collection(name).update(
        {"id": identifier}, {"$unset": {field: True}, "$set": {f"{field}_lost_at": now()}}
    )
