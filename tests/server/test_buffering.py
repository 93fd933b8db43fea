"""Where a request ends, found byte by byte as it arrives, and what a thread may read of it."""

import socket
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import pytest
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser
from hypothesis import given
from hypothesis import strategies as st

from skinapi.errors import PayloadTooLarge
from skinapi.server.buffered_request import (
    MOST_CHUNKS,
    MOST_READ_BY_THREAD,
    Admission,
    AnnouncedBody,
    BodyPending,
    BufferedBody,
    BufferedRequest,
    ChunkedBody,
    body_after,
    end_of_head,
)

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
NEXT = b"GET /next HTTP/1.1\r\n\r\n"


def chunked(parts: list[bytes], *, extension: bytes = b"", trailers: bytes = b"") -> bytes:
    chunks = [b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in parts if part]
    return b"".join([*chunks, b"0\r\n", trailers, b"\r\n"])


@given(
    st.lists(st.binary(max_size=40), max_size=5),
    st.sampled_from([b"", b";a=b", b"; name"]),
    st.sampled_from([b"", b"X-Sum: 1\r\n", b"A: b\r\nC: d\r\n"]),
    st.lists(st.integers(0, 400), max_size=8),
)
def test_the_end_of_chunks_is_found_wherever_they_are_cut(
    parts: list[bytes], extension: bytes, trailers: bytes, cuts: list[int]
) -> None:
    whole = chunked(parts, extension=extension, trailers=trailers)
    sent, body, taken = whole + NEXT, ChunkedBody(), 0
    places = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
    for begin, end in pairwise(places):
        taken += body.feed(sent[begin:end])
    assert body.left == 0
    assert taken == len(whole)
    parser = RequestParser(Config(), iter([HEAD + whole]), ("127.0.0.1", 1))
    assert next(parser).body.read() == b"".join(parts)


@given(st.binary(max_size=200))
def test_whatever_is_sent_for_chunks_is_taken_or_ends_them(junk: bytes) -> None:
    body = ChunkedBody()
    taken = body.feed(junk)
    assert taken <= len(junk)
    assert taken == len(junk) or body.left == 0


@pytest.mark.parametrize(
    "line", [b"zz", b"-2", b"+5", b"0x2", b"1_0", b"fffffffff", b"1" * 300, b""]
)
def test_what_is_no_chunk_ends_the_body_for_the_parser_to_refuse(line: bytes) -> None:
    body = ChunkedBody()
    body.feed(line + b"\r\n" + b"x" * 50)
    assert body.left == 0


@pytest.mark.parametrize(
    "line", [b"1\r\na\r\n", b"A: b\r\n"], ids=["chunks of one byte", "trailers"]
)
def test_too_many_lines_between_the_bytes_of_a_body_end_it(line: bytes) -> None:
    """A body of 10 MB in chunks of one byte kept the server busy for nine seconds."""
    body = ChunkedBody()
    if line.startswith(b"A"):
        body.feed(b"0\r\n")
    taken = body.feed(line * 2 * MOST_CHUNKS)
    assert body.left == 0
    assert taken <= len(line) * (MOST_CHUNKS + 1)


@pytest.mark.parametrize(
    ("lines", "length"),
    [
        (b"", 0),
        (b"Content-Length: 12\r\n", 12),
        (b"content-length:\t7 \r\n", 7),
        (b"X: y\r\nCONTENT-LENGTH: 3\r\nZ: z\r\n", 3),
        # Where two readers could differ, gunicorn refuses the request and closes.
        (b"Content-Length: 3\r\nContent-Length: 3\r\n", 0),
        (b"Content-Length: 3, 3\r\n", 0),
        (b"Content-Length: -1\r\n", 0),
        (b"Content-Length: 9999999999999999\r\n", 0),
        (b"X-Content-Length: 3\r\n", 0),
    ],
)
def test_an_announced_length_is_read_from_the_head(lines: bytes, length: int) -> None:
    head = b"POST / HTTP/1.1\r\n" + lines + b"\r\n"
    assert end_of_head(head + b"rest") == len(head)
    assert end_of_head(head[:-1]) == 0
    assert body_after(head).left == length


@pytest.fixture
def line() -> Iterator[socket.socket]:
    with socket.socket() as line:
        yield line


