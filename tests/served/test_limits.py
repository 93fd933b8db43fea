"""A limit holds over all workers together, to the request."""

from collections import Counter
from functools import partial
from pathlib import Path

from tests.mongod import free_port
from tests.served.conftest import environment_of
from tests.served.server import Server, serving, stopping
from tests.served.wire import Answer, ask, at_once
from tests.size import size

# Below what one address may have open at a worker: past it, the longest waiting is cut off.
CALLS = 240


def called_at_once(server: Server, times: int) -> list[Answer]:
    return at_once([partial(ask, server.port, "GET", "/")] * times)


def test_a_limit_of_100_a_minute_over_four_workers_admits_exactly_100(
    tmp_path: Path, store: str
) -> None:
    for number in range(size(1, 5)):
        on_store = environment_of(store)  # a database of its own: the minute is not over yet
        limits = {"RATE_READ": "100/minute", "RATE_LIMIT_STORAGE": on_store.get("MONGO_URI", "")}
        folder = tmp_path / str(number)
        with serving(folder, on_store | limits) as server:
            answers = called_at_once(server, CALLS)
            counted = Counter(answer.status for answer in answers)
            assert counted == {200: 100, 429: CALLS - 100}
            refused = next(answer for answer in answers if answer.status == 429)
            assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_the_first_calls_of_a_caller_are_all_admitted(
    tmp_path: Path, on_store: dict[str, str]
) -> None:
    """Also when they come at once: a new window is no reason to refuse."""
    limits = {"RATE_READ": "20/minute", "RATE_LIMIT_STORAGE": on_store.get("MONGO_URI", "")}
    behind_proxy = {"TRUSTED_PROXIES": "1", **on_store, **limits}
    with serving(tmp_path, behind_proxy, workers=2) as server:
        for number in range(size(5, 50)):
            headers = {"X-Forwarded-For": f"192.0.2.{number}"}
            call = partial(ask, server.port, "GET", "/", headers=headers)
            counted = Counter(answer.status for answer in at_once([call] * 20))
            assert counted == {200: 20}


def test_where_the_limits_cannot_be_counted_nobody_is_let_through(tmp_path: Path) -> None:
    gone = {"RATE_LIMIT_STORAGE": f"mongodb://127.0.0.1:{free_port()}/"}
    with stopping(Server(tmp_path, gone, workers=1)) as server:
        server.start(ready="/healthz")
        for path in ("/", "/readyz"):
            answer = ask(server.port, "GET", path)
            assert answer.status == 503
            assert answer.headers["Retry-After"]
