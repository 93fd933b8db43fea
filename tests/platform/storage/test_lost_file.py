"""A database file that is removed or replaced is missed; nothing goes into another one."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from skinapi.base.errors import StoreUnavailable
from skinapi.platform.storage.files import LOST, LOST_BLOBS, LOST_LOG
from skinapi.platform.stores.sqlite_store import SqliteStore
from tests.platform.storage.conftest import sqlite_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(sqlite_store(tmp_path)) as store:
        store.collection("things").insert({"id": "kept"})
        yield store


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


@pytest.mark.parametrize("put", [nothing, empty, noise, another])
def test_a_lost_file_is_missed_until_it_is_back(
    store: SqliteStore, tmp_path: Path, put: Callable[[Path], None]
) -> None:
    path, aside = tmp_path / "test.db", tmp_path / "aside"
    documents = store.collection("things")
    path.rename(aside)
    put(path)
    acts: list[Callable[[], object]] = [
        lambda: documents.insert({"id": "lost"}),
        documents.find,
        store.ping,
    ]
    for act in acts:
        with pytest.raises(StoreUnavailable, match=LOST):
            act()
    aside.replace(path)
    for act in acts:
        act()
    assert {document["id"] for document in documents.find()} == {"kept", "lost"}


@pytest.mark.parametrize("put", [nothing, empty, noise])
def test_a_restart_makes_no_empty_database_and_keeps_the_log_of_the_lost_one(
    store: SqliteStore, tmp_path: Path, put: Callable[[Path], None]
) -> None:
    path, aside, log = tmp_path / "test.db", tmp_path / "aside", tmp_path / "test.db-wal"
    logged = log.read_bytes()
    path.rename(aside)
    put(path)
    with closing(sqlite_store(tmp_path)) as restarted:
        for act in (restarted.ping, restarted.collection("things").find):
            with pytest.raises(StoreUnavailable, match=LOST):
                act()
        assert log.read_bytes() == logged
        aside.replace(path)
        assert restarted.collection("things").get("kept")


def test_a_restart_takes_no_empty_folder_of_files(store: SqliteStore, tmp_path: Path) -> None:
    folder, aside = tmp_path / "blobs", tmp_path / "aside"
    key = store.blobs.put(b"kept")
    folder.rename(aside)
    with closing(sqlite_store(tmp_path)) as restarted:
        assert not folder.exists()
        folder.mkdir()
        with pytest.raises(StoreUnavailable, match=LOST_BLOBS):
            restarted.blobs.put(b"new")
        folder.rmdir()
        aside.rename(folder)
        assert restarted.blobs.find(key) == b"kept"


@pytest.mark.parametrize("removed", ["test.db-wal", "test.db-shm"])
def test_no_write_is_acknowledged_without_the_write_ahead_log(
    store: SqliteStore, tmp_path: Path, removed: str
) -> None:
    documents = store.collection("things")
    (tmp_path / removed).unlink()
    for act in (lambda: documents.insert({"id": "lost"}), documents.find, store.ping):
        with pytest.raises(StoreUnavailable, match=LOST_LOG):
            act()
    store.close()  # what was acknowledged before goes into the file
    with closing(sqlite_store(tmp_path)) as restarted:
        assert [found["id"] for found in restarted.collection("things").find()] == ["kept"]


def test_a_log_that_is_removed_during_a_write_is_noticed_before_the_answer(
    store: SqliteStore, tmp_path: Path
) -> None:
    def act() -> None:
        store.collection("things").insert({"id": "lost"})
        (tmp_path / "test.db-wal").unlink()

    with pytest.raises(StoreUnavailable, match=LOST_LOG):
        store.transaction(act)


def test_a_log_goes_and_comes_with_the_connections_of_all_processes(
    store: SqliteStore, tmp_path: Path
) -> None:
    documents = store.collection("things")
    for number in range(3):
        store.close()
        assert not (tmp_path / "test.db-wal").exists()
        store.ping()  # by a connection of its own, which is the only one
        writer = threading.Thread(target=documents.insert, args=({"id": f"{number}"},))
        writer.start()
        writer.join()
        with closing(sqlite_store(tmp_path)) as other:  # its end is not the last one
            other.collection("things").insert({"id": f"{number} of another"})
        documents.find()
    assert len(documents.find()) == 7


def test_whoever_is_killed_while_a_database_is_made_leaves_one_that_can_be_made(
    tmp_path: Path,
) -> None:
    (tmp_path / "test.db").write_bytes(b"")
    with closing(sqlite_store(tmp_path)) as store:
        store.collection("things").insert({"id": "first"})


def test_a_missing_file_is_told_to_the_operator_once(
    store: SqliteStore, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path, aside = tmp_path / "test.db", tmp_path / "aside"
    path.rename(aside)
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            store.collection("things").find()
    aside.rename(path)
    store.collection("things").find()
    told = "".join(capfd.readouterr())
    assert told.count(LOST) == 1
    assert told.count("the database file is back") == 1
    assert told.count(str(path)) == 2


def test_a_store_that_is_closed_leaves_all_it_has_in_the_one_file(
    store: SqliteStore, tmp_path: Path
) -> None:
    store.close()
    assert not (tmp_path / "test.db-wal").exists()
    folder = tmp_path / "copied"
    folder.mkdir()
    shutil.copy(tmp_path / "test.db", folder)
    with closing(sqlite_store(folder)) as copied:
        assert copied.collection("things").get("kept")
