import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing import get_context
from multiprocessing.pool import Pool
from pathlib import Path
from threading import Barrier

import apsw
import pytest

from skinapi.base.errors import Duplicate, StoreUnavailable
from skinapi.platform.storage.ports import Documents, Ops
from skinapi.platform.stores.database_file import SqliteFile
from skinapi.platform.stores.sqlite_store import SqliteStore
from tests.platform.storage.conftest import sqlite_store
from tests.served.ready_process import ready_context
from tests.support.size import drill, size

HANDS = 8
TIMES = size(5, 50)


@pytest.fixture(scope="module")
def four() -> Iterator[Pool]:
    """Start four processes once for all tests, because starting them takes long."""
    context = get_context("spawn") if drill else ready_context()
    pool = context.Pool(4)
    yield pool
    pool.close()
    pool.join()


def at_once(act: Callable[[int], str]) -> Counter[str]:
    start = Barrier(HANDS)

    def hand(number: int) -> str:
        start.wait()
        return act(number)

    with ThreadPoolExecutor(HANDS) as pool:
        return Counter(pool.map(hand, range(HANDS)))


def inserted(documents: Documents, identifier: str, key: str) -> str:
    try:
        documents.insert({"id": identifier, "key": key})
    except Duplicate:
        return "lost"
    return "won"


def claim_all(documents: Documents) -> list[str]:
    claimed = []
    ops: Ops = {"$set": {"state": "running"}, "$inc": {"attempts": 1}}
    while job := documents.update({"state": "queued"}, ops):
        claimed.append(job["id"])
    return claimed


def queue(documents: Documents) -> list[str]:
    documents.ensure_index("state")
    jobs = [f"job-{number:03}" for number in range(size(20, 200))]
    for job in jobs:
        documents.insert({"id": job, "state": "queued", "attempts": 0})
    return jobs


def test_of_many_that_insert_one_unique_key_one_wins(documents: Documents) -> None:
    documents.ensure_index("key", unique=True)
    for number in range(TIMES):

        def insert(hand: int, key: str = f"key-{number}") -> str:
            return inserted(documents, f"{key}-{hand}", key)

        assert at_once(insert) == {"won": 1, "lost": HANDS - 1}
    assert documents.count() == TIMES


def test_no_increment_is_lost_and_parallel_upserts_make_one_document(documents: Documents) -> None:
    for number in range(TIMES):
        identifier = f"counter-{number}"

        def step(_: int, identifier: str = identifier) -> str:
            made = documents.update({"id": identifier}, {"$inc": {"n": 1}}, upsert=True)
            return str(made and made["n"])

        assert sorted(at_once(step)) == [str(n) for n in range(1, HANDS + 1)]
    assert documents.count({"n": HANDS}) == TIMES


def claim_in_a_process(folder: str) -> list[str]:
    with closing(sqlite_store(Path(folder))) as store:
        return claim_all(store.collection("jobs"))


def test_processes_claim_each_job_once(tmp_path: Path, four: Pool) -> None:
    with closing(sqlite_store(tmp_path)) as store:
        jobs = queue(store.collection("jobs"))
    claims = four.starmap(claim_in_a_process, [(str(tmp_path),)] * 4, chunksize=1)
    assert sorted(job for claimed in claims for job in claimed) == jobs


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_opens_its_own_connection_and_leaves_the_parents_alone(sqlite: SqliteStore) -> None:
    documents = sqlite.collection("things")
    documents.insert({"id": "parent"})
    child = os.fork()
    if child == 0:
        documents.insert({"id": "child"})
        sqlite.close()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    documents.insert({"id": "parent again"})
    assert [d["id"] for d in documents.find()] == ["child", "parent", "parent again"]


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
    monkeypatch.setattr(SqliteFile, "_open", OPEN)
    noted = _Noted()
    SYNCED.clear()
    yield SYNCED
    noted.unregister()


@contextmanager
def while_somebody_commits(store: SqliteStore) -> Iterator[None]:
    """Hold a commit until all writers wait, so that they are next together."""
    begun, go_on = threading.Event(), threading.Event()

    def hold(_: apsw.Connection) -> None:
        begun.set()
        go_on.wait(60)

    holder = threading.Thread(target=store.write, args=(hold,))
    holder.start()
    assert begun.wait(60)
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
    documents, notes = sqlite.collection("things"), sqlite.collection("notes")
    documents.ensure_index("key", unique=True)
    notes.insert({"id": "first"})

    def insert(number: int) -> None:
        notes.insert({"id": f"note-{number}"})
        documents.insert({"id": f"thing-{number}", "key": f"key-{number // 2}"})

    done = together(sqlite, lambda number: sqlite.transaction(lambda: insert(number)))
    outcomes = [item.exception() for item in done]
    assert sum(isinstance(outcome, Duplicate) for outcome in outcomes) == WRITERS // 2
    assert documents.count() == WRITERS // 2
    assert notes.count() == 1 + WRITERS // 2, "what the refused ones wrote before is undone"


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
