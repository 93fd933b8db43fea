"""A limit holds over all workers together, to the request."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.served.conftest import environment_of
from tests.served.server import Server, serving, stopping
from tests.served.wire import Answer, ask, at_once
from tests.stores.mongod import free_port
from tests.support.size import size

# Below what one address may have open at a worker: past it, the longest waiting is cut off.
CALLS = 240


def called_at_once(server: Server, times: int, *, address: str) -> list[Answer]:
    headers = {"X-Forwarded-For": address}
    return at_once([partial(ask, server.port, "GET", "/api/health", headers=headers)] * times)


@pytest.fixture(scope="module")
def limited(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Four workers, and every caller of a test from an address that no other test has."""
    on_store = environment_of(store)
    limits = {"RATE_READ": "100/minute", "RATE_LIMIT_STORAGE": on_store.get("MONGO_URI", "")}
    behind_proxy = {"TRUSTED_PROXIES": "1", **on_store, **limits}
    with serving(tmp_path_factory.mktemp("limited"), behind_proxy) as server:
        yield server


def test_a_limit_of_100_a_minute_over_four_workers_admits_exactly_100(limited: Server) -> None:
    for number in range(size(1, 5)):
        answers = called_at_once(limited, CALLS, address=f"198.51.100.{number}")
        counted = Counter(answer.status for answer in answers)
        assert counted == {200: 100, 429: CALLS - 100}
        refused = next(answer for answer in answers if answer.status == 429)
        assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_where_the_limits_cannot_be_counted_nobody_is_let_through(tmp_path: Path) -> None:
    gone = {"RATE_LIMIT_STORAGE": f"mongodb://127.0.0.1:{free_port()}/"}
    with stopping(Server(tmp_path, gone, workers=1)) as server:
        server.start(ready="/healthz")
        for path in ("/api/health", "/readyz"):
            answer = ask(server.port, "GET", path)
            assert answer.status == 503
            assert answer.headers["Retry-After"]
