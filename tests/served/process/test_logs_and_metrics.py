"""Metrics and logs of a served backend: sums over all workers, and no personal data."""

import re
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.served.conftest import SCRAPER
from tests.served.server import Server, stopping
from tests.served.wire import ask, at_once, open_connection, read_answer
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
