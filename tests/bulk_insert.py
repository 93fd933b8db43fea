"""Inserts many documents directly into a store: through the port, a hundred thousand take
minutes.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from skinapi.storage.mongo import MongoStore, _to_mongo
from skinapi.storage.ports import Document, Store
from skinapi.storage.sqlite import SqliteStore
from skinapi.storage.sqlite_json import to_json
from skinapi.storage.validation import checked_document

AT_ONCE = 2000


def fill(store: Store, collection: str, documents: Iterable[Document]) -> None:
    """As `insert` would keep them, in one transaction, or a few thousand a command."""
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


def _as_kept(documents: Iterable[Document]) -> Iterator[Document]:
    """The first is checked: those of one filling are alike, and checking takes most of the time."""
    for number, document in enumerate(documents):
        kept = {field: value for field, value in document.items() if value is not None}
        yield kept if number else checked_document(kept)
