"""Request smuggling: a request whose end is ambiguous is refused once, and the connection
closed.
"""

import json
import re
from contextlib import closing
from functools import partial
from socket import SHUT_WR

import pytest

from tests.served.server import Server
from tests.served.wire import ask, open_connection

POST = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
EMPTY = b"\r\n0\r\n\r\n" + SMUGGLED
AS_LENGTH = b"\r\n" + SMUGGLED


def length(size: int) -> bytes:
    return b"Content-Length: %d\r\n" % size


def te(name_and_value: bytes) -> bytes:
    """A spelling of Transfer-Encoding that one server may take for chunked and another not."""
    return length(5) + name_and_value + EMPTY


SHAPES: dict[str, bytes] = {
    "CL.TE": length(5 + len(SMUGGLED)) + CHUNKED + EMPTY,
    "TE.CL": CHUNKED + length(4) + b"\r\n5c\r\n" + SMUGGLED + b"\r\n0\r\n\r\n",
    "two lengths": length(0) + length(len(SMUGGLED)) + AS_LENGTH,
    "equal lengths": length(2) + length(2) + b"\r\n{}" + SMUGGLED,
    "list of lengths": b"Content-Length: 0, 40\r\n" + AS_LENGTH,
    "signed length": b"Content-Length: +2\r\n\r\n{}" + SMUGGLED,
    "negative length": b"Content-Length: -1\r\n" + AS_LENGTH,
    "hexadecimal length": b"Content-Length: 0x2\r\n\r\n{}" + SMUGGLED,
    "length with an underscore": b"Content-Length: 1_0\r\n" + AS_LENGTH,
    "length in other digits": "Content-Length: ２\r\n\r\n{}".encode() + SMUGGLED,
    "length with a space": b"Content-Length: 2 2\r\n\r\n{}" + SMUGGLED,
    "empty length": b"Content-Length: \r\n" + AS_LENGTH,
    "space before the colon": b"Content-Length : 40\r\n" + AS_LENGTH,
    "TE with a space before the colon": te(b"Transfer-Encoding : chunked\r\n"),
    "TE x": te(b"Transfer-Encoding: xchunked\r\n"),
    "TE quoted": te(b'Transfer-Encoding: "chunked"\r\n'),
    "TE twice": te(CHUNKED + b"Transfer-Encoding: identity\r\n"),
    "TE twice the other way": te(b"Transfer-Encoding: identity\r\n" + CHUNKED),
    "TE chunked twice": te(CHUNKED + CHUNKED),
    "TE list": te(b"Transfer-Encoding: chunked, identity\r\n"),
    "TE folded": te(b"Transfer-Encoding:\r\n chunked\r\n"),
    "TE with a tab": te(b"Transfer-Encoding:\tchunked\r\n"),
    "TE with a vertical tab": te(b"Transfer-Encoding: \x0bchunked\r\n"),
    "TE with a NUL": te(b"Transfer-Encoding: chunked\x00\r\n"),
    "TE in other letters": te("Transfer-Encoding: chun\u212aed\r\n".encode()),
    "TE after a bare LF": te(b"X: y\nTransfer-Encoding: chunked\r\n"),
    "TE after a bare CR": te(b"X: y\rTransfer-Encoding: chunked\r\n"),
    "TE after identity": b"Transfer-Encoding: identity, chunked\r\n" + EMPTY,
    "TE after another identity": b"Transfer-Encoding: identity\r\n" + CHUNKED + EMPTY,
    "TE after gzip": b"Transfer-Encoding: gzip, chunked\r\n" + EMPTY,
    "chunk size with a sign": CHUNKED + b"\r\n+2\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "chunk size with 0x": CHUNKED + b"\r\n0x2\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "chunk size with an underscore": CHUNKED + b"\r\n0_2\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "chunk size beyond any number": CHUNKED
    + b"\r\n"
    + b"f" * 40
    + b"\r\n{}\r\n0\r\n\r\n"
    + SMUGGLED,
    "chunk that ends in a bare LF": CHUNKED + b"\r\n2\n{}\n0\n\n" + SMUGGLED,
    "chunk longer than it says": CHUNKED + b"\r\n1\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "chunk extension with a bare LF": CHUNKED + b"\r\n2;x\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "no colon": b"Content-Length 40\r\n" + AS_LENGTH,
    "header with no name": b": x\r\n" + AS_LENGTH,
}


