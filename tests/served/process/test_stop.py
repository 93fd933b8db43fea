import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.served.people import Seeder
from tests.served.server import STOP_S, Server, serving
from tests.served.wire import ask, open_connection, read_answer
from tests.support.backends import PASSWORD
from tests.support.size import size

SCRAPER = "f3a9c17e5b2d8046"
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


def test_a_stop_cuts_no_request_that_is_in_flight(server: Server) -> None:
    """Each client has been told to continue with its body, so its request is inside the backend."""
    lines = [open_connection(server.port) for _ in range(size(16, 48))]
    bodies = [registration(number) for number in range(len(lines))]
    for line, body in zip(lines, bodies, strict=True):
        line.sendall(head_of(body))
        assert line.recv(len(GO_ON)) == GO_ON
    server.ask_to_stop()
    for line, body in zip(lines, bodies, strict=True):
        line.sendall(body)
    heard = []
    for line in lines:
        with closing(line):
            heard.append(read_answer(line).status)
    # This many passwords at once exceed the places for hashing; the others get a refusal.
    assert set(heard) <= {201, 503}
    assert heard.count(201) >= 2
    assert server.await_end() == 0
    # Each worker has written what it had counted.
    with closing(server.services().store) as store:
        counted = sum(day["accounts"] for day in store.collection("daily_counts").find())
        assert counted == store.collection("accounts").count()


def test_a_stop_serves_every_connection_that_was_made_and_refuses_new_ones(server: Server) -> None:
    """A proxy sends a request to another server if the connection was refused. A request on a
    broken connection may have been carried out.
    """
    lines, workers = [], server.await_workers()
    with frozen(server):
        for number in range(8):  # the system makes these connections, while nobody accepts
            lines.append(open_connection(server.port))
            lines[-1].sendall(head_of(registration(number)))
        for worker in workers:
            os.kill(worker, signal.SIGTERM)
        server.ask_to_stop()
    for line in lines:
        assert line.recv(len(GO_ON)) == GO_ON
    await_refusal(server.port)
    for number, line in enumerate(lines):
        line.sendall(registration(number))
    for line in lines:
        with closing(line):
            assert read_answer(line).status in {201, 503}
    assert server.await_end() == 0


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    os.killpg(server.master(), signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(server.master(), signal.SIGCONT)


def await_refusal(port: int) -> None:
    deadline = time.monotonic() + STOP_S
    while time.monotonic() < deadline:
        try:
            open_connection(port).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.02)
    raise AssertionError("connections are still made")


def head_of(body: bytes) -> bytes:
    return (
        b"POST /register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
    )


def registration(number: int) -> bytes:
    text = '{{"name": "Ada", "email": "a{}@example.org", "password": "{}"}}'
    return text.format(number, PASSWORD).encode()


def test_after_a_stop_nothing_is_left_behind(tmp_path: Path) -> None:
    with serving(tmp_path, workers=2) as server:
        with closing(Seeder(server)) as seeder:
            ada = seeder.person()
        assert ada.call("POST", "/auth/logout").status == 200
        workers = server.await_workers()
        assert len(workers) == 2
        assert list(tmp_path.glob("skinapi-metrics-*"))
        assert server.stop() == 0
    assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]
    assert not list(tmp_path.glob("skinapi-metrics-*"))
    assert (tmp_path / "instance/skinapi.db").exists()
    assert not (tmp_path / "instance/skinapi.db-wal").exists()
    assert "Traceback" not in server.log()


def test_a_process_that_dies_is_counted_and_one_that_is_told_to_stop_is_not(tmp_path: Path) -> None:
    with serving(tmp_path, {"METRICS_TOKEN": SCRAPER}, workers=2) as server:
        for sent, died in ((signal.SIGTERM, 0), (signal.SIGKILL, 1)):
            killed = server.await_workers()[0]
            os.kill(killed, sent)
            deadline = time.monotonic() + STOP_S
            # The worker is counted a moment after its end.
            while killed in server.workers() or dead_of(server) < died:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert dead_of(server) == died


def dead_of(server: Server) -> int:
    """Wait for a worker that has started: the killed one may have been the only one."""
    deadline = time.monotonic() + STOP_S
    while (answer := ask(server.port, "GET", "/metrics", token=SCRAPER)).status == 503:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (line,) = re.findall(r"^skinapi_died_processes (\d+)\.0$", answer.data.decode(), re.MULTILINE)
    return int(line)
