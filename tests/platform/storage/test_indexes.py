"""Unique keys, expiry, and proof that the stores look keys up instead of searching."""

import time
from datetime import timedelta
from pathlib import Path

import pymongo
import pytest
from pymongo.database import Database

from skinapi.base.errors import Duplicate
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Documents, Filter
from skinapi.platform.stores.mongo_store import MongoStore
from skinapi.platform.stores.sqlite_documents import where
from tests.platform.storage.conftest import sqlite_store
from tests.stores.mongod import running_mongod

PAST, FUTURE = now() - timedelta(seconds=1), now() + timedelta(hours=1)


def test_a_unique_key_is_taken_once_and_binds_only_those_that_have_it(documents: Documents) -> None:
    documents.ensure_index("email", unique=True)
    documents.insert({"id": "a", "email": "x@y.z"})
    documents.insert({"id": "b"})
    documents.insert({"id": "c", "email": None})
    documents.insert({"id": "d", "email": "X@y.z"})
    with pytest.raises(Duplicate):
        documents.insert({"id": "e", "email": "x@y.z"})
    documents.delete({"id": "a"})
    documents.insert({"id": "e", "email": "x@y.z"})


def test_a_compound_unique_key_binds_those_that_have_it_whole(documents: Documents) -> None:
    documents.ensure_index("owner", "key", unique=True)
    documents.insert({"id": "a", "owner": "o", "key": "k"})
    documents.insert({"id": "b", "owner": "o", "key": "l"})
    documents.insert({"id": "c", "owner": "p", "key": "k"})
    documents.insert({"id": "d", "owner": "o"})
    documents.insert({"id": "e", "owner": "o"})
    with pytest.raises(Duplicate):
        documents.insert({"id": "f", "owner": "o", "key": "k"})


def test_whole_and_real_numbers_are_one_key(documents: Documents) -> None:
    documents.ensure_index("n", unique=True)
    documents.insert({"id": "a", "n": 1})
    documents.insert({"id": "b", "n": "1"})
    with pytest.raises(Duplicate):
        documents.insert({"id": "c", "n": 1.0})


def test_an_index_is_ensured_as_often_as_one_likes(documents: Documents) -> None:
    for _ in range(2):
        documents.ensure_index("email", unique=True)
        documents.ensure_index("owner", "id")
        documents.expire_by("expires_at")


def test_one_key_is_not_indexed_in_two_ways(real_documents: Documents) -> None:
    real_documents.ensure_index("email", unique=True)
    with pytest.raises(ValueError):
        real_documents.ensure_index("email")


def test_an_index_over_two_owners_of_a_key_is_refused(documents: Documents) -> None:
    documents.insert({"id": "a", "email": "x"})
    documents.insert({"id": "b", "email": "x"})
    with pytest.raises(Duplicate):
        documents.ensure_index("email", unique=True)


def test_an_indexed_field_holds_plain_values_only(documents: Documents) -> None:
    documents.ensure_index("tag")
    documents.insert({"id": "a", "tag": "x"})
    for value in (["x"], {"x": 1}):
        with pytest.raises(ValueError):
            documents.insert({"id": "b", "tag": value})
        with pytest.raises(ValueError):
            documents.update({"id": "a"}, {"$set": {"tag": value}})
    assert documents.find() == [{"id": "a", "tag": "x"}]


def test_what_has_expired_is_gone_at_once(documents: Documents) -> None:
    documents.expire_by("expires_at")
    # The expired one is the last: SQLite deletes what has expired before it inserts.
    for identifier, moment in (("b", FUTURE), ("c", None), ("a", PAST)):
        documents.insert({"id": identifier, "expires_at": moment, "kind": "x"})
    assert documents.get("a") is None
    assert [document["id"] for document in documents.find()] == ["b", "c"]
    assert documents.find({"expires_at": {"$lte": PAST}}) == []
    assert documents.find({"expires_at": PAST}) == []
    assert [d["id"] for d in documents.find({"id": {"$in": ["a", "b"]}})] == ["b"]
    assert documents.count() == 2
    assert documents.count_by("kind") == {"x": 2}
    assert documents.update({"id": "a"}, {"$set": {"kind": "y"}}) is None
    assert documents.delete({"id": "a"}) == 0


