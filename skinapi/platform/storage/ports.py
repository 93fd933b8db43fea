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
    kept = {name: value for name, value in fields.items() if value is not None}
    removed = {name: True for name, value in fields.items() if value is None}
    return {word: named for word, named in {"$set": kept, "$unset": removed}.items() if named}


class Documents(Protocol):
    """One collection. Each call is atomic for one document: see `Store.transaction`."""

    def ensure_index(self, *fields: str, unique: bool = False) -> None: ...

    def expire_by(self, field: str) -> None:
        """Documents past the time in this field are invisible to readers and do not block a unique
        key.
        """

    def insert(self, document: Document) -> None: ...

    def insert_many(self, documents: Sequence[Document]) -> None:
        """Durable when it returns. After an error some may have been added."""

    def encode(self, document: Document) -> Encoded:
        """Check and encode a document before a transaction, to keep the transaction short."""

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
        """List matching documents, ordered by `sort` ("-field" descends), then by id in the same
        direction. A listing sorted by id continues after the id `after`. With `fields`, such as
        `finding.stated`, documents have only their id and these.
        """

    def count(self, filter: Filter | None = None) -> int: ...

    def count_by(self, field: str, filter: Filter | None = None) -> dict[str, int]: ...

    def update(self, filter: Filter, ops: Ops, *, upsert: bool = False) -> Document | None:
        """Change the first match, by id, atomically, and return the changed document; None without
        a match. This is the only way to compare-and-set. With `upsert` and no match, the filter,
        which has only equalities and one for the id, becomes a new document.
        """

    def update_all(self, filter: Filter, ops: Ops) -> int: ...

    def set_each(self, changes: Mapping[str, Document]) -> None: ...

    def delete(self, filter: Filter) -> int: ...


class Blobs(Protocol):
    def put(self, data: bytes) -> str: ...

    def put_as(self, key: str, data: bytes) -> None:
        """Store the bytes durably under a key made by another store, unless the key exists."""

    def find(self, key: str) -> bytes | None:
        """Raise BlobDamaged if the bytes do not match the checksum in the key."""

    def name_of(self, key: str) -> str: ...

    def delete(self, key: str) -> None: ...

    def keys(self) -> Iterator[str]: ...

    def sweep(self) -> None: ...


class Snapshot(Protocol):
    """All documents at one moment, including expired ones."""

    def collections(self) -> list[str]: ...

    def documents(self, name: str) -> Iterator[Document]:
        """Ordered by id. Needs memory for a few hundred documents."""


class Remnant(StrEnum):
    """Where deleted data may remain after `Store.scrub`."""

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

    def collections(self) -> list[str]: ...

    @property
    def one_writer(self) -> bool:
        """True if transactions run one after the other, so that all may change one document."""

    def transaction(self, act: Callable[[], T]) -> T:
        """Run `act`: when this returns, all its writes are durable; if it raises, none are.

        `act` reads a consistent snapshot plus its own writes. On a conflict with another
        transaction it runs again from the beginning, so it must change nothing outside of the
        store. It may run on another thread, in the caller's context, and should not be slow.

        Blobs are not part of the transaction: put them before, delete them after. A document that
        `act` reads to decide, but does not write, may be outdated at the commit: let `act` change
        it too. A nested call joins the outer transaction. An error in a call of Documents ends the
        transaction, even if `act` catches it.
        """

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Read all documents at one moment, while others write. MongoDB keeps it for minutes."""

    def scrub(self, *, any_size: bool = False) -> Scrubbed:
        """Overwrite deleted data, as far as the store can. Writers wait meanwhile."""

    def ping(self) -> None: ...

    def close(self) -> None: ...
