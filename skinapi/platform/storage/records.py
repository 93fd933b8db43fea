from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from skinapi.base.errors import Duplicate, IdempotencyKeyReused, NotFound
from skinapi.base.pages import Page, PageRequest, page_of
from skinapi.base.stored_record import StoredRecord
from skinapi.platform.storage.documents import UNSTORABLE, walk_by_id
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import (
    Document,
    Encoded,
    Filter,
    Store,
    set_or_remove,
)
from skinapi.platform.storage.unreadable import read_each, read_one, read_others

R = TypeVar("R", bound=StoredRecord)
V = TypeVar("V", bound=StoredRecord)
T = TypeVar("T")
P = ParamSpec("P")


class Repository(Generic[R]):
    """The base class of a repository, which declares its collection, record class and indexes.

    class Letters(Repository[Letter]):
        collection, record = "letters", Letter
        indexes = (("submission", "id"), ("doctor", "id"))

        def list_of(self, finding: str) -> list[Letter]:
            return self._list({"submission": finding})
    """

    collection: str
    record: type[R]
    indexes: tuple[tuple[str, ...], ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    # The field by which documents expire.
    expiry: str | None = None
    # The sentence of `get` where there is none.
    missing: str = NotFound.sentence

    def __init__(self, store: Store) -> None:
        self._store = store
        self._documents = store.collection(self.collection)
        for fields in self.unique:
            self._documents.ensure_index(*fields, unique=True)
        for fields in self.indexes:
            self._documents.ensure_index(*fields)
        if self.expiry:
            self._documents.expire_by(self.expiry)

    def forget_over(self) -> None:
        self._documents.delete({"expires_at": {"$lte": now()}})

    def insert(self, record: R, /, **more: Any) -> R:
        self._documents.insert_encoded(self.encode(record, **more))
        return record

    def encode(self, record: R, /, **more: Any) -> Encoded:
        return self._documents.encode({**record.stored(), **more, "schema": 1})

    def find(self, identifier: str, /) -> R | None:
        known = not UNSTORABLE.search(identifier)
        return self._read(self._documents.get(identifier) if known else None)

    def get(self, identifier: str, /) -> R:
        record = self.find(identifier)
        if record is None:
            raise NotFound(self.missing)
        return record

    def _read(self, document: Document | None) -> R | None:
        return self._as_record(document) if document else None

    def _as_record(self, document: Document) -> R:
        return read_one(self.collection, document, self.record.model_validate)

    def _read_each(self, documents: Iterable[Document]) -> list[R]:
        return self._read_each_as(self.record, documents)

    def _read_each_as(self, record: type[V], documents: Iterable[Document]) -> list[V]:
        return [*read_each(self.collection, documents, record.model_validate)]

    def _first(self, wanted: Filter, *, sort: str = "id") -> R | None:
        documents = self._documents.find(wanted, sort=sort, limit=1)
        return self._read(documents[0] if documents else None)

    def _list(
        self,
        wanted: Filter | None = None,
        *,
        sort: str = "id",
        limit: int | None = None,
        fields: Sequence[str] | None = None,
    ) -> list[R]:
        found = self._documents.find(wanted, sort=sort, limit=limit, fields=fields)
        return self._read_each(found)

    def _page(
        self,
        wanted: Filter,
        paging: PageRequest,
        *,
        newest_first: bool = False,
        fields: Sequence[str] | None = None,
    ) -> Page[R]:
        sort = "-id" if newest_first else "id"
        found = self._documents.find(
            wanted, sort=sort, after=paging.after, limit=paging.limit + 1, fields=fields
        )
        return page_of(found, paging).map_all(self._read_each)

    def walk_all(self, *, newest_first: bool = False) -> Iterator[R]:
        """Damaged records are skipped. The caller may delete records meanwhile."""
        found = walk_by_id(self._documents, sort="-id" if newest_first else "id")
        return read_others(self.collection, found, self.record.model_validate)

    def _by_key(self, key: str | None, request_hash: str | None = None, **owner: str) -> R | None:
        found = self._first({**owner, "idempotency_key": key}) if key is not None else None
        if found and request_hash and getattr(found, "request_hash", None) != request_hash:
            raise IdempotencyKeyReused
        return found

    def _gone(self, field: str, stays: Callable[[str], bool]) -> list[str]:
        return [value for value in sorted(self._documents.count_by(field)) if not stays(value)]

    def _change(self, wanted: Filter, /, **fields: Any) -> R | None:
        return self._read(self._documents.update(wanted, set_or_remove(fields)))


def find_or_make(find: Callable[[], T | None], make: Callable[[], T]) -> T:
    """Return what an earlier request with the same key created, or create it. Of two concurrent
    requests, the second gets a Duplicate from `make` and returns the result of the first.
    """
    if before := find():
        return before
    try:
        return make()
    except Duplicate:
        if before := find():
            return before
        raise


def changes_between(before: R, after: R) -> Document:
    old, new = before.stored(), after.stored()
    names = [name for name in {**old, **new} if new.get(name) != old.get(name)]
    return {name: new.get(name) for name in names}


S = TypeVar("S", bound=Repository[Any])


def in_transaction(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    @wraps(method)
    def run(records: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return records._store.transaction(lambda: method(records, *args, **kwargs))

    return run
