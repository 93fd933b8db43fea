"""Documents in MongoDB. A document's `id` is stored as `_id`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import pymongo
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from skinapi.platform.storage.documents import (
    Unparsed,
    checked_document,
    checked_filter,
    ordering,
    pick_fields,
    require_expiry,
    require_id,
    require_listing,
    require_name,
    require_ops,
    require_text_field,
    require_upsert,
)
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Encoded, Filter, Ops
from skinapi.platform.stores.mongo_transactions import (
    INDEXING_S,
    MongoTransactions,
    with_longer_timeout,
)
from skinapi.platform.stores.outage import ErrorContext

NOT_A_LIST = {"$not": {"$type": "array"}}
T = TypeVar("T")


class MongoDocuments:
    def __init__(
        self,
        collection: Collection[Document],
        error_context: ErrorContext,
        transactions: MongoTransactions,
    ) -> None:
        self._collection = collection
        self._error_context = error_context
        self._transactions = transactions
        self._longer_timeout = partial(with_longer_timeout, collection.database.client)
        self._expiry_field: str | None = None
        self._indexed_fields: set[str] = set()

    def ensure_index(self, *fields: str, unique: bool = False) -> None:
        names = [_mongo_name(require_name(field)) for field in fields]
        options: dict[str, Any] = {}
        if unique:
            # Partial: without it, documents that lack the field would clash as equal nulls.
            has_fields = {name: {"$exists": True} for name in names}
            options = {"unique": True, "partialFilterExpression": has_fields}
        with self._error_context(), self._longer_timeout(INDEXING_S):
            self._collection.create_index([(name, 1) for name in names], **options)
        self._indexed_fields.update(fields)

    def expire_by(self, field: str) -> None:
        require_expiry(field)
        with self._error_context(), self._longer_timeout(INDEXING_S):
            self._collection.create_index(field, expireAfterSeconds=0)
        self._indexed_fields.add(field)
        self._expiry_field = field

    def insert(self, document: Document) -> None:
        self.insert_encoded(self.encode(document))

    def insert_many(self, documents: Sequence[Document]) -> None:
        kept = [*map(self.encode, documents)]
        with self._calling() as session, self._longer_timeout():
            self._collection.insert_many(kept, ordered=False, session=session)

    def encode(self, document: Document) -> Encoded:
        return _to_mongo(checked_document(document, self._indexed_fields))

    def insert_encoded(self, document: Encoded) -> None:
        with self._calling() as session:
            self._retry_on_duplicate(lambda: self._collection.insert_one(document, session=session))

    def get(self, identifier: str) -> Document | None:
        documents = self.find({"id": require_id(identifier)}, limit=1)
        return documents[0] if documents else None

    def find(
        self,
        filter: Filter | None = None,
        *,
        sort: str = "id",
        after: str | None = None,
        limit: int | None = None,
        fields: Sequence[str] | None = None,
    ) -> list[Document]:
        require_listing(limit, fields)
        query = self._query(filter)
        order = _order(sort, after)
        # To MongoDB a limit of 0 means no limit.
        if limit == 0:
            return []
        if after is not None:
            past_after = {"_id": {"$lt" if order[-1][1] < 0 else "$gt": after}}
            query = {"$and": [query, past_after]}
        with self._calling() as session, self._longer_timeout() if limit is None else nullcontext():
            projection = None if fields is None else dict.fromkeys((*fields, "_id"), 1)
            # All in one answer: without a batch size the first one has 101 documents.
            size = {"limit": limit or 0, "batch_size": limit or 0}
            cursor = self._collection.find(query, projection, sort=order, **size, session=session)
            documents = [_from_mongo(document) for document in cursor]
        if fields is None:
            return documents
        return [pick_fields(document, fields) for document in documents]

    def count(self, filter: Filter | None = None) -> int:
        with self._calling() as session:
            return self._collection.count_documents(self._query(filter), session=session)

    def count_by(self, field: str, filter: Filter | None = None) -> dict[str, int]:
        name = _mongo_name(require_text_field(field))
        texts = {name: {"$type": "string", **NOT_A_LIST}}
        stages: list[dict[str, Any]] = [
            {"$match": {"$and": [self._query(filter), texts]}},
            {"$group": {"_id": f"${name}", "many": {"$sum": 1}}},
        ]
        with self._calling() as session:
            rows = self._collection.aggregate(stages, session=session)
            return {row["_id"]: row["many"] for row in rows}

    def update(self, filter: Filter, ops: Ops, *, upsert: bool = False) -> Document | None:
        require_ops(ops, self._indexed_fields)
        if upsert:
            require_upsert(filter)
        with self._calling() as session:
            changed = self._retry_on_duplicate(
                lambda: self._collection.find_one_and_update(
                    self._query(filter),
                    ops,
                    sort=_order("id", None),
                    upsert=upsert,
                    return_document=pymongo.ReturnDocument.AFTER,
                    session=session,
                ),
                upsert=upsert,
            )
        return _from_mongo(changed) if changed else None

    def update_all(self, filter: Filter, ops: Ops) -> int:
        require_ops(ops, self._indexed_fields)
        with self._calling() as session, self._longer_timeout():
            changed = self._collection.update_many(self._query(filter), ops, session=session)
        return changed.matched_count

    def set_each(self, changes: Mapping[str, Document]) -> None:
        for fields in changes.values():
            require_ops({"$set": fields}, self._indexed_fields)
        orders = [
            pymongo.UpdateOne(self._query({"id": identifier}), {"$set": fields})
            for identifier, fields in changes.items()
        ]
        if orders:
            with self._calling() as session, self._longer_timeout():
                self._collection.bulk_write(orders, ordered=False, session=session)

    def delete(self, filter: Filter) -> int:
        with self._calling() as session, self._longer_timeout():
            return self._collection.delete_many(self._query(filter), session=session).deleted_count

    @contextmanager
    def _calling(self) -> Iterator[ClientSession | None]:
        opened = self._transactions.open
        if opened is None:
            with self._error_context():
                yield None
        else:
            with opened.noted_failure(), self._error_context():
                yield opened.session

    def _query(self, filter: Filter | None) -> Filter:
        plain = {"id", *self._indexed_fields}
        query = {
            _mongo_name(field): _condition(condition, may_be_list=field not in plain)
            for field, condition in checked_filter(filter).items()
        }
        if not (expires := self._expiry_field):
            return query
        return {"$and": [query, {"$or": [{expires: None}, {expires: {"$gt": now()}}]}]}

    def _retry_on_duplicate(self, attempt: Callable[[], T], *, upsert: bool = False) -> T:
        """Run `attempt`; after a duplicate key, run it once more if that can help.

        If an expired document holds the key, it is deleted first. If another upsert has created the
        same id, the second attempt updates that document.
        """
        try:
            return attempt()
        except DuplicateKeyError:
            if opened := self._transactions.open:  # which is over; it is run again without them
                opened.make_room = self._delete_expired if self._expiry_field else None
                raise
            if self._expiry_field:
                # Retried also if this deletes none: MongoDB's own expiry may have deleted it first.
                self._delete_expired()
            elif not upsert:
                raise
            return attempt()

    def _delete_expired(self) -> None:
        with self._error_context():
            self._collection.delete_many({self._expiry_field or "": {"$lte": now()}})


def _order(sort: str, after: str | None) -> list[tuple[str, int]]:
    field, descends = ordering(sort, after)
    direction = -1 if descends else 1
    return [("_id", direction)] if field == "id" else [(field, direction), ("_id", direction)]


def _mongo_name(field: str) -> str:
    return "_id" if field == "id" else field


def _to_mongo(document: Document) -> Document:
    return {
        _mongo_name(field): value.stored if isinstance(value, Unparsed) else value
        for field, value in document.items()
    }


def _from_mongo(document: Document) -> Document:
    return {
        "id" if field == "_id" else field: _read(field, value) for field, value in document.items()
    }


def _read(field: str, value: Any) -> Any:
    """Only a datetime is a time: a record would accept a number as one."""
    if field.endswith("_at") and not isinstance(value, datetime | None):
        return Unparsed(value)
    return value


def _condition(condition: Any, *, may_be_list: bool) -> Any:
    """Make the condition never match a list: MongoDB also compares with each of its items.
    https://www.mongodb.com/docs/manual/tutorial/query-arrays/
    """
    if not may_be_list:
        return condition
    comparisons = condition if isinstance(condition, dict) else {"$eq": condition}
    return {**comparisons, **NOT_A_LIST}
