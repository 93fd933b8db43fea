"""Documents in MongoDB: majority writes, journalled; the document's `id` is Mongo's `_id`."""

from collections.abc import Callable, Sequence, Set
from contextlib import nullcontext
from functools import partial
from typing import Any, TypeVar

import pymongo
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import ConfigurationError, DuplicateKeyError

from skinapi.errors import StoreUnavailable, UnsafeSettings
from skinapi.storage.gridfs import GridBlobs
from skinapi.storage.ids import now
from skinapi.storage.mongo_errors import mongo_errors
from skinapi.storage.outage import INDEXING_S, TIMEOUTS, Asking, Outage, with_longer_timeout
from skinapi.storage.ports import Blobs, Document, Filter, Ops
from skinapi.storage.projection import check_fields, pick_fields
from skinapi.storage.validation import (
    check_expiry,
    check_id,
    check_limit,
    check_name,
    check_ops,
    check_text_field,
    check_upsert,
    checked_document,
    ordering,
    unexpired,
)

DATABASE = "skinapi"
DURABLE: dict[str, Any] = {"w": "majority", "journal": True, "tz_aware": True}
NO_LIST = {"$not": {"$type": "array"}}
T = TypeVar("T")


class MongoStore:
    blobs: Blobs

    def __init__(self, database: Database[Document]) -> None:
        self._database = database
        self._collections: dict[str, MongoDocuments] = {}
        self._asking = Outage(mongo_errors).noticed
        self.blobs = GridBlobs(database, self._asking)

    @classmethod
    def at(cls, uri: str) -> "MongoStore":
        """Raises UnsafeSettings for what is no MongoDB address; the server is asked later."""
        try:
            client: pymongo.MongoClient[Document] = pymongo.MongoClient(uri, **DURABLE, **TIMEOUTS)
        except (ConfigurationError, ValueError) as error:
            raise UnsafeSettings("MONGO_URI is not the address of a MongoDB") from error
        return cls(client.get_default_database(DATABASE))

    def collection(self, name: str) -> "MongoDocuments":
        documents = MongoDocuments(self._database[check_name(name)], self._asking)
        return self._collections.setdefault(name, documents)

    def collections(self) -> list[str]:
        with self._asking():
            names = self._database.list_collection_names()
        return sorted(name for name in names if "." not in name)

    def together(self, act: Callable[[], T]) -> T:
        return act()

    def ping(self) -> None:
        """Also where it answers and takes no writes: it has stepped down, or waits for others."""
        with self._asking():
            self._database.command("ping")
            writable = self._database.client.is_primary
        if not writable:
            raise StoreUnavailable

    def close(self) -> None:
        self._database.client.close()


