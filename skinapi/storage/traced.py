"""A store whose calls are spans of the trace that is under way: by method and collection, never
with what was asked or found.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from skinapi import tracing
from skinapi.storage.ports import Blobs, Document, Documents, Filter, Ops, Snapshot, Store

T = TypeVar("T")


def traced(store: Store) -> Store:
    """The same store, where traces are on with spans."""
    return TracedStore(store) if tracing.is_on() else store


def _span(method: str, collection: str) -> AbstractContextManager[None]:
    attributes = {"db.operation.name": method, "db.collection.name": collection}
    return tracing.span(f"{method} {collection}", **attributes)


class TracedStore:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.blobs: Blobs = TracedBlobs(store.blobs)

    def collection(self, name: str) -> Documents:
        return TracedDocuments(self._store.collection(name), name)

    def collections(self) -> list[str]:
        return self._store.collections()

    @property
    def one_writer(self) -> bool:
        return self._store.one_writer

    def transaction(self, act: Callable[[], T]) -> T:
        with tracing.span("transaction"):
            return self._store.transaction(act)

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        return self._store.snapshot()

    def ping(self) -> None:
        self._store.ping()

    def close(self) -> None:
        self._store.close()


class TracedDocuments:
    def __init__(self, documents: Documents, name: str) -> None:
        self._documents, self._name = documents, name

    def ensure_index(self, *fields: str, unique: bool = False) -> None:
        self._documents.ensure_index(*fields, unique=unique)

    def expire_by(self, field: str) -> None:
        self._documents.expire_by(field)

    def insert(self, document: Document) -> None:
        with _span("insert", self._name):
            self._documents.insert(document)

    def insert_many(self, documents: Sequence[Document]) -> None:
        with _span("insert_many", self._name):
            self._documents.insert_many(documents)

    def get(self, identifier: str) -> Document | None:
        with _span("get", self._name):
            return self._documents.get(identifier)

    def find(self, *given: Any, **options: Any) -> list[Document]:
        with _span("find", self._name):
            return self._documents.find(*given, **options)

    def count(self, filter: Filter | None = None) -> int:
        with _span("count", self._name):
            return self._documents.count(filter)

    def count_by(self, field: str, filter: Filter | None = None) -> dict[str, int]:
        with _span("count_by", self._name):
            return self._documents.count_by(field, filter)

    def update(self, *given: Any, **options: Any) -> Document | None:
        with _span("update", self._name):
            return self._documents.update(*given, **options)

    def update_all(self, filter: Filter, ops: Ops) -> int:
        with _span("update_all", self._name):
            return self._documents.update_all(filter, ops)

    def set_each(self, changes: Mapping[str, Document]) -> None:
        with _span("set_each", self._name):
            self._documents.set_each(changes)

    def delete(self, filter: Filter) -> int:
        with _span("delete", self._name):
            return self._documents.delete(filter)


class TracedBlobs:
    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def put(self, data: bytes) -> str:
        with _span("put", "blobs"):
            return self._blobs.put(data)

    def put_as(self, key: str, data: bytes) -> None:
        with _span("put_as", "blobs"):
            self._blobs.put_as(key, data)

    def get(self, key: str) -> bytes | None:
        with _span("get", "blobs"):
            return self._blobs.get(key)

    def delete(self, key: str) -> None:
        with _span("delete", "blobs"):
            self._blobs.delete(key)

    def keys(self) -> Iterator[str]:
        return self._blobs.keys()

    def sweep(self) -> None:
        self._blobs.sweep()
