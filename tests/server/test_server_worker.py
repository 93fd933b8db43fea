"""The worker's main loop, stepped by the test over real sockets."""

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from selectors import EVENT_READ, DefaultSelector
from threading import Event
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger

from skinapi.errors import PayloadTooLarge
from skinapi.server.buffered_request import MOST_HEAD, Admission
from skinapi.server.buffering_worker import BufferingWorker
from skinapi.server.connection import BodyMemory, State
from skinapi.server.deadlines import SLOWEST_RATE

PATIENCE_S = 10
NEXT = b"GET /next HTTP/1.1\r\nHost: localhost\r\n\r\n"


class SteppedWorker(BufferingWorker):
    """Serves a listener of its own; a GET waits until `go_on` is set. Only `/read` and
    `/admitted` read the body.
    """

    def __init__(self) -> None:
        config = Config()
        super().__init__(0, 0, [], None, 30, config, Logger(config))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.wsgi = self.answer
        self.called, self.waiting, self.go_on = 0, 0, Event()
        self.tpool, self.poller = self.get_thread_pool(), DefaultSelector()
        self.method_queue.init()
        queue = self.method_queue
        self.poller.register(queue.fileno(), EVENT_READ, queue.run_callbacks)
        self.poller.register(self.listener, EVENT_READ, self.accept)

    def answer(self, environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
        self.called += 1
        if environ["REQUEST_METHOD"] == "GET":
            self.waiting += 1
            self.go_on.wait(PATIENCE_S)
        if environ["PATH_INFO"] == "/admitted":
            environ["gunicorn.socket"].admit(Admission("anna", {}, 2**20, PayloadTooLarge()))
        if environ["PATH_INFO"] in ("/read", "/admitted"):
            environ["wsgi.input"].read()
        start("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    def run_until(self, holds: Callable[[], bool]) -> None:
        ends = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < ends, "it never came to hold"
            self.wait_for_and_dispatch_events(0.02)

    def dial(self) -> socket.socket:
        return socket.create_connection(self.listener.getsockname(), timeout=PATIENCE_S)

    def limit_bodies(self, size: int) -> None:
        self._memory = BodyMemory(size)

    @property
    def running(self) -> int:
        return self._fair_queue._running.total()

    @property
    def queued(self) -> int:
        return sum(map(len, self._fair_queue._waiting.values()))

    @property
    def unread(self) -> int:
        return sum(len(conn.unread) for conn in self._connections)


@pytest.fixture
def worker() -> Iterator[SteppedWorker]:
    worker = SteppedWorker()
    yield worker
    worker.go_on.set()
    worker.tpool.shutdown()
    for conn in worker._connections:
        conn.sock.close()
    worker.listener.close()
    worker.tmp.close()
    worker.poller.close()
    worker.method_queue.close()


@pytest.mark.parametrize(
    ("path", "framing", "body"),
    [
        (b"/leave", b"Content-Length: 1\r\n\r\n", b"x"),
        (b"/read", b"Content-Length: 1\r\n\r\n", b"x"),
        (b"/read", b"Transfer-Encoding: chunked\r\n\r\n1\r\n", b"x\r\n0\r\n\r\n"),
    ],
)
def test_what_comes_behind_a_body_is_left_to_the_network(
    worker: SteppedWorker, path: bytes, framing: bytes, body: bytes
) -> None:
    """Nothing counts the bytes of requests to come: 256 KB were held for every connection."""
    with closing(worker.dial()) as line:
        line.sendall(b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\n" + framing)
        worker.run_until(lambda: worker.called == 1)
        line.setblocking(False)
        line.send(body + NEXT * 5000)
        worker.run_until(lambda: worker.waiting == 1)
        assert worker.unread <= MOST_HEAD


def test_a_body_that_is_here_takes_one_call(worker: SteppedWorker) -> None:
    """It took two, one for the head and one for all of it: 1.4 ms more for a small photo."""
    head = b"POST /admitted HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000\r\n\r\n"
    assert len(head) + 50_000 > MOST_HEAD
    with closing(worker.dial()) as line:
        for _ in range(2):
            line.sendall(head + b"x" * 50_000)
            worker.run_until(lambda: worker.called > 0 and not worker.running)
            assert worker.called == 1
            assert line.recv(12) == b"HTTP/1.1 200"
            worker.called = 0
            line.recv(1000)


def test_bodies_of_refused_requests_deny_nobody_an_upload(worker: SteppedWorker) -> None:
    """What came with a head counted before anybody was admitted: a few callers without a token took
    the memory of all uploads, and those under way were refused.
    """
    worker.limit_bodies(64 * 1024)
    head = b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000\r\n\r\n"
    lines = [worker.dial() for _ in range(6)]
    upload, first, *others = lines
    upload.sendall(b"POST /read" + head + b"x")
    worker.run_until(lambda: worker.called == 1)
    first.sendall(NEXT)
    worker.run_until(lambda: worker.waiting == 1)
    for line in others:
        line.sendall(b"POST /leave" + head + b"x" * 20000)
    worker.run_until(lambda: worker.queued == len(others))
    worker.go_on.set()
    upload.sendall(b"x" * 19999)
    worker.run_until(lambda: worker.called == 3 + len(others) and not worker.running)
    assert upload.recv(12) == b"HTTP/1.1 200"
    for line in lines:
        line.close()


def test_who_uploads_slowly_is_not_closed_before_who_sends_nothing(worker: SteppedWorker) -> None:
    """Where connections ran out, an upload under way for seconds was taken for the longest wait."""
    with ExitStack() as stack:
        upload = stack.enter_context(closing(worker.dial()))
        upload.sendall(b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n\r\nx")
        worker.run_until(lambda: any(conn.state is State.BODY for conn in worker._connections))
        (uploading,) = worker._connections
        silent = stack.enter_context(closing(worker.dial()))
        silent.sendall(b"GET / HTTP/1.1\r\n")
        worker.run_until(lambda: worker.unread > 0)
        assert worker._connections.longest_waiting() is uploading
        upload.sendall(b"x" * 40_000)
        worker.run_until(lambda: uploading.held > 40_000)
        (other,) = (conn for conn in worker._connections if conn is not uploading)
        assert worker._connections.longest_waiting() is other


def test_a_stale_event_of_a_connection_is_ignored(worker: SteppedWorker) -> None:
    """One turn of the loop may move a connection on before its own event has its turn."""
    with closing(worker.dial()) as line:
        line.sendall(b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx")
        worker.run_until(lambda: any(conn.state is State.BODY for conn in worker._connections))
        (conn,) = worker._connections
        stale = conn.on_event
        assert stale
        worker._watch(conn, EVENT_READ, worker._drain_more)
        line.sendall(b"12345678")
        worker._dispatch(conn, stale, conn.sock)
        assert conn.request.arrived == 1


def test_where_the_system_allows_no_more_threads_one_connection_ends(
    worker: SteppedWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with closing(worker.dial()) as line, monkeypatch.context() as patch:
        patch.setattr(worker.tpool, "submit", refuse)
        line.sendall(NEXT)
        worker.run_until(lambda: worker.nr_conns == 1)
        worker.run_until(lambda: worker.nr_conns == 0)
        assert worker.running == 0
        assert line.recv(1) == b""


def test_chunks_have_more_time_the_more_of_them_come(worker: SteppedWorker) -> None:
    """Their length is not known, so twenty seconds were all there was, for 10 MB too."""
    with closing(worker.dial()) as line:
        head = b"POST /read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        line.sendall(head + b"1\r\nx\r\n")
        worker.run_until(lambda: any(conn.state is State.BODY for conn in worker._connections))
        (conn,) = worker._connections
        before = conn.deadline
        line.sendall(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
        worker.run_until(lambda: conn.request.arrived > 0x8000)
        assert conn.deadline >= before + 0x8000 / SLOWEST_RATE