class MongoDocuments:
    def __init__(self, collection: Collection[Document], asking: Asking) -> None:
        self._collection = collection
        self._asking = asking
        self._at_length = partial(with_longer_timeout, collection.database.client)
        self._expires: str | None = None
        self._plain: set[str] = set()

    def ensure_index(self, *fields: str, unique: bool = False) -> None:
        names = [_name(check_name(field)) for field in fields]
        present = {name: {"$exists": True} for name in names}
        options: dict[str, Any] = {"unique": True, "partialFilterExpression": present}
        with self._asking(), self._at_length(INDEXING_S):
            self._collection.create_index(
                [(name, 1) for name in names], **(options if unique else {})
            )
        self._plain.update(fields)

    def expire_by(self, field: str) -> None:
        check_expiry(field)
        with self._asking(), self._at_length(INDEXING_S):
            self._collection.create_index(field, expireAfterSeconds=0)
        self._plain.add(field)
        self._expires = field

    def insert(self, document: Document) -> None:
        kept = _to_mongo(checked_document(document, self._plain))
        with self._asking():
            self._once_more_on_duplicate(lambda: self._collection.insert_one(kept))

    def get(self, identifier: str) -> Document | None:
        found = self.find({"id": check_id(identifier)}, limit=1)
        return found[0] if found else None

    def find(
        self,
        filter: Filter | None = None,
        *,
        sort: str = "id",
        after: str | None = None,
        limit: int | None = None,
        fields: Sequence[str] | None = None,
    ) -> list[Document]:
        check_limit(limit)
        check_fields(fields or ())
        query = self._query(filter)
        way = _order(sort, after)
        if limit == 0:
            return []
        if after is not None:
            beyond = {"_id": {"$lt" if way[-1][1] < 0 else "$gt": after}}
            query = {"$and": [query, beyond]}
        with self._asking(), nullcontext() if limit else self._at_length():
            wanted = None if fields is None else dict.fromkeys((*fields, "_id"), 1)
            cursor = self._collection.find(query, wanted, sort=way, limit=limit or 0)
            found = [_from_mongo(document) for document in cursor]
        return found if fields is None else [pick_fields(document, fields) for document in found]

    def count(self, filter: Filter | None = None) -> int:
        with self._asking():
            return self._collection.count_documents(self._query(filter))

    def count_by(self, field: str, filter: Filter | None = None) -> dict[str, int]:
        name = _name(check_text_field(field))
        texts = {name: {"$type": "string", **NO_LIST}}
        stages: list[dict[str, Any]] = [
            {"$match": {"$and": [self._query(filter), texts]}},
            {"$group": {"_id": f"${name}", "many": {"$sum": 1}}},
        ]
        with self._asking():
            return {row["_id"]: row["many"] for row in self._collection.aggregate(stages)}

    def update(
        self,
        filter: Filter,
        ops: Ops,
        *,
        sort: str = "id",
        upsert: bool = False,
    ) -> Document | None:
        check_ops(ops, self._plain)
        if upsert:
            check_upsert(filter)
        way = _order(sort, None)
        with self._asking():
            changed = self._once_more_on_duplicate(
                lambda: self._collection.find_one_and_update(
                    self._query(filter),
                    {word: changes for word, changes in ops.items() if changes},
                    sort=way,
                    upsert=upsert,
                    return_document=pymongo.ReturnDocument.AFTER,
                ),
                upsert=upsert,
            )
        return _from_mongo(changed) if changed else None

    def delete(self, filter: Filter) -> int:
        with self._asking(), self._at_length():
            return self._collection.delete_many(self._query(filter)).deleted_count

    def _query(self, filter: Filter | None) -> Filter:
        return _in_mongo_words(unexpired(filter, self._expires), self._plain)

    def _once_more_on_duplicate(self, attempt: Callable[[], T], *, upsert: bool = False) -> T:
        """The second try finds what another upsert of the same id made, and nothing expired.

        MongoDB itself may remove the expired at any moment, so that our own count says nothing.
        """
        try:
            return attempt()
        except DuplicateKeyError:
            if self._expires:
                self._collection.delete_many({self._expires: {"$lte": now()}})
            elif not upsert:
                raise
            return attempt()


def _order(sort: str, after: str | None) -> list[tuple[str, int]]:
    field, descends = ordering(sort, after)
    way = -1 if descends else 1
    return [("_id", way)] if field == "id" else [(field, way), ("_id", way)]


def _name(field: str) -> str:
    return "_id" if field == "id" else field


def _to_mongo(document: Document) -> Document:
    return {_name(field): value for field, value in document.items()}


def _from_mongo(document: Document) -> Document:
    return {"id" if field == "_id" else field: value for field, value in document.items()}


def _in_mongo_words(filter: Filter, plain: Set[str]) -> Filter:
    said: Filter = {}
    for field, condition in filter.items():
        if field in ("$or", "$and"):
            said[field] = [_in_mongo_words(branch, plain) for branch in condition]
        else:
            said[_name(field)] = _condition(condition, may_be_list=field not in {"id", *plain})
    return said


def _condition(condition: Any, *, may_be_list: bool) -> Any:
    """MongoDB would look inside a list; the port compares plain values only."""
    words = condition if isinstance(condition, dict) else {"$eq": condition}
    if not may_be_list or words.keys() == {"$exists"}:
        return condition
    return {**words, **NO_LIST}
