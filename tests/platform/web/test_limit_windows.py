"""Where rate limits are counted: killed writers, damaged files, many at once, a frozen Redis."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import apsw
import pytest
from limits import parse
from redis.connection import Connection
from redis.exceptions import TimeoutError as NoAnswer

from skinapi.platform.web.mongo_limit_windows import MongoWindows
from skinapi.platform.web.rate_limits import SqliteWindows
from tests.platform.jobs.brokers import NoBrokerError, RedisServer, running_broker
from tests.support.backends import PASSWORD, Backend
from tests.support.size import size

ONE, FEW, MANY = parse("1/minute"), parse("2/minute"), parse("1000000000/second")


def count_until_killed(path: Path) -> int:
    child = os.fork()
    if child:
        return child
    windows = SqliteWindows(path)
    for number in count():
        windows.hit(MANY, f"key-{number % 97}")
    return 0


def test_a_killed_writer_leaves_the_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "limits.db"
    for _ in range(size(4, 100)):
        children = [count_until_killed(path) for _ in range(2)]
        time.sleep(random.uniform(0.05, 0.2))
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        with closing(apsw.Connection(str(path))) as connection:
            assert connection.pragma("integrity_check") == "ok"
    assert SqliteWindows(path).hit(ONE, "key").allowed


def spoil(path: Path) -> None:
    path.write_bytes(os.urandom(path.stat().st_size))


def truncate(path: Path) -> None:
    os.truncate(path, 0)


def replace(path: Path) -> None:
    other = path.with_name("other.db")
    SqliteWindows(other).hit(FEW, "key")
    other.replace(path)


def replace_by_noise(path: Path) -> None:
    other = path.with_name("other.db")
    other.write_bytes(b"no database " * 100)
    other.replace(path)


LOSSES = [Path.unlink, spoil, truncate, replace, replace_by_noise]


@pytest.mark.parametrize("lose", LOSSES)
def test_where_the_file_is_lost_or_spoilt_the_count_goes_on_in_one_that_all_share(
    tmp_path: Path, lose: Callable[[Path], None]
) -> None:
    path = tmp_path / "limits.db"
    first, second = SqliteWindows(path), SqliteWindows(path)
    for windows in (first, second):
        assert windows.hit(FEW, "key").allowed
    lose(path)
    taken = 0
    for windows in (first, second, first, second):
        taken += windows.hit(FEW, "key").allowed
        windows.ping()
    assert taken == (1 if lose is replace else 2)


def test_a_file_of_an_earlier_version_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "limits.db"
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("CREATE TABLE hits (key TEXT, at REAL, expires REAL)")
        connection.execute("INSERT INTO hits VALUES ('key', ?, ?)", (time.time(), time.time() + 60))
    windows = SqliteWindows(path)
    assert [windows.hit(FEW, "key").allowed for _ in range(3)] == [True, True, False]


HUNDRED = parse("100/minute")


def test_of_hits_at_once_just_as_many_are_allowed_as_the_limit_says(
    mongo_database_uri: str,
) -> None:
    """Each thread with a connection of its own, as each server process has."""

    def hit(_: int) -> int:
        with closing(MongoWindows(mongo_database_uri)) as mine:
            return sum(mine.hit(HUNDRED, "key").allowed for _ in range(20))

    with ThreadPoolExecutor(8) as crowd:
        assert sum(crowd.map(hit, range(8))) == 100


SCRAPER = "a-token-for-the-collector-of-metrics"
# Prometheus gives up after so long; each of these requests waited for 15 s and more.
SCRAPE_S = 10
LOGIN = {"email": "ada@example.org", "password": PASSWORD}


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    try:
        with running_broker("redis") as server:
            assert isinstance(server, RedisServer)
            yield server
    except NoBrokerError as error:
        pytest.skip(str(error))


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how long each answer of Redis was waited for in vain, in seconds."""
    found: list[float] = []
    read = Connection.read_response

    def noted(connection: Connection, *arguments: Any, **options: Any) -> Any:
        try:
            return read(connection, *arguments, **options)
        except NoAnswer:
            found.append(float(connection.socket_timeout or "inf"))
            raise

    monkeypatch.setattr(Connection, "read_response", noted)
    return found


@pytest.mark.parametrize("asked_before", [True, False])
def test_a_frozen_redis_holds_no_request_and_is_named(
    redis: RedisServer, waits: list[float], tmp_path: Path, asked_before: bool
) -> None:
    backend = Backend(tmp_path, rate_limit_storage=redis.uri, metrics_token=SCRAPER)
    if asked_before:  # so there is a connection
        assert backend.client.post("/login", json=LOGIN).status_code == 401
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        login = backend.client.post("/login", json=LOGIN)
        ready = backend.client.get("/readyz")
        metrics = backend.client.get("/metrics", headers={"Authorization": f"Bearer {SCRAPER}"})
    finally:
        os.kill(redis.pid, signal.SIGCONT)
    for refused in (login, ready):
        assert refused.status_code == 503
        assert refused.get_json()["code"] == "rate_limits_unavailable"
        assert "rate limits" in refused.get_json()["detail"]
        assert refused.headers["Retry-After"]
    assert 'skinapi_ready{part="rate_limits"} 0.0' in metrics.text
    assert 0 < sum(waits) < SCRAPE_S
    backend.services.store.close()
