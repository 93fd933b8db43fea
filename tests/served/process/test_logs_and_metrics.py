import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.served.conftest import SCRAPER, environment_of
from tests.served.server import Server, serving, stopping
from tests.served.wire import Answer, ask, at_once, open_connection, read_answer
from tests.stores.mongod import free_port
from tests.support.size import size

CHUNKED = (
    b"POST /login HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


def counted(server: Server, route: str) -> float:
    text = ask(server.port, "GET", "/metrics", token=SCRAPER).data.decode()
    lines = [line for line in text.splitlines() if f'route="{route}"' in line]
    return sum(
        float(line.split()[-1]) for line in lines if line.startswith("skinapi_requests_total")
    )


def test_the_metrics_are_summed_over_the_workers(plain: Server) -> None:
    times = size(60, 600)
    before = counted(plain, "/readyz")
    for _ in range(times // 20):
        at_once([partial(ask, plain.port, "GET", "/readyz")] * 20)
    seen = {counted(plain, "/readyz") for _ in range(20)}  # whichever worker answers
    assert seen == {before + times}


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /users/grace.hopper@navy.example HTTP/9.9\r\n\r\n",
        b"GET /users/grace.hopper@navy.example \x01 HTTP/1.1\r\n\r\n",
        b"grace.hopper@navy.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nAuthorization Bearer grace.hopper@navy.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nX-Mail: grace.hopper@navy.example\x00\r\n\r\n",
        b"GET /" + b"grace.hopper@navy.example" * 400 + b" HTTP/1.1\r\n\r\n",
        CHUNKED + b"grace.hopper@navy.example\r\n",
        b"POST /login HTTP/1.1\r\nContent-Length: grace.hopper@navy.example\r\n\r\n",
        b"POST /login HTTP/1.1\r\nTransfer-Encoding: grace.hopper@navy.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nExpect: grace.hopper@navy.example\r\n\r\n",
    ],
)
def test_the_log_of_a_broken_request_quotes_nothing(plain: Server, request_bytes: bytes) -> None:
    with closing(open_connection(plain.port)) as line:
        line.sendall(request_bytes)
        answer = read_answer(line)
    assert 400 <= answer.status < 600
    log = plain.log()
    assert "grace" not in log.lower()
    assert "127.0.0.1:" not in re.sub(r"(http://|listening on )127\.0\.0\.1:\d+", "", log)
    assert "ip=" not in log


def test_no_other_user_of_the_machine_reads_what_a_server_keeps(plain: Server) -> None:
    folder = plain.folder / "instance"
    open_to_others = [path for path in (folder, *folder.rglob("*")) if path.stat().st_mode & 0o077]
    assert open_to_others == []


# The whole server, its log and what it prints, on a disk without a free byte.
ON_A_FULL_DISK = """
import os, sys
full = os.open("/dev/full", os.O_WRONLY)
os.dup2(full, 1)
os.dup2(full, 2)
os.execv(sys.executable, [sys.executable, "-m", "skinapi", "serve"])
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_server_whose_log_is_full_starts_answers_and_stops(tmp_path: Path) -> None:
    with stopping(Server(tmp_path, workers=1)) as server:
        server.start(("-c", ON_A_FULL_DISK))
        workers = server.workers()
        for path in ("/healthz", "/readyz", "/conditions", "/nowhere") * 2:
            assert ask(server.port, "GET", path).status == (404 if path == "/nowhere" else 200)
        assert server.workers() == workers
        assert server.stop() == 0


# Below what one address may have open at a worker: past it, the longest waiting is cut off.
CALLS = 240


def called_at_once(server: Server, times: int, *, address: str) -> list[Answer]:
    headers = {"X-Forwarded-For": address}
    return at_once([partial(ask, server.port, "GET", "/conditions", headers=headers)] * times)


@pytest.fixture(scope="module")
def limited(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Four workers. The callers of each test have addresses of their own."""
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
        for path in ("/conditions", "/readyz"):
            answer = ask(server.port, "GET", path)
            assert answer.status == 503
            assert answer.headers["Retry-After"]
