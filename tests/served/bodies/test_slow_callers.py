"""Slow clients use connections, and do not delay other requests."""

import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from select import select
from socket import create_connection, socket

import pytest

from skinapi.server.buffering_worker import BufferingWorker
from skinapi.server.deadlines import HEAD_SECONDS
from skinapi.settings import Settings
from tests.served.people import Caller, Seeder
from tests.served.server import Server, serving, stopping
from tests.served.wire import PATIENCE_S, Answer, ask, at_once, open_connection, read_answer
from tests.support.photos import photo_of
from tests.support.size import size

CALLERS = size(40, 500)
SECONDS = size(0.4, 60)
MEGABYTE = 1024 * 1024
BOUNDARY = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
NOBODY = {"email": "nobody@example.org", "password": "a wrong password"}
SERVE = (
    "import runpy, sys; sys.argv = ['skinapi', 'serve']; "
    "runpy.run_module('skinapi', run_name='__main__')"
)
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
    """So many who go on for as long as the block lasts; whoever is cut off comes again.

    They are a process of their own, so that they do not hold up the clock of whoever measures.
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
    """From another address: past its cap, whoever waits longest at the same one makes room."""
    line = create_connection(("127.0.0.1", port), PATIENCE_S, source_address=("127.0.0.9", 0))
    line.setblocking(False)
    return line


@pytest.fixture(scope="module")
def beset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With the limit as shipped: who reads nothing would otherwise be served a million answers."""
    shipped = {"RATE_READ": Settings.model_fields["rate_read"].default}
    with serving(tmp_path_factory.mktemp("beset"), shipped, workers=1) as server:
        yield server


@pytest.mark.parametrize("how", SLOW)
@pytest.mark.timeout(size(120, 600))
def test_slow_clients_do_not_delay_others(
    how: str, beset: Server, report: Callable[[str], None]
) -> None:
    """Without deadlines of the main loop, as many as there are threads would stop everything."""
    with closing(Seeder(beset)) as seeder:
        ada = seeder.person()
    alone = waits_for(beset, ada, SECONDS / 6)
    with slow_callers(beset.port, SLOW[how], CALLERS):
        beside = waits_for(beset, ada, SECONDS)
    assert "Traceback" not in beset.log()
    report(
        f"{CALLERS} callers who {how} for {SECONDS} s: /healthz p99 {p99(beside):.0f} ms "
        f"({p99(alone):.0f} without them), {len(beside)} photos judged meanwhile"
    )


def waits_for(server: Server, caller: Caller, seconds: float) -> list[float]:
    """How long each of the calls of /healthz took, in turn with a photo, for so many seconds."""
    waits = []
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        begun = time.perf_counter()
        assert ask(server.port, "GET", "/healthz").status == 200
        waits.append(time.perf_counter() - begun)
        assert predict(caller).status == 200
    return waits


def p99(waits: list[float]) -> float:
    """In milliseconds."""
    return 1000 * sorted(waits)[int(len(waits) * 0.99)]


def predict(caller: Caller, content: bytes | None = None) -> Answer:
    body = BOUNDARY + (content or photo_of("melanoma")) + b"\r\n--x--\r\n"
    with closing(open_connection(caller.port)) as line:
        line.sendall(upload_head(caller, len(body)) + body)
        return read_answer(line)


def upload_head(caller: Caller, length: int) -> bytes:
    token = f"Authorization: Bearer {caller.token}\r\n".encode()
    return head(b"/predict", FORM, token, b"Content-Length: %d\r\n\r\n" % length)


def test_requests_in_a_row_win_no_address_more_connections(tmp_path: Path) -> None:
    """A connection whose next request is always here waits for a thread, and never for its client:
    one address took all connections there are, and nobody else could connect.
    """
    row = b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n" * 400
    most = size(20, BufferingWorker.most_of_address)
    fewer = (
        "from skinapi.server.buffering_worker import BufferingWorker as W;"
        f"W.most_of_address = {most}"
    )
    with stopping(Server(tmp_path, {"THREADS": "2"}, workers=1)) as server:
        server.start(("-c", f"{fewer}; {SERVE}"))
        (worker,) = server.workers()
        before = open_sockets(worker)
        lines = []
        for _ in range(most + 30):
            lines.append(open_connection(server.port))
            lines[-1].sendall(row)
            time.sleep(0.01)  # its head is read before the next comes
        assert ask(server.port, "GET", "/healthz").status == 200  # all before it were accepted
        assert open_sockets(worker) - before <= most
        for line in lines:
            line.close()


