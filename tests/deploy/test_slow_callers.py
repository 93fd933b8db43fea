import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from socket import create_connection, socket

import pytest

from skinapi.base.settings.settings import Settings
from tests.deploy.nginx import Proxy, find_nginx
from tests.served.people import Seeder
from tests.served.server import Server, serving
from tests.served.wire import PATIENCE_S, Answer, ask, tell
from tests.support.photos import photo_of
from tests.support.size import drill, size

CALLERS = size(40, 500)
SECONDS = size(0.4, 60)
BOUNDARY = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
FORM = b"Content-Type: multipart/form-data; boundary=x\r\n"


def head(path: bytes, *lines: bytes) -> bytes:
    return b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\n" + b"".join(lines)


def says_nothing(line: socket, _: int) -> None: ...


def drips_a_head(line: socket, turn: int) -> None:
    line.send(b"GET /healthz HTTP/1.1\r\nX: " if turn == 0 else b"x")


def drips_a_body(line: socket, turn: int) -> None:
    length = b"Content-Length: 1000\r\n\r\n{"
    line.send(head(b"/login", b"Content-Type: application/json\r\n", length) if not turn else b" ")


def drips_chunks(line: socket, turn: int) -> None:
    coding = b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    line.send(head(b"/login", coding) if not turn else b"1\r\n \r\n")


def never_reads(line: socket, turn: int) -> None:
    if turn == 0:
        line.send(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)


SLOW: dict[str, Callable[[socket, int], None]] = {
    "say nothing": says_nothing,
    "drip a head": drips_a_head,
    "drip a body": drips_a_body,
    "drip chunks": drips_chunks,
    "never read": never_reads,
}


@contextmanager
def slow_callers(
    port: int, act: Callable[[socket, int], None], many: int, every: float = 0.1
) -> Iterator[None]:
    """Keep this many slow connections open during the block; closed ones reconnect. They run in a
    process of their own, so that they do not disturb the measurement.
    """
    processes = multiprocessing.get_context("fork")
    over, begun = processes.Event(), processes.Event()

    def go_on() -> None:
        lines: list[tuple[socket, int]] = []
        while not over.wait(0 if not lines else every):
            with suppress(OSError):
                lines += [(called(port), 0) for _ in range(many - len(lines))]
            kept = []
            for line, turn in lines:
                try:
                    act(line, turn)
                except BlockingIOError:
                    kept.append((line, turn + 1))
                except OSError:
                    line.close()
                else:
                    kept.append((line, turn + 1))
            lines = kept
            begun.set()

    callers = processes.Process(target=go_on, daemon=True)
    callers.start()
    try:
        assert begun.wait(60)
        yield
    finally:
        over.set()
        callers.join()


def called(port: int) -> socket:
    """Call from an address of its own: nginx and the rate limits count by address."""
    line = create_connection(("127.0.0.1", port), PATIENCE_S, source_address=("127.0.0.9", 0))
    line.setblocking(False)
    return line


@pytest.fixture(scope="module")
def beset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Proxy]]:
    """A server of one process behind nginx, both configured as docs/operate describes. With the
    rate limit, because a client that reads nothing would otherwise be served a million answers.
    """
    find_nginx()
    shipped = {"RATE_READ": Settings.model_fields["rate_read"].default, "TRUSTED_PROXIES": "1"}
    with serving(tmp_path_factory.mktemp("beset"), shipped, workers=1) as server:
        address = f"127.0.0.1:{server.port}"
        made = Proxy(tmp_path_factory.mktemp("nginx"), server=address, patient=True)
        with made.running() as proxy:
            yield server, proxy


@pytest.mark.parametrize("how", SLOW if drill else ["drip a head", "drip a body"])
@pytest.mark.timeout(size(120, 600))
def test_slow_callers_do_not_delay_others(
    how: str, beset: tuple[Server, Proxy], report: Callable[[str], None]
) -> None:
    """There are more slow callers than threads: without nginx the server would answer nobody."""
    server, proxy = beset
    assert server.settings().threads < CALLERS
    with closing(Seeder(server)) as seeder:
        token = seeder.person().token
    alone = waits_for(proxy.port, token, SECONDS / 6)
    with slow_callers(proxy.port, SLOW[how], CALLERS):
        beside = waits_for(proxy.port, token, SECONDS)
    assert "Traceback" not in server.log()
    if drill:
        assert p99(beside) <= 1000
    report(
        f"{CALLERS} callers who {how} for {SECONDS} s: /healthz p99 {p99(beside):.0f} ms "
        f"({p99(alone):.0f} without them), {len(beside)} photos judged meanwhile"
    )


def waits_for(port: int, token: str, seconds: float) -> list[float]:
    waits = []
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        begun = time.perf_counter()
        assert ask(port, "GET", "/healthz").status == 200
        waits.append(time.perf_counter() - begun)
        assert predict(port, token).status == 200
    return waits


def p99(waits: list[float]) -> float:
    return 1000 * sorted(waits)[int(len(waits) * 0.99)]


def predict(port: int, token: str) -> Answer:
    body = BOUNDARY + photo_of("melanoma") + b"\r\n--x--\r\n"
    caller = f"Authorization: Bearer {token}\r\n".encode()
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    return tell(port, head(b"/predict", FORM, caller, length), body)
