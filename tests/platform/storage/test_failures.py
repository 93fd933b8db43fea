import errno
import os
import resource
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import NoReturn

import pytest

from skinapi.base.errors import DiskFull, StoreUnavailable
from skinapi.model.registry.version_files import models_folder
from skinapi.platform.jobs.process import lock_folder
from skinapi.platform.stores import mongo_store
from skinapi.platform.stores import outage as outage_module
from skinapi.platform.stores.mongo_store import MongoStore
from skinapi.platform.stores.outage import FAIL_FAST_S, TIMEOUT_S, TIMEOUTS, Outage
from skinapi.platform.stores.sqlite_store import SqliteStore
from skinapi.platform.stores.store_factory import open_store
from tests.platform.storage.conftest import sqlite_store
from tests.stores.mongod import free_port
from tests.support.backends import settings_in

ROOM = 256 * 1024
BIG = os.urandom(2 * ROOM)
DRIVERS_OWN_S = 30  # how long pymongo looks for a server unless told


@contextmanager
def files_no_larger_than(limit: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def no_space(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_blob_that_does_not_fit_or_cannot_be_synced_leaves_nothing(
    sqlite: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = sqlite.blobs.put(b"kept")
    with files_no_larger_than(ROOM), pytest.raises(StoreUnavailable):
        sqlite.blobs.put(BIG)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        with pytest.raises(DiskFull):
            sqlite.blobs.put(b"data")
    assert [path.name for path in tmp_path.glob("blobs/*/*")] == [kept]
    assert sqlite.blobs.find(sqlite.blobs.put(BIG)) == BIG


def test_a_full_disk_refuses_documents_and_keeps_what_it_had(sqlite: SqliteStore) -> None:
    documents = sqlite.collection("things")
    documents.insert({"id": "kept", "n": 1})
    with files_no_larger_than(ROOM), pytest.raises(StoreUnavailable):
        documents.insert({"id": "big", "text": "x" * 2 * ROOM})
    with files_no_larger_than(ROOM), pytest.raises(StoreUnavailable):
        documents.update({"id": "kept"}, {"$set": {"text": "x" * 2 * ROOM}})
    assert documents.find() == [{"id": "kept", "n": 1}]
    sqlite.write(lambda connection: connection.execute("PRAGMA max_page_count = 20"))
    with pytest.raises(DiskFull):
        documents.insert({"id": "1", "text": "x" * 100_000})
    documents.insert({"id": "later"})
    assert documents.delete({"id": "kept"}) == 1
    assert documents.find() == [{"id": "later"}]


def test_a_closed_port_is_unavailable_long_before_the_driver_would_give_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mongo_store, "TIMEOUTS", TIMEOUTS)  # a server's own, not those of the tests
    store = MongoStore.at(f"mongodb://127.0.0.1:{free_port()}/test")
    acts: list[Callable[[], object]] = [
        store.ping,
        store.collection("things").find,
        lambda: store.blobs.put(b"x"),
    ]
    started = time.monotonic()
    with closing(store), ThreadPoolExecutor(len(acts)) as pool:
        for result in [pool.submit(act) for act in acts]:
            with pytest.raises(StoreUnavailable):
                result.result()
    assert time.monotonic() - started < DRIVERS_OWN_S / 2


def test_a_folder_or_a_database_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        open_store(settings_in(tmp_path / "gone"))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "test.db").write_bytes(b"no database " * 100)
    with pytest.raises(StoreUnavailable):
        sqlite_store(tmp_path)


@pytest.mark.parametrize(
    "use",
    [
        models_folder,
        lambda folder: lock_folder(folder / "jobs/0123abcd"),
    ],
    ids=["models", "job"],
)
def test_what_is_kept_beside_the_database_makes_no_folder_in_place_of_a_missing_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: Callable[[Path], object]
) -> None:
    makes_no_folder_in_place_of_a_missing_one(tmp_path, monkeypatch, use)


def makes_no_folder_in_place_of_a_missing_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: Callable[[Path], object]
) -> None:
    """The operator who moves the folder back would put it below the new one."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with suppress(OSError, StoreUnavailable):
        use(tmp_path / "instance")
    assert not (tmp_path / "instance").exists()
    (tmp_path / "instance").mkdir()
    use(tmp_path / "instance")
    assert list((tmp_path / "instance").iterdir()) != []


class Clock:
    def __init__(self) -> None:
        self.moment = 1000.0

    def monotonic(self) -> float:
        return self.moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(outage_module, "time", clock)
    return clock


@pytest.fixture
def outage(clock: Clock) -> Outage:
    outage = Outage(nullcontext)
    wait(outage, clock, TIMEOUT_S, StoreUnavailable())
    return outage


def wait(outage: Outage, clock: Clock, seconds: float, ends: Exception) -> None:
    with suppress(type(ends)), outage.noticed():
        clock.moment += seconds
        raise ends


def is_refused_at_once(outage: Outage) -> bool:
    try:
        with outage.noticed():
            return False
    except StoreUnavailable:
        return True


def test_after_a_second_one_request_probes_and_the_others_fail_at_once(
    outage: Outage, clock: Clock
) -> None:
    assert is_refused_at_once(outage)
    clock.moment += FAIL_FAST_S
    with outage.noticed():
        assert is_refused_at_once(outage)
    wait(outage, clock, TIMEOUT_S, StoreUnavailable())
    assert is_refused_at_once(outage)


def test_when_the_probe_succeeds_all_requests_are_sent(outage: Outage, clock: Clock) -> None:
    clock.moment += FAIL_FAST_S
    assert [is_refused_at_once(outage) for _ in range(3)] == [False] * 3
