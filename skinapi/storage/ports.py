"""The two ports of the store. Filter and operator words are MongoDB's, as a closed subset.

A document is a flat-named dict of JSON values. Three conventions hold everywhere:
a field ending in `_at` is a UTC datetime, a field ending in `_blob` is a blob's key,
and a field that is None is a field that is not there.

Filters compare plain values: one of another type never matches, and a list answers to
`$exists` alone. A field that is indexed or sorted by holds plain values of one type.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

Document = dict[str, Any]
Filter = dict[str, Any]
Ops = dict[str, dict[str, Any]]
T = TypeVar("T")


class Documents(Protocol):
    """One collection. Every call is atomic for one document; nothing spans two."""

    def ensure_index(self, *fields: str, unique: bool = False) -> None:
        """Index these fields; unique among the documents that have them all. Raises Duplicate."""

    def expire_by(self, field: str) -> None:
        """A document whose `field` has passed is gone: at once for readers, soon from the disk.

        One without the field stays. What is gone stands in the way of no unique key.
        """

    def insert(self, document: Document) -> None:
        """Add a document under its `id`. Raises Duplicate."""

    def get(self, identifier: str) -> Document | None: ...

    def find(
        self,
        filter: Filter | None = None,
        *,
        sort: str = "id",
        after: str | None = None,
        limit: int | None = None,
        fields: Sequence[str] | None = None,
    ) -> list[Document]:
        """Matching documents by `sort` ("-field" descends), ties by id the same way.

        `after` continues a listing sorted by id behind that id. With `fields` each document has its
        id and these alone: a dict's own field is `finding.stated`, and of a list there is all or
        nothing.
        """

    def count(self, filter: Filter | None = None) -> int: ...

    def count_by(self, field: str, filter: Filter | None = None) -> dict[str, int]:
        """How many matching documents carry each value of a text field."""

    def update(
        self,
        filter: Filter,
        ops: Ops,
        *,
        sort: str = "id",
        upsert: bool = False,
    ) -> Document | None:
        """Change the first match atomically and return it as it became; None without a match.

        The only way to claim or to compare-and-set. With `upsert` the filter's equalities,
        which must name an id, become a new document. Raises Duplicate.
        """

    def delete(self, filter: Filter) -> int:
        """Remove every match; how many went."""


class Blobs(Protocol):
    """Bytes under keys the store hands out. A key is never shared, so erasing one erases it."""

    def put(self, data: bytes) -> str:
        """Keep the bytes durably and answer their key."""

    def get(self, key: str) -> bytes | None:
        """The bytes, checked against the key; None if there are none. Raises BlobDamaged.

        A text that no store ever handed out as a key is a ValueError, here and in `delete`.
        """

    def delete(self, key: str) -> None: ...

    def keys(self) -> Iterator[str]: ...

    def sweep(self) -> None:
        """Drop what interrupted writes left behind."""


class Store(Protocol):
    blobs: Blobs

    def collection(self, name: str) -> Documents: ...

    def collections(self) -> list[str]:
        """The names of all that hold a document, and maybe of some that are empty."""

    def together(self, act: Callable[[], T]) -> T:
        """What `act` returns, once all that it wrote is durable: for writes of which none is
        acknowledged before the last.

        Each still succeeds or fails by itself, and what is written before an error stays; but where
        the store can, they wait for the disk once, and a crash in between leaves none of them.
        `act` may run on another thread, in the caller's context; it should do nothing that is slow.
        """

    def ping(self) -> None:
        """Raises StoreUnavailable unless the store answers."""

    def close(self) -> None: ...
