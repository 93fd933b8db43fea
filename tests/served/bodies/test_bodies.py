import http.client
import re
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from socket import SHUT_WR

import pytest

from skinapi.accounts.auth.routes import LARGEST_BODY
from skinapi.platform.web.request_parsing import FORM_OVERHEAD
from tests.served import doors
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import JSON
from tests.served.server import Server, stopping
from tests.served.wire import PATIENCE_S, Answer, ask, at_once, open_connection, read_answer, tell
from tests.support.size import drill, size

LIMIT = 1024 * 1024
FORM = "multipart/form-data; boundary=b"
PHOTO_AND_TEXT = (
    b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    + bytes(10 * LIMIT)
    + b'\r\n--b\r\nContent-Disposition: form-data; name="other"\r\n\r\n%s\r\n--b--\r\n'
)
POST = b"POST /register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def assert_healthy(server: Server) -> None:
    """Send more calls at once than one worker has threads, which shows that all are free again."""
    answers = at_once([partial(ask, server.port, "GET", "/healthz")] * 80)
    assert {answer.status for answer in answers} == {200}


@pytest.fixture(scope="module")
def researcher(plain: Server) -> Iterator[Caller]:
    seeder = Seeder(plain)
    yield seeder.person(role="researcher")
    seeder.close()


def answer_to(
    caller: Caller, method: str, path: str, body: bytes, *, in_chunks: bool, kind: str = JSON
) -> Answer:
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
        f"Authorization: Bearer {caller.token}\r\n"
    ).encode()
    sent = b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    if in_chunks:
        pieces = [body[at : at + LIMIT] for at in range(0, len(body), LIMIT)]
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        sent = b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    with closing(open_connection(caller.port)) as line:
        line.sendall(head + sent)
        return read_answer(line)


@pytest.mark.parametrize("in_chunks", [False, True], ids=["announced", "in chunks"])
@pytest.mark.parametrize(
    ("path", "kind", "largest", "frame"),
    [
        ("/login", JSON, LARGEST_BODY, b"{%s}"),
        ("/lesions", JSON, LIMIT, b"{%s}"),
        ("/predict", FORM, 10 * LIMIT + FORM_OVERHEAD, PHOTO_AND_TEXT),
    ],
    ids=["login", "lesions", "predict"],
)
def test_a_body_of_just_its_limit_is_read_and_one_byte_more_is_refused(
    researcher: Caller, path: str, kind: str, largest: int, frame: bytes, in_chunks: bool
) -> None:
    for length, refused in ((largest, False), (largest + 1, True)):
        body = frame % (b" " * (length - len(frame) + 2))
        answer = answer_to(researcher, "POST", path, body, in_chunks=in_chunks, kind=kind)
        assert (answer.status == 413) is refused, answer.data
        assert refused or answer.json["code"] in ("invalid_body", "not_judgeable")


@pytest.mark.parametrize(
    "chunks", [b"zz\r\n{}\r\n0\r\n\r\n", b"2\r\n{}xx0\r\n\r\n", b"-2\r\n{}\r\n0\r\n\r\n"]
)
def test_broken_chunks_are_the_clients_fault(plain: Server, chunks: bytes) -> None:
    answer = tell(plain.port, POST, b"Transfer-Encoding: chunked\r\n\r\n", chunks)
    assert answer.status == 400
    assert answer.json["code"] == "bad_request"


def test_clients_that_hang_up_in_the_middle_of_a_body_harm_nobody(plain: Server) -> None:
    before = plain.log().count('"fault"')
    for number in range(size(40, 400)):
        with closing(open_connection(plain.port)) as line:
            line.sendall(POST + b"Content-Length: 100\r\n\r\n" + b"{" * (number % 50))
    assert_healthy(plain)
    assert plain.log().count('"fault"') == before


