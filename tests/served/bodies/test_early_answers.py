"""An answer sent before the body was read is received, however large the body is."""

import http.client
import socket
from contextlib import closing, suppress

import pytest

from tests.served.server import Server
from tests.served.wire import PATIENCE_S, Answer, open_connection, read_answer
from tests.support.size import size

MEGABYTE = 1024 * 1024
ORIGIN = "http://localhost:5173"
JSON = "application/json"
FORM = "multipart/form-data; boundary=x"
# What each refusal is told by: path, content type, token, and the status.
REFUSED = {
    "no token": ("/predict", FORM, None, 401),
    "a broken token": ("/predict", FORM, "null", 401),
    "an anonymous client that is closed": ("/inference", JSON, None, 401),
    "a closed client that knows 200 alone": ("/api/predict", JSON, None, 200),
    "no such path": ("/nowhere", JSON, None, 404),
    "no such method": ("/me", JSON, None, 405),
    "a body that is too large": ("/login", JSON, None, 413),
}


def send(
    port: int, path: str, body: bytes, kind: str, token: str | None = None, *, chunked: bool = False
) -> Answer:
    """As most clients do it: the whole body first, then the answer."""
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
@pytest.mark.parametrize("why", REFUSED)
def test_a_refusal_is_received_by_a_client_that_still_sends_megabytes(
    closed: Server, why: str, chunked: bool
) -> None:
    path, kind, token, status = REFUSED[why]
    for megabytes in (1, 4, 13, 20) * size(1, 10):
        body = b"x" * (megabytes * MEGABYTE + 1)
        answer = send(closed.port, path, body, kind, token, chunked=chunked)
        assert_whole(answer, status)


@pytest.mark.parametrize("megabytes", [64, 4096])
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