def test_an_expired_document_does_not_block_a_unique_key(real_documents: Documents) -> None:
    documents = real_documents
    documents.expire_by("expires_at")
    documents.ensure_index("key", unique=True)
    documents.insert({"id": "a", "key": "k", "expires_at": PAST})
    documents.insert({"id": "b", "key": "k", "expires_at": PAST})
    documents.insert({"id": "c"})
    assert documents.update({"id": "c"}, {"$set": {"key": "k", "expires_at": PAST}})
    assert documents.update({"id": "c"}, {"$inc": {"n": 1}}, upsert=True) == {"id": "c", "n": 1}


@pytest.mark.usefixtures("mongo_uri")  # skips without a mongod
def test_what_has_expired_leaves_the_disk_too() -> None:
    client: pymongo.MongoClient[Document]
    with running_mongod(expires=True) as server, pymongo.MongoClient(server.uri) as client:
        documents = MongoStore(client["expiry"]).collection("things")
        documents.expire_by("expires_at")
        documents.insert({"id": "a", "expires_at": PAST})
        deadline = time.monotonic() + 90
        while client["expiry"]["things"].count_documents({}) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert client["expiry"]["things"].count_documents({}) == 0


FILTERS: list[Filter] = [
    {"email": "x@y.z"},
    {"email": {"$in": ["x@y.z", "y@y.z"]}},
    {"owner": "o", "key": "k"},
]


@pytest.mark.parametrize("filter", FILTERS)
def test_sqlite_looks_a_unique_key_up(tmp_path: Path, filter: Filter) -> None:
    store = sqlite_store(tmp_path)
    documents = store.collection("things")
    documents.ensure_index("email", unique=True)
    documents.ensure_index("owner", "key", unique=True)
    documents.find()  # EXPLAIN alone does not notice that another connection has added an index
    condition, values = where(filter)
    with store.reading() as connection:
        plan = connection.execute(
            f"EXPLAIN QUERY PLAN SELECT doc FROM things WHERE {condition}", values
        ).fetchall()
    assert "SEARCH things USING INDEX things." in str(plan)
    store.close()


@pytest.mark.parametrize(
    ("filter", "parsed"),
    [
        ({"owner": "o"}, 0),
        ({"owner": "o", "number": {"$gt": 3}}, 0),
        ({"owner": "o", "number": {"$in": [2, 7]}}, 0),
        ({"owner": {"$gte": "o"}}, 0),
        ({"made_at": {"$lt": FUTURE}}, 0),
        ({"owner": "o", "number": {"$gte": 0}}, 2),  # 0 and 1, which could be false and true
        ({"owner": "[1]"}, 1),  # which could be a list
    ],
)
def test_sqlite_counts_from_the_index_alone(tmp_path: Path, filter: Filter, parsed: int) -> None:
    store = sqlite_store(tmp_path)
    documents = store.collection("things")
    for fields in (("owner", "number", "id"), ("made_at", "id")):
        documents.ensure_index(*fields)
    documents.insert({"id": "a", "owner": "[1]"})
    for number in range(10):
        thing = {"id": f"n{number}", "owner": "o", "number": number, "made_at": PAST}
        documents.insert(thing)
    types: list[str] = []
    with store.reading() as connection:
        connection.create_scalar_function("json_type", lambda *asked: types.append(asked[1]))
        documents.count(filter)
    assert len(types) == parsed
    store.close()


@pytest.mark.parametrize("filter", FILTERS)
def test_mongodb_looks_a_unique_key_up(raw_database: Database[Document], filter: Filter) -> None:
    documents = MongoStore(raw_database).collection("things")
    documents.ensure_index("email", unique=True)
    documents.ensure_index("owner", "key", unique=True)
    plan = raw_database["things"].find(filter).explain()["queryPlanner"]["winningPlan"]
    assert "IXSCAN" in str(plan)
    assert "COLLSCAN" not in str(plan)
