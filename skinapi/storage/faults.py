"""Broken invariants in the store, each with a description and, if possible, a repair."""

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
    """A broken invariant. Without `repair`, `check` can only report it."""

    says: str
    repair: Callable[[], None] | None = None


def blob_faults(store: Store) -> Iterator[Fault]:
    """Yield records whose blob is missing or damaged, and blobs that no record refers to.

    Reads every blob, because damage is found only by reading. Also removes what interrupted blob
    writes left behind.
    """
    store.blobs.sweep()
    stored, referenced = set(store.blobs.keys()), set()
    for name in store.collections():
        for document in _all_documents(store, name):
            for field in [field for field in document if field.endswith("_blob")]:
                referenced.add(document[field])
                subject = f"{name} {document['id']}: the file of {field} is"
                try:
                    gone = store.blobs.get(document[field]) is None
                except BlobDamaged:  # not deleted: it can be restored from a backup
                    yield Fault(f"{subject} damaged; restore {document[field]} from a backup")
                    continue
                if gone:
                    repair = partial(_clear_reference, store, name, document["id"], field)
                    yield Fault(f"{subject} gone", repair)
    for key in sorted(stored - referenced):
        # A younger blob may belong to a running request, which stores the record after the blob.
        if made_at(key) < now() - LONGEST_REQUEST:
            yield Fault(f"blob {key} belongs to no record", partial(store.blobs.delete, key))


def _all_documents(store: Store, name: str) -> Iterator[Document]:
    after = None
    while page := store.collection(name).find(after=after, limit=500):
        yield from page
        after = page[-1]["id"]


def _clear_reference(store: Store, name: str, identifier: str, field: str) -> None:
    """Remove the reference to the lost blob, and set `<field>_lost_at` to now."""
    store.collection(name).update(
        {"id": identifier}, {"$unset": {field: True}, "$set": {f"{field}_lost_at": now()}}
    )