def test_idle_connections_leave_files_to_the_threads(tmp_path: Path) -> None:
    """Where the system allows few open files, connections took all of them."""
    limited = "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (256, 256))"
    with stopping(Server(tmp_path, {"THREADS": "8"}, workers=1)) as server:
        server.start(("-c", f"{limited}; {SERVE}"))
        (worker,) = server.workers()
        with slow_callers(server.port, drips_a_head, 250):
            calls = [partial(ask, server.port, "POST", "/login", json=NOBODY) for _ in range(8)]
            # 503: no place to wait for a hash, which four of eight threads have.
            assert 401 in {answer.status for answer in at_once(calls)} <= {401, 503}
            assert len(list(Path(f"/proc/{worker}/fd").iterdir())) <= 256 - 8 * 8


def open_sockets(process: int) -> int:
    found = 0
    for handle in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed in the meantime
            found += str(handle.readlink()).startswith("socket:")
    return found


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Room for two of the largest photos, free again when a test has closed its connections."""
    with serving(tmp_path_factory.mktemp("narrow"), {}, workers=1) as server:
        yield server


@pytest.fixture
def people(narrow: Server) -> Iterator[Seeder]:
    seeder = Seeder(narrow)
    yield seeder
    seeder.close()


LARGEST = 10 * MEGABYTE


def begin_upload(caller: Caller, length: int, sent: int) -> socket:
    line = open_connection(caller.port)
    line.sendall(upload_head(caller, length) + BOUNDARY + b"x" * (sent - len(BOUNDARY)))
    return line


def test_uploads_that_stall_deny_nobody_theirs(people: Seeder) -> None:
    """Of three that fill the memory nearly whole and stop, one goes; who uploads is served."""
    stalled = [begin_upload(people.person(), LARGEST, LARGEST * 3 // 5) for _ in range(3)]
    time.sleep(1.5)  # from here on they have stalled
    large = photo_of("melanoma") + b"\0" * (LARGEST // 2)
    assert {predict(people.person(), large).status for _ in range(5)} == {200}
    answers = [answer_at_hand(line) for line in stalled]
    refused = [answer for answer in answers if answer]
    assert refused
    assert {(one.status, one.headers["Retry-After"]) for one in refused} == {(503, "2")}
    for line in stalled:
        line.close()


def test_large_uploads_under_way_deny_nobody_a_smaller_one(people: Seeder) -> None:
    """The last to come was refused, for as long as others kept theirs growing."""
    lines = [begin_upload(people.person(), LARGEST, LARGEST * 19 // 20) for _ in range(2)]
    small = photo_of("melanoma") + b"\0" * (LARGEST // 4)
    assert predict(people.person(), small).status == 200
    for line in lines:
        line.close()


def answer_at_hand(line: socket) -> Answer | None:
    line.settimeout(0.5)
    try:
        return read_answer(line)
    except TimeoutError:
        return None


def test_an_announced_upload_takes_no_memory_before_it_comes(people: Seeder) -> None:
    """Two of the largest that have sent nothing once left room for nobody."""
    lines = [begin_upload(people.person(), LARGEST, len(BOUNDARY)) for _ in range(4)]
    assert predict(people.person()).status == 200
    for line in lines:
        line.close()


def test_one_account_holds_no_more_than_half_of_the_memory(people: Seeder) -> None:
    ada = people.person()
    lines = [begin_upload(ada, LARGEST, LARGEST * 2 // 5) for _ in range(3)]
    select(lines, [], [], PATIENCE_S)
    refused = [answer for line in lines if (answer := answer_at_hand(line))]
    assert [answer.status for answer in refused] == [503]
    for line in lines:
        line.close()


def test_a_head_without_an_end_is_refused(plain: Server) -> None:
    with closing(open_connection(plain.port)) as line:
        line.sendall(b"GET / HTTP/1.1\r\n")
        with suppress(OSError):  # it may be refused before all of it is sent
            line.sendall((b"X: " + b"y" * 4096 + b"\r\n") * 10)
        assert read_answer(line).status == 431


def test_idle_connections_take_no_file_that_others_need(beset: Server) -> None:
    """Where no more files may be open, whoever waits longest makes room for who comes."""
    (worker,) = beset.workers()
    opened = len(list(Path(f"/proc/{worker}/fd").iterdir()))
    with few_files(worker, opened + 20), ExitStack() as lines:
        for _ in range(60):
            lines.enter_context(closing(open_connection(beset.port)))
        last = lines.enter_context(closing(open_connection(beset.port)))
        last.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        last.settimeout(HEAD_SECONDS * 0.8)  # before any of the others is due to end
        assert read_answer(last).status == 200
    assert "Traceback" not in beset.log()


@contextmanager
def few_files(process: int, most: int) -> Iterator[None]:
    soft, hard = resource.prlimit(process, resource.RLIMIT_NOFILE)
    resource.prlimit(process, resource.RLIMIT_NOFILE, (most, hard))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.drill
def test_a_body_that_falls_silent_is_told_so(people: Seeder) -> None:
    with closing(begin_upload(people.person(), 1000, 100)) as line:
        line.settimeout(60)
        answer = read_answer(line)
    assert (answer.status, answer.json["code"]) == (408, "request_timeout")
