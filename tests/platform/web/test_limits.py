import os
import random
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import apsw
import pytest
from flask import Flask
from limits import parse
from redis.connection import Connection
from redis.exceptions import TimeoutError as NoAnswer
from werkzeug.test import TestResponse

from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import Unavailable
from skinapi.base.pages import Page
from skinapi.platform.web.admission import MOST_LISTS_OF_ONE_CALLER, BodyBudget, leave_body_budget
from skinapi.platform.web.declaration import Authenticated, Rate, Routes, declared_routes
from skinapi.platform.web.mongo_limit_windows import MongoWindows
from skinapi.platform.web.rate_limits import Limits, SqliteWindows, Window, caller_address
from skinapi.platform.web.schemas import Answer
from tests.platform.jobs.brokers import RedisServer, running_broker
from tests.support.backends import PASSWORD, Backend, Person, unavailable
from tests.support.size import size

HEADER = re.compile(r'"(\w+)";q=(\d+);w=(\d+)')


def test_every_route_says_its_limit_also_when_it_refuses(shared_backend: Backend) -> None:
    rates: dict[tuple[str, str], set[Rate]] = {}
    for route in declared_routes(shared_backend.app):  # some clients share a path
        rates.setdefault((route.method, route.path), set()).add(route.rate)
    for (method, path), declared in rates.items():
        answer = shared_backend.client.open(re.sub(r"<\w+>", "nobody", path), method=method)
        policy = HEADER.findall(answer.headers.get("RateLimit-Policy", ""))
        if declared == {Rate.UNLIMITED}:
            assert policy == [], path
        else:
            ((name, _, _),) = policy
            assert name in {rate.value for rate in declared}, path
            assert answer.headers["RateLimit"].startswith(f'"{name}";r=')


