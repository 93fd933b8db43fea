"""Rate limits by route and role, and their headers in every answer."""

import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from limits import parse

from skinapi.base.errors import StoreUnavailable, UnsafeSettings
from skinapi.platform.web.declaration import Rate, declared_routes
from skinapi.platform.web.mongo_limit_windows import MongoWindows
from skinapi.platform.web.rate_limits import Limits, SqliteWindows, Window, caller_address
from tests.support.backends import Backend

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


@pytest.mark.parametrize("text", ["doctor=5/minute", "5/minute, nurse=6/minute", "", "many"])
def test_a_rate_that_makes_no_sense_stops_the_start(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnsafeSettings):
        Backend(tmp_path, rate_read=text)


def test_a_browser_gets_permission_while_nothing_can_be_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(Limits, "spend", gone)
    headers = {"Origin": "http://localhost:4200", "Access-Control-Request-Method": "POST"}
    assert Backend(tmp_path).client.options("/login", headers=headers).status_code == 200


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


def test_hits_ahead_of_a_clock_that_was_put_back_do_not_count(
    windows: SqliteWindows | MongoWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, right = parse("1/minute"), time.time
    monkeypatch.setattr(time, "time", lambda: right() + 3600)
    assert [windows.hit(one, "key").allowed for _ in range(2)] == [True, False]
    monkeypatch.setattr(time, "time", right)
    assert [windows.hit(one, "key").allowed for _ in range(2)] == [True, False]


def test_hits_that_cost_more_count_all_or_none(windows: SqliteWindows | MongoWindows) -> None:
    five = parse("5/minute")
    costs = (2, 4, 3, 1)
    counted = [windows.hit(five, "key", cost=cost) for cost in costs]
    assert [(one.allowed, one.remaining) for one in counted] == [
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
