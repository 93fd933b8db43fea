"""Buffers one request while it arrives, and its answer while it leaves, so that no thread waits
for a client.

A thread first works on the head alone. Where the application has admitted the caller and all of a
small body is here by then, the thread goes on with it. Otherwise it becomes free, and a thread
works on the whole request once its body is here. In between, only the main loop of the worker waits
for the client (buffering_worker.py).
"""

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from socket import socket
from typing import Any, Protocol

from skinapi.errors import SkinAPIError
from skinapi.server.spool_file import SpoolFile

END_OF_HEAD = b"\r\n\r\n"
MOST_HEAD = 32 * 1024
# The framing of a body: https://www.rfc-editor.org/rfc/rfc9112#section-6. LENGTH accepts only what
# every server reads in the same way; LENGTHS and CODING find the header in any spelling.
LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,15})[ \t]*\r$", re.IGNORECASE | re.MULTILINE)
LENGTHS = re.compile(rb"^content-length[ \t]*:", re.IGNORECASE | re.MULTILINE)
CODING = re.compile(rb"^transfer-encoding[ \t]*:", re.IGNORECASE | re.MULTILINE)
CHUNK = re.compile(rb"[0-9a-fA-F]{1,8}(?=[; \t]|$)")
LONGEST_CHUNK_LINE = 256
# Each chunk costs two parsers in Python 4 microseconds together, however small it is. Clients write
# chunks of kilobytes: 10 MB in pieces of 512 bytes are as many.
MOST_CHUNKS = 20_000
# Bytes that arrive are joined in pieces of at least so many: a Python object for each two bytes
# would take eight times their memory, and only the bytes are counted.
PIECE = 64 * 1024
# Of a body, the thread reads at most so many bytes itself. They are not counted as body memory, but
# no more requests hold them than there are threads.
MOST_READ_BY_THREAD = 256 * 1024


class BodyPending(BaseException):
    """Raised when the application reads bytes of the body that have not arrived yet.

    The thread becomes free, and the worker calls the application again from the start when the
    whole body is here. It is no error, so it derives from BaseException: code that handles errors
    must not catch it.
    """


class BufferedBody(Protocol):
    """Finds the end of a request's body in the bytes that follow its head."""

    @property
    def left(self) -> int | None:
        """How many bytes are still to come: 0 when the body is complete, None where its length is
        not known before its end.
        """

    @property
    def framing(self) -> int:
        """How many of the bytes that it has taken only tell where the others end."""

    def feed(self, data: bytes) -> int:
        """Take the bytes that belong to the body, from the front; the result is how many."""


@dataclass
class AnnouncedBody:
    """A body whose length the head gives (Content-Length); 0 for a request without a body."""

    left: int
    framing: int = 0

    def feed(self, data: bytes) -> int:
        taken = min(self.left, len(data))
        self.left -= taken
        return taken


@dataclass
class ChunkedBody:
    """A body in chunks (https://www.rfc-editor.org/rfc/rfc9112#section-7.1), of which only the end
    is looked for.

    An invalid chunk ends it too, and so does one too many: gunicorn's parser gets the same bytes
    and refuses the request.
    """

    left: int | None = None
    framing: int = 0
    _line: bytes = b""
    _in_chunk: int = 0
    _last: bool = False
    _lines: int = 0

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
            self.framing += len(piece)
            if len(self._line) > LONGEST_CHUNK_LINE:
                self.left = 0
            elif end >= 0:
                line, self._line = self._line.strip(), b""
                self._read_line(line)
        return at

    def _read_line(self, line: bytes) -> None:
        self._lines += 1
        if self._lines > MOST_CHUNKS:
            self.left = 0
            return
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
            self._in_chunk += 2  # the CRLF after the chunk's data
            self.framing += 2


@dataclass
class Admission:
    """What the application decided from the head.

    It is kept until the body is here, so that the second call does not count the request again.
    `spooled`: the body is kept in a file while it arrives, not in memory.
    """

    owner: str
    headers: Mapping[str, str]
    largest: int
    too_large: SkinAPIError
    spooled: bool = False


