"""Closing a connection so that its answer arrives, although the request's body was not read.

An answer given before the body was read (401, 413, 429, 503) is lost where the connection is closed
with bytes still coming: the kernel sends a reset, and the client drops what it has not read yet. So
the rest is read off and thrown away, by the loop that waits for idle connections too: it holds no
thread and no buffer of its own, however slow the client is. (RFC 9112, section 9.6)
"""

import time
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from selectors import EVENT_READ
from socket import SHUT_WR, socket
from typing import Any

from gunicorn.http.body import LengthReader
from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import ThreadWorker

# Twice the largest JSON body that is taken by default is 28 MB.
MOST_BYTES = 32 * 1024 * 1024
# A phone with 4 Mbit/s sends the base64 of a photo of 10 MB in 28 seconds. This costs one open
# connection; as many as MOST_CONNECTIONS, and then the oldest goes.
MOST_SECONDS = 30.0
SILENCE_SECONDS = 5.0
MOST_CONNECTIONS = 256
# What a small body leaves unread is taken at once, and the connection stays open.
AT_HAND = 64 * 1024
AT_A_TIME = 64 * 1024


@dataclass
class Rest:
    """What one connection still has to send. `body` is what is left of a body whose length was
    announced: read it to its end, and the connection can go on. Without it, read until the client
    closes.
    """

    ends_at: float
    bytes_left: int
    body: int | None
    heard_at: float

    def over(self, moment: float) -> bool:
        silent = moment - self.heard_at > SILENCE_SECONDS
        return silent or moment > self.ends_at or self.bytes_left <= 0


class LingeringWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's worker of threads, whose refusals arrive.

    gunicorn itself reads off 64 KiB, in the thread of the request or, closing, in the one that
    accepts connections, where one client that stays silent holds up all others for two seconds.
    """

    most_bytes = MOST_BYTES

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._lingering: OrderedDict[Any, Rest] = OrderedDict()
        self._scratch = bytearray(AT_A_TIME)

    def finish_request(self, conn: Any, fs: Future[Any]) -> None:
        """Called in the main thread when a request was answered. The result says whether the
        connection can take another request; it cannot before this one's body is off it.
        """
        if fs.cancelled() or fs.exception():
            super().finish_request(conn, fs)
        elif not fs.result():
            self._close(conn)
        elif rest := _unread(conn):
            self._linger(conn, body=rest)
        else:
            super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """Called at every turn of the main loop."""
        super().murder_pending()
        moment = time.monotonic()
        for conn in [conn for conn, rest in self._lingering.items() if rest.over(moment)]:
            self._end(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """Called when the worker is asked to stop: nobody lingers any longer than that."""
        super()._cap_keepalive(deadline)
        for rest in self._lingering.values():
            rest.ends_at = min(rest.ends_at, deadline)

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Called in the thread of the request, which waits for nothing here."""
        if not keepalive:
            return False
        return _unread(conn) > 0 or _at_its_end(conn)

    def _close(self, conn: Any) -> None:
        try:
            conn.sock.shutdown(SHUT_WR)
        except OSError:  # the client is gone
            self.nr_conns -= 1
            conn.close()
        else:
            self._linger(conn, body=None)

    def _linger(self, conn: Any, *, body: int | None) -> None:
        moment = time.monotonic()
        if conn.parser:
            conn.parser.unreader.take_buffered()  # up to a megabyte of the body, read ahead
        conn.sock.setblocking(False)
        seconds = MOST_SECONDS if self.alive else SILENCE_SECONDS
        self._lingering[conn] = Rest(moment + seconds, self.most_bytes, body, moment)
        self.poller.register(conn.sock, EVENT_READ, partial(self._read_off, conn))
        if len(self._lingering) > MOST_CONNECTIONS:
            self._end(next(iter(self._lingering)))

    def _read_off(self, conn: Any, sock: socket) -> None:
        rest = self._lingering.get(conn)
        if rest is None:  # ended by another event of the same turn
            return
        wanted = AT_A_TIME if rest.body is None else min(AT_A_TIME, rest.body)
        try:
            count = sock.recv_into(self._scratch, wanted)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            count = 0
        rest.heard_at = time.monotonic()
        rest.bytes_left -= count
        if rest.body is not None:
            rest.body -= count
        if rest.body == 0:
            self._go_on(conn)
        elif count == 0 or rest.over(rest.heard_at):
            self._end(conn)

    def _go_on(self, conn: Any) -> None:
        """The body is off the connection: it waits for the next request, as if it had been read."""
        self._forget(conn)
        conn.parser.mesg.body.reader.length = 0
        done: Future[bool] = Future()
        done.set_result(True)
        super().finish_request(conn, done)

    def _end(self, conn: Any) -> None:
        self._forget(conn)
        self.nr_conns -= 1
        conn.close()

    def _forget(self, conn: Any) -> None:
        del self._lingering[conn]
        self.poller.unregister(conn.sock)


def _unread(conn: Any) -> int:
    """How many bytes of a body of announced length have not come in yet."""
    body = getattr(getattr(conn.parser, "mesg", None), "body", None)
    if body is None or body.failed or not isinstance(body.reader, LengthReader):
        return 0
    at_hand: int = conn.parser.unreader.buf.getbuffer().nbytes
    left: int = body.reader.length
    return max(0, left - at_hand)


def _at_its_end(conn: Any) -> bool:
    """Whether nothing of the body is left on the connection, once what has come in is read off."""
    conn.sock.setblocking(False)
    try:
        return bool(conn.parser.finish_body(max_bytes=AT_HAND))
    except (OSError, ParseException):  # it has not come in yet, or is no body: both close
        return False