def heard(server: Server, sent: bytes) -> bytes:
    """All that comes back until the server hangs up."""
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
    assert statuses(heard(plain, POST + SHAPES[shape])) in ([400], [501])


MALFORMED: dict[str, tuple[int, bytes]] = {
    "a header's name": (400, b"GET / HTTP/1.1\r\nHost: localhost\r\nada lovelace: x\r\n\r\n"),
    "the request line": (400, b"ada lovelace\r\nHost: localhost\r\n\r\n"),
    "the version": (400, b"GET /lovelace HTTP/7.7\r\nHost: localhost\r\n\r\n"),
    "a long line": (414, b"GET /" + b"lovelace" * 600 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "a long header": (431, b"GET / HTTP/1.1\r\nX-Lovelace: " + b"a" * 9000 + b"\r\n\r\n"),
    "a long head": (431, b"GET / HTTP/1.1\r\n" + b"X-Lovelace: a\r\n" * 4000 + b"\r\n"),
    "an expectation": (417, POST + b"Expect: lovelace\r\n" + length(2) + b"\r\n{}"),
    "a coding": (501, POST + b"Transfer-Encoding: lovelace\r\n\r\n"),
    "no host": (400, b"GET / HTTP/1.1\r\nX-Lovelace: a\r\n\r\n"),
    "two hosts": (400, b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: lovelace\r\n\r\n"),
    "a list of codings": (400, POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n"),
}


@pytest.mark.parametrize("shape", MALFORMED)
def test_a_malformed_request_gets_the_one_error_body_and_no_quote(
    plain: Server, shape: str
) -> None:
    status, sent = MALFORMED[shape]
    head, _, body = heard(plain, sent).partition(b"\r\n\r\n")
    assert statuses(head) == [status]
    headers = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["connection"] == "close"
    told = json.loads(body)
    assert told["status"] == status
    assert told["detail"] == told["error"] == told["message"] == told["msg"]
    assert told["request_id"] == headers["x-request-id"]
    assert b"lovelace" not in (head + body).lower()


@pytest.mark.parametrize("path", ["/doctors", "/nowhere"])
def test_a_chunked_body_that_is_refused_unread_ends_the_connection_and_says_so(
    plain: Server, path: str
) -> None:
    sent = b"POST %s HTTP/1.1\r\nHost: localhost\r\n" % path.encode() + CHUNKED + b"\r\n"
    head, _, _ = heard(plain, sent).partition(b"\r\n\r\n")
    assert statuses(head) in ([401], [404])
    assert b"\r\nConnection: close" in head


def test_a_later_http_1_is_answered_as_the_one_that_we_speak(plain: Server) -> None:
    answers = heard(plain, b"GET /healthz HTTP/1.9\r\nHost: localhost\r\n\r\n")
    assert (answers[:9], statuses(answers)) == (b"HTTP/1.1 ", [200])


def test_http_1_0_needs_no_host(plain: Server) -> None:
    answers = heard(plain, b"GET /healthz HTTP/1.0\r\n\r\n")
    assert answers.startswith((b"HTTP/1.0 200", b"HTTP/1.1 200"))


def test_a_plain_request_is_followed_by_the_next(plain: Server) -> None:
    """Else the others would prove nothing."""
    for whole in (
        length(2) + b"\r\n{}",
        CHUNKED + b"\r\n2\r\n{}\r\n0\r\n\r\n",
        b"Transfer_Encoding: chunked\r\n" + length(2) + b"\r\n{}",
    ):
        assert statuses(heard(plain, POST + whole + SMUGGLED)) == [400, 404]


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "SCRIPT-NAME", "PATH_INFO", "X-Forwarded-Proto"])
def test_no_header_moves_a_request_elsewhere(plain: Server, name: str) -> None:
    """gunicorn takes some from a proxy on this machine; nobody is one unless a setting says so."""
    for value in ("/nowhere", "https", "/healthz"):
        answer = ask(plain.port, "GET", "/readyz", headers={name: value})
        assert (answer.status, answer.json["status"]) == (200, "ready")
