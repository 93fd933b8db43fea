"""Inserts documents directly into a store: through the port, a hundred thousand take minutes."""

import os
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain, islice

import apsw
import bson
from bson.raw_bson import RawBSONDocument

from skinapi.platform.storage.documents import checked_document, to_json
from skinapi.platform.storage.ports import Document, Store
from skinapi.platform.stores.mongo_documents import _to_mongo
from skinapi.platform.stores.mongo_store import MongoStore
from skinapi.platform.stores.sqlite_store import SqliteStore

AT_ONCE = 2000


def fill(store: Store, collection: str, documents: Iterable[Document]) -> None:
    """Store them as `insert` would, in one transaction, or with a few thousand per command."""
    store.collection(collection).get("none")  # makes the table where there is none
    kept = _as_kept(documents)
    if isinstance(store, SqliteStore):
        rows = ((document["id"], to_json(document)) for document in kept)
        add = f'INSERT INTO "{collection}" VALUES (?, ?)'
        store.write(lambda connection: connection.executemany(add, rows))
    elif isinstance(store, MongoStore):
        into = store.collection(collection)._collection
        while batch := [_to_mongo(document) for document in islice(kept, AT_ONCE)]:
            into.insert_many(batch, ordered=False)
    else:
        raise TypeError(type(store))


def fill_alike(store: Store, collection: str, alike: Document, each: Iterable[Document]) -> None:
    """Like `fill`, for so many that encoding each would take minutes. `alike` is encoded once, and
    each document adds the fields of one item of `each`, including its id. All items have the fields
    of the first; `alike` must not have any field that only other items have.
    """
    store.collection(collection).get("none")
    own = iter(each)
    first = next(own)
    rest = checked_document({**alike, **first})
    rest = {field: value for field, value in rest.items() if field not in first}
    if isinstance(store, SqliteStore):
        text = to_json(rest)[1:]
        rows = ((item["id"], f"{to_json(item)[:-1]},{text}") for item in chain([first], own))
        add = f'INSERT INTO "{collection}" VALUES (?, ?)'
        while batch := list(islice(rows, AT_ONCE)):
            store.write(partial(_add_rows, add, batch))
    elif isinstance(store, MongoStore):
        # Of the port's own durability, or a read right after it would not see the last ones.
        into = store.collection(collection)._collection
        encoded = bson.encode(rest)[4:]
        raw = (_joined(bson.encode(_to_mongo(item)), encoded) for item in chain([first], own))
        while documents := list(islice(raw, AT_ONCE)):
            into.insert_many(documents, ordered=False)
    else:
        raise TypeError(type(store))


def settle(store: Store) -> None:
    """Return once the inserted documents are on the disk, because pending writes delay readers."""
    if isinstance(store, MongoStore):
        store._database.client.admin.command("fsync")
    os.sync()


def _add_rows(add: str, rows: list[tuple[str, str]], connection: apsw.Connection) -> None:
    connection.executemany(add, rows)


def _joined(first: bytes, rest: bytes) -> RawBSONDocument:
    """Join two documents (https://bsonspec.org). `rest` has no length prefix."""
    elements = first[4:-1] + rest
    return RawBSONDocument((4 + len(elements)).to_bytes(4, "little") + elements)


def _as_kept(documents: Iterable[Document]) -> Iterator[Document]:
    """Only the first is checked: the others are alike, and checking takes most of the time."""
    for number, document in enumerate(documents):
        kept = {field: value for field, value in document.items() if value is not None}
        yield kept if number else checked_document(kept)
