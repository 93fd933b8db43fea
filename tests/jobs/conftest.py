"""Jobs on a store, and a worker of its own process for a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from skinapi.jobs.queue.job_queue import Jobs
from skinapi.storage.ports import Store
from tests.jobs.bench import Bench
from tests.support.backends import store_of_kind
from tests.support.size import in_drill

REAL = ["sqlite", "mongod"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """SQLite."""
    opened = store_of_kind("sqlite", tmp_path)
    yield opened
    opened.close()


@pytest.fixture(params=REAL)
def real_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Where it matters how a store lets many take at once."""
    opened = _opened(request, tmp_path)
    yield opened
    opened.close()


def _opened(request: pytest.FixtureRequest, folder: Path) -> Store:
    uri = request.getfixturevalue("emptied_database_uri") if request.param == "mongod" else None
    return store_of_kind(request.param, folder, uri)


@pytest.fixture
def jobs(store: Store) -> Jobs:
    return Jobs(store)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Workers on SQLite."""
    with Bench(tmp_path) as bench:
        yield bench


@pytest.fixture(scope="module")
def served_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """With one worker for many tests, each of which leaves it idle."""
    with Bench(tmp_path_factory.mktemp("bench")) as bench:
        bench.start_worker()
        yield bench


@pytest.fixture
def mongod_bench(emptied_database_uri: str, tmp_path: Path) -> Iterator[Bench]:
    """Workers on a real mongod."""
    with Bench(tmp_path, emptied_database_uri) as bench:
        yield bench


@pytest.fixture(params=["sqlite", *in_drill("mongod")])
def any_bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Workers on SQLite, in the drill on a real mongod too."""
    uri = request.getfixturevalue("emptied_database_uri") if request.param == "mongod" else None
    with Bench(tmp_path, uri) as bench:
        yield bench
