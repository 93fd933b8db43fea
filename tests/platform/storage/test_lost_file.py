import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from skinapi.base.errors import StoreUnavailable
from skinapi.platform.storage.files import LOST, LOST_BLOBS, LOST_LOG
from skinapi.platform.stores.sqlite_store import SqliteStore
from tests.platform.storage.conftest import sqlite_store


@pytest.fixture
def store(sqlite: SqliteStore) -> SqliteStore:
    sqlite.collection("things").insert({"id": "kept"})
    return sqlite


def empty(path: Path) -> None:
    path.write_bytes(b"")


def another(path: Path) -> None:
    folder = path.with_name("another")
    folder.mkdir()
    with closing(sqlite_store(folder)) as store:
        store.collection("things").insert({"id": "of another"})
    shutil.copy(folder / path.name, path)


def noise(path: Path) -> None:
    path.write_bytes(b"no database " * 1000)


def nothing(path: Path) -> None:
    assert not path.exists()


def refused(reason: str, *acts: Callable[[], object]) -> None:
    for act in acts:
        with pytest.raises(StoreUnavailable, match=reason):
            act()


@pytest.mark.parametrize("put", [nothing, empty, noise, another])
def test_a_lost_file_is_missed_until_it_is_back(
    store: SqliteStore,
    tmp_path: Path,
    put: Callable[[Path], None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    path, aside = tmp_path / "test.db", tmp_path / "aside"
    documents = store.collection("things")
    path.rename(aside)
    put(path)
    acts = (lambda: documents.insert({"id": "lost"}), documents.find, store.ping)
    refused(LOST, *acts)
    aside.replace(path)
    for act in acts:
        act()
    assert {document["id"] for document in documents.find()} == {"kept", "lost"}
    logged = "".join(capfd.readouterr())  # once, not with each request
    assert (logged.count(LOST), logged.count("the database file is back")) == (1, 1)


@pytest.mark.parametrize("put", [nothing, empty, noise])
def test_a_restart_makes_no_empty_database_and_keeps_the_log_of_the_lost_one(
    store: SqliteStore, tmp_path: Path, put: Callable[[Path], None]
) -> None:
    path, aside, log = tmp_path / "test.db", tmp_path / "aside", tmp_path / "test.db-wal"
    logged = log.read_bytes()
    path.rename(aside)
    put(path)
    with closing(sqlite_store(tmp_path)) as restarted:
        refused(LOST, restarted.ping, restarted.collection("things").find)
        assert log.read_bytes() == logged
        aside.replace(path)
        assert restarted.collection("things").get("kept")
    assert store.collection("things").get("kept")


def test_a_restart_takes_no_empty_folder_of_files(store: SqliteStore, tmp_path: Path) -> None:
    folder, aside = tmp_path / "blobs", tmp_path / "aside"
    key = store.blobs.put(b"kept")
    folder.rename(aside)
    with closing(sqlite_store(tmp_path)) as restarted:
        assert not folder.exists()
        folder.mkdir()
        refused(
            LOST_BLOBS,
            lambda: restarted.blobs.put(b"new"),
            lambda: restarted.blobs.delete(key),  # it would come back undeleted
            lambda: restarted.blobs.find(key),
        )
        folder.rmdir()
        aside.rename(folder)
        assert restarted.blobs.find(key) == b"kept"


@pytest.mark.parametrize("removed", ["test.db-wal", "test.db-shm"])
def test_no_write_is_acknowledged_without_the_write_ahead_log(
    store: SqliteStore, tmp_path: Path, removed: str
) -> None:
    documents = store.collection("things")

    def remove_meanwhile() -> None:
        documents.insert({"id": "lost"})
        (tmp_path / removed).unlink()

    refused(LOST_LOG, lambda: store.transaction(remove_meanwhile))  # before it is answered
    refused(LOST_LOG, lambda: documents.insert({"id": "lost too"}), documents.find, store.ping)
    store.close()  # what was acknowledged before goes into the file
    with closing(sqlite_store(tmp_path)) as restarted:
        assert restarted.collection("things").get("kept")
        assert not restarted.collection("things").get("lost too")
