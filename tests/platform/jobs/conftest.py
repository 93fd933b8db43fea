from collections.abc import Iterator
from pathlib import Path

import pytest

from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.storage.ports import Store
from tests.conftest import store_on
from tests.platform.jobs.bench import Bench

REAL = ["sqlite", "mongod"]


@pytest.fixture(params=REAL)
def real_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A real store, for tests that depend on how it lets many workers take a job."""
    yield from store_on(request, tmp_path)


@pytest.fixture
def jobs(store: Store) -> Jobs:
    return Jobs(store)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as bench:
        yield bench


@pytest.fixture(scope="module")
def served_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("bench")) as bench:
        bench.start_worker()
        yield bench


@pytest.fixture
def mongod_bench(emptied_database_uri: str, tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path, emptied_database_uri) as bench:
        yield bench