class BufferedRequest:
    """Replaces the socket of one request for gunicorn: its parser reads what has arrived, and its
    response writes what the main loop sends later.
    """

    def __init__(self, sock: socket, head: bytes, body: BufferedBody) -> None:
        self._sock = sock
        self._head = head
        self._arrived: list[bytearray] = []
        # Views, because cutting the front off bytes would copy all that is left.
        self._to_read: deque[memoryview] = deque()
        self._sent_continue = False
        self._spool: SpoolFile | None = None
        self.body = body
        self.answer: list[bytes] = []
        self.admission: Admission | None = None
        self.failure: SkinAPIError | None = None

    @property
    def complete(self) -> bool:
        return self.body.left == 0

    @property
    def arrived(self) -> int:
        """How many bytes of the body have arrived and were not read yet."""
        return self._spool.size if self._spool else sum(map(len, self._arrived))

    @property
    def spooled(self) -> bool:
        """Whether what arrives of the body is written to a file."""
        return self._spool is not None

    def spool_to(self, file: SpoolFile) -> None:
        """Keep the body in this file, also what has arrived of it. Raises OSError."""
        self._spool = file
        for piece in self._arrived:
            file.write(piece)
        self._arrived.clear()

    def release(self) -> None:
        """Free the file of the body, if it has one."""
        if self._spool:
            self._spool.close()
            self._spool = None

    def add(self, data: bytes) -> int:
        """Keep those of the arrived bytes that belong to the body; the result is how many. Raises
        OSError where they go to a file that takes no more.
        """
        taken = self.body.feed(data)
        if self._spool:
            self._spool.write(data[:taken])
        elif taken:
            if not self._arrived or len(self._arrived[-1]) >= PIECE:
                self._arrived.append(bytearray())
            self._arrived[-1] += data[:taken]
        return taken

    def fail(self, failure: SkinAPIError) -> None:
        """Drop what has arrived of the body; the next call of the application raises this error."""
        self.failure = failure
        self._arrived.clear()
        self.release()

    def rewind(self) -> None:
        """Let the next reader begin at the head. Call it before each call of the application."""
        self._to_read = deque([memoryview(self._head)])
        if self.complete:
            self._offer_body()

    def _offer_body(self) -> None:
        self._to_read.extend(map(memoryview, self._arrived))
        self._arrived.clear()
        if self._spool:
            self._spool.rewind()

    @property
    def read_to_its_end(self) -> bool:
        """Whether the body has arrived and was read completely."""
        return self.complete and not self._to_read and (not self._spool or self._spool.at_end)

    def is_larger_than_admitted(self, taken: int) -> bool:
        """Whether so many bytes, as they arrived, are more than its caller may send: as content, or
        as the lines between small chunks.
        """
        framing = self.body.framing
        return self.admission is not None and max(taken - framing, framing) > self.admission.largest

    def admit(self, admission: Admission) -> None:
        """Let the caller send the body.

        Its memory is counted against `owner`. A body of unknown length that turns out longer than
        `largest` fails with `too_large`.
        """
        self.admission = admission

    def recv(self, size: int) -> bytes:
        """At most `size` bytes; none at the end of the body. Raises BodyPending where nothing is
        here and more is still to come.
        """
        if not self._to_read and not self.complete:
            self._read_rest()
        if not self._to_read:
            return self._spool.read(size) if self._spool else b""
        first = self._to_read.popleft()
        if len(first) > size:
            self._to_read.appendleft(first[size:])
        return bytes(first[:size])

    def _read_rest(self) -> None:
        """Read the rest of an admitted body, if all of it has reached this machine. Raises
        BodyPending if not: what was read is kept, and the main loop waits for the others.
        """
        left, admission = self.body.left, self.admission
        if not left or left > MOST_READ_BY_THREAD or not admission or admission.spooled:
            raise BodyPending
        while self.body.left:
            try:
                data = self._sock.recv(self.body.left)
            except OSError as error:  # nothing has arrived, or the client is gone
                raise BodyPending from error
            if not data:
                raise BodyPending
            self.add(data)
        self._offer_body()

    def send(self, data: bytes) -> int:
        """Keep gunicorn's "100 Continue", but only the first: gunicorn writes one each time that
        the application is called for this request.
        """
        if not self._sent_continue:
            self._sent_continue = True
            self.sendall(data)
        return len(data)

    def sendall(self, data: bytes) -> None:
        self.answer.append(bytes(data))

    def setblocking(self, flag: bool) -> None:
        """Does nothing, like the next three: gunicorn calls them, but nothing here blocks, and the
        worker alone closes the connection.
        """

    def settimeout(self, seconds: float | None) -> None: ...

    def shutdown(self, how: int) -> None: ...

    def close(self) -> None: ...

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def end_of_head(received: bytes | bytearray) -> int:
    """The index of the first byte after the head; 0 while the head is incomplete."""
    end = received.find(END_OF_HEAD)
    return end + len(END_OF_HEAD) if end >= 0 else 0


def body_after(head: bytes) -> BufferedBody:
    """How the body that follows this head is framed.

    Where two servers could disagree on its end, it counts as empty: gunicorn refuses such a head
    and closes the connection.
    """
    if CODING.search(head):
        return ChunkedBody()
    announced = LENGTH.findall(head)
    if len(announced) != 1 or len(LENGTHS.findall(head)) != 1:
        return AnnouncedBody(0)
    return AnnouncedBody(int(announced[0]))
