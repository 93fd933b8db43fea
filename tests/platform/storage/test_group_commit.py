"""Group commit: concurrent writers wait for the disk once, and stay independent of each other."""

import fcntl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import pytest

from skinapi.base.errors import Duplicate, StoreUnavailable
from skinapi.platform.stores.database_file import SqliteFile
from skinapi.platform.stores.sqlite_store import SqliteStore
from tests.platform.storage.conftest import sqlite_store

OPEN = SqliteFile._open  # as servers do, before the tests make it wait for no disk
WRITERS = 6
UNDERNEATH = apsw.vfs_names()[0]
SYNCED: list[str] = []


class _NotedFile(apsw.VFSFile):
    def __init__(self, vfs: str, name: apsw.URIFilename | str | None, flags: list[int]) -> None:
        super().__init__(vfs, name, flags)
        self._name = name.filename() if isinstance(name, apsw.URIFilename) else str(name)

    def xSync(self, flags: int) -> None:  # noqa: N802 (SQLite's name)
        super().xSync(flags)
        SYNCED.append(Path(self._name).name)


class _Noted(apsw.VFS):
    def __init__(self) -> None:
        super().__init__("noted", UNDERNEATH, makedefault=True)

    def xOpen(  # noqa: N802 (SQLite's name)
        self, name: apsw.URIFilename | str | None, flags: list[int]
    ) -> apsw.VFSFile:
        return _NotedFile(UNDERNEATH, name, flags)


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The files that the disk was waited for, one name a time."""
    monkeypatch.setattr(SqliteFile, "_open", OPEN)
    noted = _Noted()
    SYNCED.clear()
    yield SYNCED
    noted.unregister()


@contextmanager
def while_somebody_commits(store: SqliteStore) -> Iterator[None]:
    """Whoever comes meanwhile waits, and then all of them at once are next."""
    begun, go_on = threading.Event(), threading.Event()

    def hold(_: apsw.Connection) -> None:
        begun.set()
        go_on.wait(10)

    holder = threading.Thread(target=store.write, args=(hold,))
    holder.start()
    begun.wait(10)
    try:
        yield
        while len(store._commits._waiting) < WRITERS:
            time.sleep(0.001)
    finally:
        go_on.set()
        holder.join()


def together(store: SqliteStore, act: Callable[[int], object]) -> list[Future[object]]:
    with ThreadPoolExecutor(WRITERS) as pool, while_somebody_commits(store):
        return [pool.submit(act, number) for number in range(WRITERS)]


def test_each_write_is_on_the_disk_before_it_is_acknowledged_and_those_together_wait_once(
    synced: list[str], tmp_path: Path
) -> None:
    with closing(sqlite_store(tmp_path)) as store:
        documents = store.collection("things")
        documents.insert({"id": "first"})
        synced.clear()
        for number in range(3):
            documents.insert({"id": str(number)})
            assert synced == ["test.db-wal"] * (number + 1)
        synced.clear()
        for done in together(store, lambda number: documents.insert({"id": f"thing-{number}"})):
            done.result()
        assert synced == ["test.db-wal"]
        assert documents.count() == WRITERS + 4


def test_one_that_is_refused_takes_no_other_with_it(sqlite: SqliteStore) -> None:
    documents = sqlite.collection("things")
    documents.ensure_index("key", unique=True)

    def insert(number: int) -> None:
        documents.insert({"id": f"thing-{number}", "key": f"key-{number // 2}"})

    outcomes = [done.exception() for done in together(sqlite, insert)]
    assert sum(isinstance(outcome, Duplicate) for outcome in outcomes) == WRITERS // 2
    assert documents.count() == WRITERS // 2


def test_a_commit_that_fails_is_acknowledged_to_nobody(sqlite: SqliteStore) -> None:
    documents = sqlite.collection("things")
    documents.insert({"id": "first"})

    def act(number: int) -> None:
        if number:
            documents.insert({"id": f"thing-{number}"})
        else:
            sqlite.write(lambda connection: connection.execute("ROLLBACK"))

    outcomes = [done.exception() for done in together(sqlite, act)]
    assert all(isinstance(outcome, StoreUnavailable) for outcome in outcomes)
    assert [document["id"] for document in documents.find()] == ["first"]
    documents.insert({"id": "later"})


def test_while_one_writes_no_other_process_does(sqlite: SqliteStore) -> None:
    def look(_: apsw.Connection) -> None:
        with sqlite._file._lock.open() as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)

    sqlite.write(look)
