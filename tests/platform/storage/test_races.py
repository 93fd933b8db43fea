"""Many at once: threads on both stores, and processes on SQLite, as gunicorn's workers are."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from multiprocessing.pool import Pool
from pathlib import Path
from threading import Barrier, Event

import pytest

from skinapi.base.errors import Duplicate
from skinapi.platform.storage.ports import Documents, Ops
from skinapi.platform.stores.sqlite_store import SqliteStore
from tests.platform.storage.conftest import sqlite_store
from tests.served.ready_process import ready_context
from tests.support.size import drill, size

HANDS = 8
TIMES = size(5, 50)


@pytest.fixture(scope="module")
def four() -> Iterator[Pool]:
    """Four processes, started once for all tests: starting them is what takes long."""
    context = get_context("spawn") if drill else ready_context()
    pool = context.Pool(4)
    yield pool
    pool.close()
    pool.join()


def at_once(act: Callable[[int], str]) -> Counter[str]:
    """What came out when so many hands did it at the same moment."""
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


def test_each_job_is_claimed_once(documents: Documents) -> None:
    jobs = queue(documents)
    with ThreadPoolExecutor(HANDS) as pool:
        claims = pool.map(lambda _: claim_all(documents), range(HANDS))
        assert sorted(job for claimed in claims for job in claimed) == jobs
    assert documents.count({"attempts": 1}) == len(jobs)


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


def test_of_many_compare_and_sets_one_wins(documents: Documents) -> None:
    documents.insert({"id": "a", "version": 0})
    for version in range(TIMES):

        def swap(hand: int, version: int = version) -> str:
            ops: Ops = {"$set": {"by": hand}, "$inc": {"version": 1}}
            return "won" if documents.update({"id": "a", "version": version}, ops) else "lost"

        assert at_once(swap) == {"won": 1, "lost": HANDS - 1}


def claim_in_a_process(folder: str) -> list[str]:
    with closing(sqlite_store(Path(folder))) as store:
        return claim_all(store.collection("jobs"))


def open_in_a_process(folder: str) -> str:
    with closing(sqlite_store(Path(folder))) as store:
        documents = store.collection("things")
        documents.ensure_index("key", unique=True)
        return inserted(documents, str(os.getpid()), "one")


def test_processes_claim_each_job_once(tmp_path: Path, four: Pool) -> None:
    with closing(sqlite_store(tmp_path)) as store:
        jobs = queue(store.collection("jobs"))
    claims = four.starmap(claim_in_a_process, [(str(tmp_path),)] * 4, chunksize=1)
    assert sorted(job for claimed in claims for job in claimed) == jobs


def test_processes_that_open_a_new_store_at_once_all_succeed(tmp_path: Path, four: Pool) -> None:
    for number in range(size(3, 30)):
        folder = tmp_path / str(number)
        folder.mkdir()
        outcomes = four.starmap(open_in_a_process, [(str(folder),)] * 4, chunksize=1)
        assert Counter(outcomes) == {"won": 1, "lost": 3}


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


def test_a_connection_that_is_in_use_does_not_keep_the_others_open(sqlite: SqliteStore) -> None:
    sqlite.collection("things").insert({"id": "1"})
    begun, end = Event(), Event()

    def hold(*_: object) -> int:
        begun.set()
        return int(end.wait(30))

    def read_slowly() -> None:
        with sqlite.reading() as connection:
            connection.create_scalar_function("hold", hold)
            connection.execute("SELECT hold()").fetchall()

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read_slowly)
        assert begun.wait(30)
        sqlite.close()
        end.set()
        reading.result()


def test_connections_of_ended_threads_are_closed(sqlite: SqliteStore, tmp_path: Path) -> None:
    documents = sqlite.collection("things")
    store_file = (tmp_path / "test.db").resolve()
    for number in range(20):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(documents.insert, {"id": str(number)}).result()
    assert sum(file.resolve() == store_file for file in Path("/proc/self/fd").iterdir()) <= 2
