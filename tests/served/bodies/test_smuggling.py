"""Request smuggling: a request whose end is ambiguous is refused once, and the connection
closed.
"""

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
    assert statuses(heard(plain, POST + SHAPES[shape])) in ([400], [501])


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