def test_a_thread_that_needs_more_of_the_body_stops_and_is_free(line: socket.socket) -> None:
    request = BufferedRequest(line, b"head", AnnouncedBody(6))
    request.add(b"abc")
    request.rewind()
    assert request.recv(100) == b"head"
    with pytest.raises(BodyPending):
        request.recv(100)
    assert request.add(b"defNEXT") == 3
    request.rewind()
    assert [request.recv(4) for _ in range(4)] == [b"head", b"abcd", b"ef", b""]
    assert request.read_to_its_end


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client's end of a connection, and the server's, which does not block."""
    client, server = socket.socketpair()
    with client, server:
        server.setblocking(False)
        yield client, server


def admission(*, spooled: bool = False) -> Admission:
    return Admission("anna", {}, 2**30, PayloadTooLarge(), spooled)


def test_a_thread_reads_the_rest_of_a_body_that_is_here(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    client, server = ends
    request = BufferedRequest(server, b"head", AnnouncedBody(6))
    request.add(b"abc")
    request.rewind()
    request.admit(admission())
    client.sendall(b"defNEXT")
    assert [request.recv(4) for _ in range(4)] == [b"head", b"abcd", b"ef", b""]
    assert request.read_to_its_end
    assert server.recv(9) == b"NEXT"


def test_of_a_body_that_is_partly_here_nothing_is_lost(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    client, server = ends
    request = BufferedRequest(server, b"", AnnouncedBody(6))
    request.add(b"a")
    request.admit(admission())
    client.sendall(b"bc")
    with pytest.raises(BodyPending):
        request.recv(9)
    assert request.arrived == 3
    request.add(b"def")
    request.rewind()
    assert [request.recv(9) for _ in range(3)] == [b"", b"abcdef", b""]


@pytest.mark.parametrize("reset", [False, True])
def test_a_client_that_leaves_within_its_body_is_left_to_the_main_loop(
    ends: tuple[socket.socket, socket.socket], reset: bool
) -> None:
    client, server = ends
    if reset:
        server.sendall(b"unread, so that closing resets the connection")
    request = BufferedRequest(server, b"", AnnouncedBody(6))
    request.admit(admission())
    client.close()
    with pytest.raises(BodyPending):
        request.recv(9)


@pytest.mark.parametrize(
    ("body", "admitted"),
    [
        (AnnouncedBody(3), None),
        (AnnouncedBody(MOST_READ_BY_THREAD + 1), admission()),
        (AnnouncedBody(3), admission(spooled=True)),
        (ChunkedBody(), admission()),
    ],
    ids=["not admitted", "large", "for a file", "of unknown length"],
)
def test_a_thread_leaves_other_bodies_to_the_main_loop(
    ends: tuple[socket.socket, socket.socket], body: BufferedBody, admitted: Admission | None
) -> None:
    client, server = ends
    request = BufferedRequest(server, b"", body)
    if admitted:
        request.admit(admitted)
    client.sendall(b"abc")
    with pytest.raises(BodyPending):
        request.recv(9)
    assert server.recv(9) == b"abc"


def test_a_100_continue_is_sent_once(line: socket.socket) -> None:
    """gunicorn says it each time that it begins with the request."""
    request = BufferedRequest(line, b"head", AnnouncedBody(6))
    request.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert request.answer == [b"HTTP/1.1 100 Continue\r\n\r\n"]


@pytest.mark.parametrize("size", [1, 2, 100, 1460, 70_000])
def test_a_body_takes_little_more_memory_than_is_counted(line: socket.socket, size: int) -> None:
    whole = bytes(range(256)) * 400
    request = BufferedRequest(line, b"head", AnnouncedBody(len(whole)))
    tracemalloc.start()
    try:
        for begin in range(0, len(whole), size):
            request.add(whole[begin : begin + size])
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert request.arrived == len(whole)
    assert taken < 1.5 * len(whole)
    request.rewind()
    assert request.recv(100) == b"head"
    assert b"".join(iter(lambda: request.recv(8192), b"")) == whole


@pytest.mark.parametrize(
    ("sizes", "refused"), [([40, 24], False), ([40, 25], True), ([1] * 12, True)]
)
def test_of_a_body_in_chunks_the_content_is_measured_and_the_lines_between_apart(
    sizes: list[int], refused: bool
) -> None:
    """A body of exactly the limit was refused for the lines of its chunks."""
    near, far = socket.socketpair()
    with near, far:
        request = BufferedRequest(near, HEAD, body_after(HEAD))
        request.admit(Admission("a", {}, 64, PayloadTooLarge()))
        taken = request.add(chunked([b"x" * size for size in sizes]))
        assert request.is_larger_than_admitted(taken) is refused
