"""A request as it arrives and its answer as it leaves, buffered beside the threads.

A thread works on what is here: on the head first and then, once the application has admitted the
caller, on the whole body. It never waits for a client; the main loop of the worker does
(server_worker.py).
"""

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from socket import socket
from typing import Any, Protocol

from skinapi.errors import SkinAPIError

END_OF_HEAD = b"\r\n\r\n"
MOST_HEAD = 32 * 1024
LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,15})[ \t]*\r$", re.IGNORECASE | re.MULTILINE)
LENGTHS = re.compile(rb"^content-length[ \t]*:", re.IGNORECASE | re.MULTILINE)
CODING = re.compile(rb"^transfer-encoding[ \t]*:", re.IGNORECASE | re.MULTILINE)
CHUNK = re.compile(rb"[0-9a-fA-F]{1,8}(?=[; \t]|$)")
LONGEST_CHUNK_LINE = 256


class BodyPending(BaseException):
    """The application wants bytes of the body that are still on their way.

    Not an error, so nothing that handles errors may catch it. The worker gives the thread back, and
    calls the application again from the start when the whole body is here.
    """


class BufferedBody(Protocol):
    """What of the bytes behind a head belongs to its request."""

    @property
    def left(self) -> int | None:
        """How many bytes are still to come: 0 when it is here; None where only the end tells."""

    def feed(self, data: bytes) -> int:
        """Take from these bytes what belongs to the body; how many they were."""


@dataclass
class AnnouncedBody:
    left: int

    def feed(self, data: bytes) -> int:
        taken = min(self.left, len(data))
        self.left -= taken
        return taken


@dataclass
class ChunkedBody:
    """Finds the end alone. What is no valid chunk ends it too: the parser of the request, who gets
    the same bytes, then refuses it.
    """

    left: int | None = None
    _line: bytes = b""
    _in_chunk: int = 0
    _last: bool = False

    def feed(self, data: bytes) -> int:
        at = 0
        while at < len(data) and self.left is None:
            if self._in_chunk:
                step = min(self._in_chunk, len(data) - at)
                self._in_chunk -= step
                at += step
                continue
            end = data.find(b"\n", at)
            piece = data[at : end + 1 if end >= 0 else len(data)]
            self._line += piece
            at += len(piece)
            if len(self._line) > LONGEST_CHUNK_LINE:
                self.left = 0
            elif end >= 0:
                line, self._line = self._line.strip(), b""
                self._read_line(line)
        return at

    def _read_line(self, line: bytes) -> None:
        if self._last:  # trailers, up to an empty line
            self.left = 0 if not line else None
            return
        size = CHUNK.match(line)
        if not size:
            self.left = 0
            return
        self._in_chunk = int(size[0], 16)
        self._last = self._in_chunk == 0
        if self._in_chunk:
            self._in_chunk += 2  # the line's end behind the chunk


@dataclass
class Admission:
    """What the application decided from the head: asked once, for a body may take a while."""

    owner: str
    headers: Mapping[str, str]
    largest: int
    too_large: SkinAPIError


class BufferedRequest:
    """Stands in for the socket of one request: gunicorn's parser reads from it what has arrived,
    gunicorn's response writes to it what is sent later.
    """

    def __init__(self, sock: socket, head: bytes, body: BufferedBody) -> None:
        self._sock = sock
        self._head = head
        self._arrived: list[bytes] = []
        self._to_read: deque[bytes] = deque()
        self._told_to_go_on = False
        self.body = body
        self.answer: list[bytes] = []
        self.admission: Admission | None = None
        self.failure: SkinAPIError | None = None

    @property
    def complete(self) -> bool:
        return self.body.left == 0

    @property
    def arrived(self) -> int:
        """How many bytes of the body wait here to be read."""
        return sum(map(len, self._arrived))

    def add(self, data: bytes) -> int:
        """Bytes of the body that have arrived; how many of them belong to it."""
        taken = self.body.feed(data)
        if taken:
            self._arrived.append(data[:taken])
        return taken

    def fail(self, failure: SkinAPIError) -> None:
        """Let go of what has arrived: the application is called again to answer with this."""
        self.failure = failure
        self._arrived.clear()

    def rewind(self) -> None:
        """Before the application is called, for the first or the second time."""
        self._to_read = deque([self._head])
        if self.complete:
            self._to_read.extend(self._arrived)
            self._arrived.clear()

    @property
    def read_to_its_end(self) -> bool:
        return self.complete and not self._to_read

    def admit(
        self, *, owner: str, headers: Mapping[str, str], largest: int, too_large: SkinAPIError
    ) -> None:
        """The caller may send the body; `owner` is who answers for the memory that it takes. What
        is longer than `largest`, without having said so before, fails with `too_large`.
        """
        self.admission = Admission(owner, dict(headers), largest, too_large)

    def recv(self, size: int) -> bytes:
        """At most so many bytes. Raises BodyPending where none are here and more are to come."""
        if not self._to_read:
            if self.complete:
                return b""
            raise BodyPending
        first = self._to_read.popleft()
        if len(first) > size:
            self._to_read.appendleft(first[size:])
        return first[:size]

    def send(self, data: bytes) -> int:
        """gunicorn's "100 Continue", with which it answers every call for the same request."""
        if not self._told_to_go_on:
            self._told_to_go_on = True
            self.sendall(data)
        return len(data)

    def sendall(self, data: bytes) -> None:
        self.answer.append(bytes(data))

    def setblocking(self, flag: bool) -> None:
        """Nothing blocks here; gunicorn asks for it all the same. So for the next three."""

    def settimeout(self, seconds: float | None) -> None: ...

    def shutdown(self, how: int) -> None: ...

    def close(self) -> None: ...

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def head_in(received: bytes | bytearray) -> int:
    """Where the head ends in what was received; 0 while it has not."""
    end = received.find(END_OF_HEAD)
    return end + len(END_OF_HEAD) if end >= 0 else 0


def body_behind(head: bytes) -> BufferedBody:
    """Where two servers could disagree on its end, gunicorn refuses the head and closes."""
    if CODING.search(head):
        return ChunkedBody()
    announced = LENGTH.findall(head)
    if len(announced) != 1 or len(LENGTHS.findall(head)) != 1:
        return AnnouncedBody(0)
    return AnnouncedBody(int(announced[0]))
