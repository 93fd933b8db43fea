"""Writes that are acknowledged together: each is independent, and SQLite waits for the disk
once.
"""

from contextvars import ContextVar
from pathlib import Path

import pytest

from skinapi.errors import Duplicate, NotFound, StoreUnavailable
from skinapi.storage.ports import Store
from tests.storage.conftest import sqlite_store

WHO: ContextVar[str] = ContextVar("who", default="nobody")


def test_what_is_written_together_is_there_and_answered(store: Store) -> None:
    documents, others = store.collection("things"), store.collection("others")

    def act() -> int:
        documents.insert({"id": "a", "n": 1})
        others.insert({"id": "b"})
        changed = documents.update({"id": "a"}, {"$inc": {"n": 1}})
        assert changed
        assert others.count() == 1
        return int(changed["n"])

    assert store.together(act) == 2
    assert documents.get("a") == {"id": "a", "n": 2}
    assert others.get("b")


def test_what_was_written_before_an_error_stays(store: Store) -> None:
    documents = store.collection("things")

    def act() -> None:
        documents.insert({"id": "a"})
        raise NotFound

    with pytest.raises(NotFound):
        store.together(act)
    assert documents.get("a")


def test_a_write_that_is_refused_stops_none_of_the_others(store: Store) -> None:
    documents = store.collection("things")
    documents.ensure_index("key", unique=True)

    def act() -> str:
        documents.insert({"id": "a", "key": "one"})
        with pytest.raises(Duplicate):
            documents.insert({"id": "b", "key": "one"})
        documents.insert({"id": "c", "key": "two"})
        return store.together(lambda: "joined")

    assert store.together(act) == "joined"
    assert [document["id"] for document in documents.find()] == ["a", "c"]


def test_an_act_runs_in_its_callers_context(store: Store) -> None:
    WHO.set("Ada")
    assert store.together(WHO.get) == "Ada"


def test_where_the_commit_fails_nothing_of_it_was_written(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path)
    documents = store.collection("things")

    def act() -> None:
        documents.insert({"id": "a"})
        store.write(lambda connection: connection.execute("ROLLBACK"))

    with pytest.raises(StoreUnavailable):
        store.together(act)

    def go_on() -> None:
        with pytest.raises(StoreUnavailable):
            act()
        with pytest.raises(StoreUnavailable):  # else it would be the only one that is kept
            documents.insert({"id": "b"})

    with pytest.raises(StoreUnavailable):
        store.together(go_on)
    assert documents.find() == []
    documents.insert({"id": "c"})
    store.close()