@pytest.mark.parametrize("byte", [b"\x00", b"\x01", b"\x1b", b"\x7f", b"\xff", b"\t"])
def test_a_raw_control_byte_in_the_request_line_gets_a_4xx(plain: Server, byte: bytes) -> None:
    answer = tell(plain.port, b"GET /users/", byte, b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert 400 <= answer.status < 500
    if "X-Request-ID" in answer.headers:  # it passed gunicorn and reached the backend
        assert answer.headers["Content-Type"] == "application/problem+json"


IMPATIENT = """
import runpy, sys
from skinapi.platform.web import admission
admission.SILENT_SECONDS = 0.3
sys.argv = ["skinapi", "serve"]
runpy.run_module("skinapi", run_name="__main__")
"""


def test_a_body_that_falls_silent_is_told_so_and_frees_its_thread(tmp_path: Path) -> None:
    with stopping(Server(tmp_path, {"THREADS": "1"}, workers=1)) as server:
        server.start(("-c", IMPATIENT))
        answer = tell(server.port, POST, b"Content-Length: 100\r\n\r\n{")
        assert (answer.status, answer.json["code"]) == (408, "request_timeout")
        assert ask(server.port, "GET", "/healthz").status == 200


LOGIN = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
EMPTY = b"\r\n0\r\n\r\n" + SMUGGLED
AS_LENGTH = b"\r\n" + SMUGGLED


def content_length(size: int) -> bytes:
    return b"Content-Length: %d\r\n" % size


def te(name_and_value: bytes) -> bytes:
    """A spelling of Transfer-Encoding that one server may take for chunked and another not."""
    return content_length(5) + name_and_value + EMPTY


SHAPES: dict[str, bytes] = {
    "CL.TE": content_length(5 + len(SMUGGLED)) + CHUNKED + EMPTY,
    "TE.CL": CHUNKED + content_length(4) + b"\r\n5c\r\n" + SMUGGLED + b"\r\n0\r\n\r\n",
    "two lengths": content_length(0) + content_length(len(SMUGGLED)) + AS_LENGTH,
    "list of lengths": b"Content-Length: 0, 40\r\n" + AS_LENGTH,
    "signed length": b"Content-Length: +2\r\n\r\n{}" + SMUGGLED,
    "length with an underscore": b"Content-Length: 1_0\r\n" + AS_LENGTH,
    "length in other digits": "Content-Length: ２\r\n\r\n{}".encode() + SMUGGLED,
    "space before the colon": b"Content-Length : 40\r\n" + AS_LENGTH,
    "TE x": te(b"Transfer-Encoding: xchunked\r\n"),
    "TE twice": te(CHUNKED + b"Transfer-Encoding: identity\r\n"),
    "TE list": te(b"Transfer-Encoding: chunked, identity\r\n"),
    "TE folded": te(b"Transfer-Encoding:\r\n chunked\r\n"),
    "TE with a vertical tab": te(b"Transfer-Encoding: \x0bchunked\r\n"),
    "TE after a bare LF": te(b"X: y\nTransfer-Encoding: chunked\r\n"),
    "chunk size with a sign": CHUNKED + b"\r\n+2\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "chunk longer than it says": CHUNKED + b"\r\n1\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "chunk extension with a bare LF": CHUNKED + b"\r\n2;x\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "no colon": b"Content-Length 40\r\n" + AS_LENGTH,
}


def heard(server: Server, sent: bytes) -> bytes:
    with closing(open_connection(server.port)) as line:
        line.sendall(sent)
        line.shutdown(SHUT_WR)
        return b"".join(iter(partial(line.recv, 65536), b""))


def statuses(answers: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", answers)]


@pytest.mark.parametrize("shape", SHAPES)
def test_an_ambiguous_request_gets_one_refusal_and_a_closed_connection(
    plain: Server, shape: str
) -> None:
    assert statuses(heard(plain, LOGIN + SHAPES[shape])) in ([400], [501])


def test_a_plain_request_is_followed_by_the_next(plain: Server) -> None:
    for whole in (
        content_length(2) + b"\r\n{}",
        CHUNKED + b"\r\n2\r\n{}\r\n0\r\n\r\n",
        b"Transfer_Encoding: chunked\r\n" + content_length(2) + b"\r\n{}",
    ):
        assert statuses(heard(plain, LOGIN + whole + SMUGGLED)) == [400, 404]


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "SCRIPT-NAME", "PATH_INFO", "X-Forwarded-Proto"])
def test_no_header_moves_a_request_elsewhere(plain: Server, name: str) -> None:
    """gunicorn accepts some from a proxy on this machine. Nobody is one unless a setting says
    so.
    """
    for value in ("/nowhere", "https", "/healthz"):
        answer = ask(plain.port, "GET", "/readyz", headers={name: value})
        assert (answer.status, answer.json["status"]) == (200, "ready")


MEGABYTE = 1024 * 1024
ORIGIN = "http://localhost:5173"
ANY_FORM = "multipart/form-data; boundary=x"
# What each refusal is told by: path, content type, token, and the status.
REFUSED = {
    "no token": ("/predict", ANY_FORM, None, 401),
    "a broken token": ("/predict", ANY_FORM, "null", 401),
    **doors.REFUSED,
    "no such path": ("/nowhere", JSON, None, 404),
    "no such method": ("/me", JSON, None, 405),
    "a body that is too large": ("/login", JSON, None, 413),
}


def send(
    port: int, path: str, body: bytes, kind: str, token: str | None = None, *, chunked: bool = False
) -> Answer:
    """Send the whole body before reading the answer, as most clients do."""
    headers = {"Content-Type": kind, "Origin": ORIGIN}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)) as line:
        pieces = (body[at : at + MEGABYTE] for at in range(0, len(body), MEGABYTE))
        line.request("POST", path, pieces if chunked else body, headers, encode_chunked=chunked)
        answer = line.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read())


def assert_whole(answer: Answer, status: int) -> None:
    assert answer.status == status
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert int(answer.headers["Content-Length"]) == len(answer.data) > 0


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "in chunks"])
@pytest.mark.parametrize("why", [*REFUSED] if drill else [*REFUSED][::3])
def test_a_refusal_is_received_by_a_client_that_still_sends_megabytes(
    closed: Server, why: str, chunked: bool
) -> None:
    path, kind, token, status = REFUSED[why]
    for megabytes in (1, 4, 13, 20) * size(1, 10):
        body = b"x" * (megabytes * MEGABYTE + 1)
        answer = send(closed.port, path, body, kind, token, chunked=chunked)
        assert_whole(answer, status)


# The kernel may take 36 MB more than the 32 that are discarded.
@pytest.mark.parametrize("megabytes", [128, 4096])
def test_a_refused_body_is_not_discarded_for_ever(closed: Server, megabytes: int) -> None:
    length = megabytes * MEGABYTE
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % length
    with closing(open_connection(closed.port)) as line:
        line.sendall(head)
        assert read_answer(line).status == 401
        sent = sent_until_cut_off(line, length)
    assert 20 * MEGABYTE <= sent < length


def sent_until_cut_off(line: socket.socket, length: int) -> int:
    sent = 0
    with suppress(OSError):
        while sent < length:
            sent += line.send(b"x" * MEGABYTE)
    return sent
