"""Every store that implements the port, one parameter each."""

from collections.abc import Iterator
from pathlib import Path

import pymongo
import pytest
from pymongo.database import Database

from skinapi.platform.storage.files import FileBlobs
from skinapi.platform.storage.ports import Document, Documents, Store
from skinapi.platform.stores.mongo_store import MongoStore
from skinapi.platform.stores.sqlite_store import SqliteStore
from tests.stores.mock_store import MockStore

REAL = ["sqlite", "mongod"]


def file_blobs(folder: Path) -> FileBlobs:
    blobs = FileBlobs(folder / "blobs")
    blobs.make()
    return blobs


def sqlite_store(folder: Path) -> SqliteStore:
    store = SqliteStore(folder / "test.db", FileBlobs(folder / "blobs"))
    store.make()
    return store


@pytest.fixture(params=[*REAL, "mongomock"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = opened_store(request, tmp_path)
    yield opened
    opened.close()


@pytest.fixture(params=REAL)
def real_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Where mongomock cannot stand in: it is not atomic between threads, and takes true for 1."""
    opened = opened_store(request, tmp_path)
    yield opened
    opened.close()


def opened_store(request: pytest.FixtureRequest, folder: Path) -> Store:
    if request.param == "sqlite":
        return sqlite_store(folder)
    if request.param == "mongomock":
        return MockStore()
    return MongoStore.at(request.getfixturevalue("mongo_database_uri"))


@pytest.fixture
def raw_database(mongo_database_uri: str) -> Iterator[Database[Document]]:
    """What a MongoStore keeps, seen past the port."""
    client: pymongo.MongoClient[Document]
    with pymongo.MongoClient(mongo_database_uri) as client:
        yield client.get_default_database()


@pytest.fixture
def documents(store: Store) -> Documents:
    return store.collection("things")


@pytest.fixture
def real_documents(real_store: Store) -> Documents:
    return real_store.collection("things")
