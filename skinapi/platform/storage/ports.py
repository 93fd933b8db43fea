"""The ports of the store: Documents and Blobs, and the Store that holds both. `open_store`
(platform/stores) selects the one of two that implement them.

Filters and update operators are a closed subset of MongoDB's. A document is a dict of JSON values;
field names contain no dots. Three conventions hold everywhere:
- A field whose name ends in `_at` is a UTC datetime.
- A field whose name ends in `_blob` is the key of a blob; `_blobs` is a list of keys.
- A field that is None is the same as a field that is missing.

Filters compare plain values. A value of another type never matches, nor does a list.
A field that is indexed or sorted by holds plain values of one type.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar

Document = dict[str, Any]
Filter = dict[str, Any]
Ops = dict[str, dict[str, Any]]
Encoded = Any  # a document as its store writes it
T = TypeVar("T")


def set_or_remove(fields: Mapping[str, Any]) -> Ops:
    """Set these fields; remove those that are None."""
    kept = {name: value for name, value in fields.items() if value is not None}
    removed = {name: True for name, value in fields.items() if value is None}
    return {word: named for word, named in {"$set": kept, "$unset": removed}.items() if named}


class Documents(Protocol):
    """One collection. Each call is atomic for one document: see `Store.transaction`."""

    def ensure_index(self, *fields: str, unique: bool = False) -> None:
        """Index fields; `unique`: a document with all of them as in another is a Duplicate."""

    def expire_by(self, field: str) -> None:
        """Readers do not see what has expired by this field, and it blocks no unique key."""

    def insert(self, document: Document) -> None:
        """Add a document under its `id`."""

    def insert_many(self, documents: Sequence[Document]) -> None:
        """Insert all. They are durable when it returns; after an error some may have been added."""

    def encode(self, document: Document) -> Encoded:
        """Check a document and encode it before a transaction, for which others wait."""

    def insert_encoded(self, document: Encoded) -> None: ...

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
        """List matching documents, ordered by `sort` ("-field" descends), then by id in that
        direction. A listing sorted by id continues behind the id `after`. With `fields`, such as
        `finding.stated`, each document has only its id and these.
        """

    def count(self, filter: Filter | None = None) -> int: ...

    def count_by(self, field: str, filter: Filter | None = None) -> dict[str, int]:
        """The number of matching documents for each value of a text field."""

    def update(self, filter: Filter, ops: Ops, *, upsert: bool = False) -> Document | None:
        """Change the first match, by id, atomically; return the changed document, or None without a
        match. This is the only way to compare-and-set. With `upsert` and no match, the filter
        becomes a new document; it has only equalities, one of them for the id.
        """

    def update_all(self, filter: Filter, ops: Ops) -> int:
        """Return the number of the matches."""

    def set_each(self, changes: Mapping[str, Document]) -> None:
        """Set fields of each document that has one of these ids."""

    def delete(self, filter: Filter) -> int:
        """Return the number of the matches."""


class Blobs(Protocol):
    """Bytes under keys that the store makes. No two blobs share a key."""

    def put(self, data: bytes) -> str:
        """Store the bytes durably, and return their key."""

    def put_as(self, key: str, data: bytes) -> None:
        """Store the bytes durably under a key that another store has made, unless it is taken."""

    def find(self, key: str) -> bytes | None:
        """Raises BlobDamaged if the bytes do not match the checksum in the key."""

    def name_of(self, key: str) -> str:
        """The file for an operator, who puts one back from a backup."""

    def delete(self, key: str) -> None: ...

    def keys(self) -> Iterator[str]: ...

    def sweep(self) -> None:
        """Remove what interrupted writes left behind."""


class Snapshot(Protocol):
    """All documents as they were at one moment, expired ones included."""

    def collections(self) -> list[str]: ...

    def documents(self, name: str) -> Iterator[Document]:
        """The documents by id. They need memory for some hundred of them."""


class Remnant(StrEnum):
    """Where deleted data may still stand after `Store.scrub`."""

    LOG_IN_USE = "log_in_use"  # a reader, such as a backup, holds SQLite's write-ahead log
    FILE_TOO_LARGE = "file_too_large"  # to be rewritten by the command `scrub`
    DISK_TOO_FULL = "disk_too_full"  # a rewrite needs room for a copy of the file
    FREED_BLOCKS = "freed_blocks"  # MongoDB: free blocks in its files
    JOURNAL = "journal"  # MongoDB
    OPLOG = "oplog"  # MongoDB: the log of the replica set, on each of its members
    COMPACT_REFUSED = "compact_refused"  # MongoDB: the user may not run `compact`
    DISK = "disk"  # what the file system and the disk keep of released blocks


# What a later call may still remove.
FOR_LATER = frozenset({Remnant.LOG_IN_USE, Remnant.FILE_TOO_LARGE, Remnant.DISK_TOO_FULL})


@dataclass(frozen=True, slots=True)
class Scrubbed:
    remains: tuple[Remnant, ...]

    @property
    def complete(self) -> bool:
        return FOR_LATER.isdisjoint(self.remains)


class Store(Protocol):
    blobs: Blobs

    def collection(self, name: str) -> Documents: ...

    def collections(self) -> list[str]:
        """Empty ones may be among them."""

    @property
    def one_writer(self) -> bool:
        """Whether transactions run one after the other, so that all may change one document."""

    def transaction(self, act: Callable[[], T]) -> T:
        """Run `act`: when this returns, all its writes are durable; if it raises, there are none.

        What `act` reads is of one moment, with its own writes. Where another transaction changes
        what this one writes, `act` runs again, from the beginning: it changes nothing outside the
        store. It may run on another thread, in the caller's context, and should not be slow.
        Blobs are no part of it: put them before, delete them after. A read that decides, of a
        document that `act` does not write, may be outdated by then: let `act` change it too.

        Inside another transaction, `act` is a part of that one. An error of a call of Documents
        ends the transaction, also where `act` catches it.
        """

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Read all documents of one moment, while others write. MongoDB keeps it for minutes."""

    def scrub(self, *, any_size: bool = False) -> Scrubbed:
        """Overwrite what was deleted, as far as the store can. Others wait to write meanwhile."""

    def ping(self) -> None:
        """Raise StoreUnavailable if the store does not answer or takes no writes."""

    def close(self) -> None: ...
