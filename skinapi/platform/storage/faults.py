from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import BaseModel, ValidationError

from skinapi.base.errors import BlobDamaged, StoreUnavailable, UnsafeSettings
from skinapi.platform.storage.ids import LONGEST_WRITE, made_at, now
from skinapi.platform.storage.ports import Document, Store

PUT_BACK = "put it back from a backup (docs/operate/backup.md#one-lost-file)"


@dataclass(frozen=True)
class Fault:
    """Without `repair`, `check` can only report it. `gone` is an id that records refer to but
    nothing has. They are deleted only if it was erased; otherwise it may be a damaged id. `lost`
    means that the repair gives up a file that a backup may contain.
    """

    message: str
    repair: Callable[[], object] | None = None
    gone: str | None = None
    lost: bool = False


def document_faults(store: Store, models: Mapping[str, type[BaseModel]]) -> Iterator[Fault]:
    for name, model in models.items():
        for document in _all_documents(store, name):
            try:
                model.model_validate(document)
            except ValidationError as error:
                # Without the values: they may be personal.
                fields = sorted({str(fault["loc"][0]) for fault in error.errors() if fault["loc"]})
                damaged = ", ".join(fields) or "the whole document"
                yield Fault(f"{name} {document['id']}: damaged: {damaged}")


def guarded(subject: str, faults: Iterable[Fault]) -> Iterator[Fault]:
    try:
        yield from faults
    except (StoreUnavailable, UnsafeSettings):
        raise
    except Exception as error:  # noqa: BLE001 (damaged data can break any code that reads it)
        yield Fault(f"the check of {subject} ended at damaged data ({type(error).__name__})")


Lost = Callable[[str, str], object]


def blob_faults(store: Store, lost: Mapping[str, Lost] | None = None) -> Iterator[Fault]:
    """Yield lost, damaged and unreferenced blobs. Reads each blob. `lost` maps a collection to a
    function that repairs records without their file, by id and field; other records only lose the
    reference.
    """
    store.blobs.sweep()
    stored, referenced = set(store.blobs.keys()), set()
    for name in store.collections():
        for document in _all_documents(store, name):
            for field, key in blob_keys(document):
                referenced.add(key)
                file = store.blobs.name_of(key)
                subject = f"{name} {document['id']}: the file of {field} ({file}) is"
                try:
                    gone = store.blobs.find(key) is None
                except BlobDamaged:  # not deleted: it can be restored from a backup
                    yield Fault(f"{subject} damaged; {PUT_BACK}")
                    continue
                if gone and field not in document:  # one part of a larger whole
                    yield Fault(f"{subject} gone; {PUT_BACK}")
                elif gone:
                    note = (lost or {}).get(name) or partial(_clear_reference, store, name)
                    repair = partial(note, document["id"], field)
                    yield Fault(f"{subject} gone", repair, lost=True)
    for key in sorted(stored - referenced):
        # A younger blob may belong to a running request, which stores the record after the blob.
        if made_at(key) < now() - LONGEST_WRITE:
            yield Fault(f"blob {key} belongs to no record", partial(store.blobs.delete, key))


def blob_keys(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for item in value:
            yield from blob_keys(item, path)
        return
    for name, part in value.items() if isinstance(value, dict) else ():
        within = f"{path}.{name}" if path else name
        if name.endswith("_blob"):
            yield within, part
        elif name.endswith("_blobs"):
            yield from ((f"{within}[]", key) for key in part)
        else:
            yield from blob_keys(part, within)


def _all_documents(store: Store, name: str) -> Iterator[Document]:
    after = ""
    while page := store.collection(name).find(after=after or None, limit=500):
        yield from page
        after = page[-1]["id"]


def _clear_reference(store: Store, name: str, identifier: str, field: str) -> None:
    store.collection(name).update(
        {"id": identifier}, {"$unset": {field: True}, "$set": {f"{field}_lost_at": now()}}
    )