def test_a_role_may_have_a_limit_of_its_own(tmp_path: Path) -> None:
    backend = Backend(tmp_path, rate_read="2/minute, doctor=4/minute,researcher=1/minute")
    for role, allowed in (("user", 2), ("doctor", 4), ("researcher", 1), ("admin", 2)):
        person = backend.member(role=role)
        answers = [person.call("GET", "/me") for _ in range(5)]
        statuses = [answer.status_code for answer in answers]
        assert statuses == [200] * allowed + [429] * (5 - allowed)
        assert answers[0].headers["RateLimit-Policy"] == f'"read";q={allowed};w=60'
        assert answers[0].headers["RateLimit"].startswith(f'"read";r={allowed - 1};t=')
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    statuses = [backend.client.get("/conditions").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    backend.services.store.close()


@pytest.mark.parametrize(
    ("seen", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:50123", "192.0.2.7"),
        ("[2001:db8:1:2::7]:50123", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:3::9", "2001:db8:1:2::/64"),
        ("[::ffff:192.0.2.7]:443", "192.0.2.7"),
        ("anything", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_callers_address_is_read_however_it_is_written(
    shared_backend: Backend, seen: str, counted: str
) -> None:
    with shared_backend.app.test_request_context(environ_base={"REMOTE_ADDR": seen}):
        assert caller_address() == counted


@pytest.fixture(params=["sqlite", "mongod"])
def windows(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[SqliteWindows | MongoWindows]:
    if request.param == "sqlite":
        yield SqliteWindows(tmp_path / "limits.db")
    else:
        with closing(MongoWindows(request.getfixturevalue("mongo_database_uri"))) as opened:
            yield opened


def test_hits_that_cost_more_count_all_or_none(windows: SqliteWindows | MongoWindows) -> None:
    five = parse("5/minute")
    costs = (2, 4, 3, 1)
    counted = [windows.hit(five, "key", cost=cost) for cost in costs]
    assert [(item.allowed, item.remaining) for item in counted] == [
        (True, 3), (False, 3), (True, 0), (False, 0)
    ]  # fmt: skip


def test_a_window_moves_past_its_oldest_hits(
    windows: SqliteWindows | MongoWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    # MongoDB removes windows that have expired, so these are of the next minutes.
    few, start = parse("2/minute"), int(time.time()) + 1000

    def hit_at(seconds: int) -> Window:
        monkeypatch.setattr(time, "time", lambda: start + seconds)
        windows.hit(few, "another")
        allowed, remaining, resets_at = windows.hit(few, "key")
        return Window(allowed, remaining, resets_at - start)

    assert [hit_at(seconds) for seconds in (0, 10, 20, 30, 65, 66, 200)] == [
        (True, 1, 60),
        (True, 0, 60),
        (False, 0, 60),
        (False, 0, 60),
        (True, 0, 70),
        (False, 0, 70),
        (True, 1, 260),
    ]


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


def open_files(path: Path) -> int:
    return sum(os.path.realpath(file) == str(path) for file in Path("/proc/self/fd").iterdir())


def test_a_fork_counts_on_a_connection_of_its_own(tmp_path: Path) -> None:
    """A connection that is used after a fork could damage the file."""
    path = tmp_path / "limits.db"
    windows = SqliteWindows(path)
    assert windows.hit(FEW, "key").allowed
    if not (child := os.fork()):
        counted = windows.hit(FEW, "key").allowed and windows.hit(ONE, "another").allowed
        os._exit(0 if counted and open_files(path) == 2 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert not windows.hit(FEW, "key").allowed
    assert open_files(path) == 1, "one for all requests of a process"


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


SCRAPER = "a-token-for-the-collector-of-metrics"
# Prometheus gives up after so long; each of these requests waited for 15 s and more.
SCRAPE_S = 10
LOGIN = {"email": "ada@example.org", "password": PASSWORD}


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with running_broker("redis") as server:
        assert isinstance(server, RedisServer)
        yield server


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
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


MEGABYTE = 1024 * 1024
APP = Flask(__name__)


@contextmanager
def request_of(caller: str, megabytes: float, budget: BodyBudget) -> Iterator[None]:
    with APP.app_context():
        try:
            budget.enter(caller, int(megabytes * MEGABYTE))
            yield
        finally:
            leave_body_budget()


def refused(caller: str, megabytes: float, budget: BodyBudget) -> bool:
    try:
        with request_of(caller, megabytes, budget):
            return False
    except Unavailable as error:
        return error.retry_after == 2


@pytest.fixture
def requests() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_bodies_beyond_the_budget_are_refused_until_others_are_answered() -> None:
    budget = BodyBudget(20 * MEGABYTE)
    with request_of("ada", 10, budget), request_of("bob", 9, budget):
        assert refused("eve", 2, budget)
        assert not refused("eve", 1, budget)
    assert not refused("eve", 20, budget)


def test_one_caller_has_no_more_than_half_for_several_bodies(requests: ExitStack) -> None:
    budget = BodyBudget(20 * MEGABYTE)
    for _ in range(2):
        requests.enter_context(request_of("ada", 4, budget))
    assert refused("ada", 4, budget)
    assert not refused("bob", 12, budget)


class Item(Answer):
    number: int


class ListBackend(Backend):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.searching, self.found = threading.Semaphore(0), threading.Event()
        routes: Routes[None] = Routes()

        @routes.route("GET", "/planted/slow", access=Authenticated(), rate=Rate.READ)
        def search_long(_: None) -> Page[Item]:
            self.searching.release()
            assert self.found.wait(30)
            return Page([Item(number=1)])

        routes.register(self.app, None)


def call(person: Person, path: str) -> TestResponse:
    return Person(person.client.application.test_client(), person.token).call("GET", path)


def test_a_caller_who_waits_for_many_lists_is_told_to_wait_and_others_are_answered(
    tmp_path: Path,
) -> None:
    backend = ListBackend(tmp_path)
    ada, bob = backend.member(), backend.member()
    with ThreadPoolExecutor(MOST_LISTS_OF_ONE_CALLER) as pool:
        under_way = [
            pool.submit(call, ada, "/planted/slow") for _ in range(MOST_LISTS_OF_ONE_CALLER)
        ]
        for _ in under_way:
            assert backend.searching.acquire(timeout=30)
        refused = call(ada, "/submissions")
        assert (refused.status_code, refused.get_json()["code"]) == (429, "too_many_requests")
        assert refused.headers["Retry-After"] == "1"
        assert call(ada, "/me").status_code == 200
        assert call(bob, "/submissions").status_code == 200
        backend.found.set()
        assert [done.result().status_code for done in under_way] == [200] * MOST_LISTS_OF_ONE_CALLER
    for _ in range(2 * MOST_LISTS_OF_ONE_CALLER):
        assert call(ada, "/planted/slow").status_code == 200
    backend.services.store.close()


def test_a_request_that_waited_for_its_account_does_not_wait_to_be_counted(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = backend.member()

    def waited_again(*_: object) -> NoReturn:
        raise AssertionError

    monkeypatch.setattr(Accounts, "get", unavailable)
    monkeypatch.setattr(Limits, "spend", waited_again)
    answer = ada.call("GET", "/me")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
