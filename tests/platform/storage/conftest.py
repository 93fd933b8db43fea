from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pymongo
import pytest
from pymongo.database import Database

from skinapi.platform.storage.files import FileBlobs
from skinapi.platform.storage.ports import Document, Documents, Store
from skinapi.platform.stores.mongo_store import MongoStore
from skinapi.platform.stores.sqlite_store import SqliteStore


def sqlite_store(folder: Path) -> SqliteStore:
    store = SqliteStore(folder / "test.db", FileBlobs(folder / "blobs"))
    store.make()
    return store


@pytest.fixture(params=["sqlite", "mongod"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store: Store = (
        sqlite_store(tmp_path)
        if request.param == "sqlite"
        else MongoStore.at(request.getfixturevalue("mongo_database_uri"))
    )
    with closing(store):
        yield store


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(sqlite_store(tmp_path)) as store:
        yield store


@pytest.fixture
def raw_database(mongo_database_uri: str) -> Iterator[Database[Document]]:
    client: pymongo.MongoClient[Document]
    with pymongo.MongoClient(mongo_database_uri) as client:
        yield client.get_default_database()


@pytest.fixture
def documents(store: Store) -> Documents:
    return store.collection("things")
