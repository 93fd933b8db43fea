from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pymongo
import pytest
from pymongo.errors import OperationFailure

from skinapi.base.errors import Duplicate, NotFound, StoreUnavailable
from skinapi.platform.storage.ports import Document, Documents, Store
from skinapi.platform.stores import mongo_store, mongo_transactions, outage
from skinapi.platform.stores.mongo_store import MongoStore
from skinapi.platform.stores.sqlite_store import SqliteStore

THREADS, TIMES = 4, 8


@pytest.fixture
def things(store: Store) -> Documents:
    documents = store.collection("things")
    documents.ensure_index("key", unique=True)
    return documents


def ids(documents: Documents) -> list[str]:
    return [document["id"] for document in documents.find()]


def test_all_is_written_and_answered_and_seen_by_the_act_itself(
    store: Store, things: Documents
) -> None:
    others = store.collection("others")

    def act() -> int:
        things.insert({"id": "a", "n": 1})
        others.insert_many([{"id": "b"}, {"id": "c"}])
        changed = things.update({"id": "a"}, {"$inc": {"n": 1}})
        assert changed
        assert others.count() == 2
        assert others.update_all({}, {"$set": {"seen": True}}) == 2
        others.set_each({"b": {"n": 1}, "gone": {"n": 2}})
        assert others.delete({"id": "c"}) == 1
        return int(changed["n"])

    assert store.transaction(act) == 2
    assert things.get("a") == {"id": "a", "n": 2}
    assert others.find() == [{"id": "b", "seen": True, "n": 1}]


def test_an_error_leaves_nothing(store: Store, things: Documents) -> None:
    things.insert({"id": "kept", "n": 1})

    def act() -> None:
        things.insert({"id": "a"})
        things.update({"id": "kept"}, {"$inc": {"n": 1}})
        things.delete({"id": "kept"})
        raise NotFound

    with pytest.raises(NotFound):
        store.transaction(act)
    assert things.find() == [{"id": "kept", "n": 1}]


def test_a_call_that_fails_ends_it_also_where_it_is_caught(store: Store, things: Documents) -> None:
    things.insert({"id": "a", "key": "one"})

    def act() -> None:
        things.insert({"id": "b"})
        with suppress(Duplicate):
            things.insert({"id": "c", "key": "one"})
        with pytest.raises(Duplicate):
            things.insert({"id": "d"})

    with pytest.raises(Duplicate):
        store.transaction(act)
    assert ids(things) == ["a"]


def test_one_inside_another_is_a_part_of_it(store: Store, things: Documents) -> None:
    def joined() -> None:
        assert store.transaction(partial(things.insert, {"id": "a"})) is None
        raise NotFound

    def ended_by_the_inner_one() -> None:
        with suppress(NotFound):
            store.transaction(joined)

    for act in (joined, ended_by_the_inner_one):
        with pytest.raises(NotFound):
            store.transaction(act)
    assert ids(things) == []


def test_others_see_nothing_before_the_end(store: Store, things: Documents) -> None:
    with ThreadPoolExecutor(1) as other:
        assert other.submit(ids, things).result() == []

        def act() -> None:
            things.insert({"id": "a"})
            assert other.submit(ids, things).result() == []

        store.transaction(act)
        assert other.submit(ids, things).result() == ["a"]


def move(things: Documents, source: str, target: str) -> Callable[[], None]:
    def act() -> None:
        taken, given = things.get(source), things.get(target)
        assert taken
        assert given
        things.update({"id": source}, {"$set": {"n": taken["n"] - 1}})
        things.update({"id": target}, {"$set": {"n": given["n"] + 1}})

    return act


def test_what_is_read_and_written_by_many_is_neither_lost_nor_doubled(
    store: Store, things: Documents
) -> None:
    """Some moves take the documents in the opposite order, so two can wait for each other."""
    things.insert_many([{"id": "a", "n": 100}, {"id": "b", "n": 100}])
    turns = [("a", "b"), ("b", "a"), ("a", "b"), ("a", "b")]
    with ThreadPoolExecutor(THREADS) as pool:
        moves = [move(things, *turn) for turn in turns for _ in range(TIMES)]
        for done in [pool.submit(store.transaction, each) for each in moves]:
            done.result()
    counts = {document["id"]: document["n"] for document in things.find()}
    assert counts == {"a": 100 - 2 * TIMES, "b": 100 + 2 * TIMES}


def test_a_commit_whose_first_attempt_was_slow_is_sent_again_and_its_outcome_known(
    monkeypatch: pytest.MonkeyPatch, mongo_database_uri: str
) -> None:
    monkeypatch.setattr(mongo_store, "TIMEOUTS", {"timeoutMS": 2000})
    monkeypatch.setattr(mongo_transactions, "LONGEST_S", 1.9)
    monkeypatch.setattr(outage, "LONG_WAIT_S", 0.1)  # so the circuit breaker is open
    # Other processes of the tests use the server too.
    joint = "&" if "?" in mongo_database_uri else "?"
    store = MongoStore.at(f"{mongo_database_uri}{joint}appName=slow")
    things = store.collection("things")
    things.insert({"id": "before"})
    slow = {"failCommands": ["commitTransaction"], "blockConnection": True, "blockTimeMS": 2500}
    fail = {
        "configureFailPoint": "failCommand",
        "mode": {"times": 1},
        "data": {**slow, "appName": "slow"},
    }
    client: pymongo.MongoClient[Document]
    with pymongo.MongoClient(mongo_database_uri) as client:
        try:
            client.admin.command(fail)
        except OperationFailure:
            pytest.skip("the server of MONGO_URI has no failpoints")
        store.transaction(partial(things.insert, {"id": "a"}))
        kept: list[Document] = [*client.get_default_database()["things"].find()]
        assert sorted(each["_id"] for each in kept) == ["a", "before"]
    store.close()


def test_where_the_commit_fails_nothing_of_it_was_written(sqlite: SqliteStore) -> None:
    documents = sqlite.collection("things")

    def act() -> None:
        documents.insert({"id": "a"})
        sqlite.write(lambda connection: connection.execute("ROLLBACK"))
        with pytest.raises(StoreUnavailable):  # else it would be the only one that is kept
            documents.insert({"id": "b"})

    with pytest.raises(StoreUnavailable):
        sqlite.transaction(act)
    assert documents.find() == []
    documents.insert({"id": "c"})
