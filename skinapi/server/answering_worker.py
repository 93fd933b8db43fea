"""How the gunicorn worker sends answers to slow clients, and what it does with a body that nobody
reads.

An answer that is sent before the body was read (401, 413, 429, 503) would be lost if the
connection was closed while bytes are still coming, because the kernel then sends a reset. So the
rest of the body is read and discarded, up to a limit of bytes and of seconds (RFC 9112, section
9.6: https://www.rfc-editor.org/rfc/rfc9112#section-9.6).
"""

import time
from collections import deque
from selectors import EVENT_READ, EVENT_WRITE
from socket import SHUT_WR
from typing import Any

from skinapi.server.connection import Connection, State
from skinapi.server.connection_worker import RECEIVE_BYTES, ConnectionWorker
from skinapi.server.deadlines import (
    DRAIN_SECONDS,
    DRAIN_SILENT_SECONDS,
    HEAD_SECONDS,
    transfer_seconds,
)

MOST_UNSENT = 32 * 1024 * 1024


class AnsweringWorker(ConnectionWorker):
    """Sends answers from the main loop, so that no thread waits for a client to receive one.

    `most_drained` is how many bytes of a refused body are read and discarded.
    """

    most_drained = 32 * 1024 * 1024

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # True once an answer was sent. A subclass may set it back (gunicorn.conf.py does).
        self.answered = False

    def _await_head(self, conn: Connection, seconds: float) -> None:
        """Wait for the next request on this connection (buffering_worker.py)."""
        raise NotImplementedError

    def _send_answer(self, conn: Connection) -> None:
        self.answered = True
        conn.unsent = deque(memoryview(part) for part in conn.request.answer if part)
        conn.request.answer.clear()
        size = sum(map(len, conn.unsent))
        self._unsent_bytes += size
        conn.enter(State.ANSWER, transfer_seconds(size))
        self._send_more(conn)
        while self._unsent_bytes > MOST_UNSENT:
            self._end_longest(state=State.ANSWER)

    def _send_more(self, conn: Connection) -> None:
        while conn.unsent:
            try:
                sent = conn.sock.send(conn.unsent[0])
            except (BlockingIOError, InterruptedError):
                if not conn.on_event:
                    self._watch(conn, EVENT_WRITE, self._send_more)
                return
            except OSError:
                self._end(conn)
                return
            conn.active_at = time.monotonic()
            conn.note_progress()
            self._unsent_bytes -= sent
            rest = conn.unsent.popleft()[sent:]
            if rest:
                conn.unsent.appendleft(rest)
        self._unwatch(conn)
        self._after_answer(conn)

    def _after_answer(self, conn: Connection) -> None:
        """Wait for the next request, or discard the rest of the body, or close the connection."""
        left = conn.request.body.left
        if conn.keep_alive and left == 0:
            self._await_head(conn, HEAD_SECONDS if conn.unread else self._idle_seconds())
        elif conn.keep_alive and left:
            self._drain(conn, left)
        else:
            try:
                conn.sock.shutdown(SHUT_WR)
            except OSError:  # the client is gone
                self._end(conn)
            else:
                self._drain(conn, 0)

    def _idle_seconds(self) -> float:
        return float(self.cfg.keepalive)

    # --- bytes that are only discarded ---

    def _drain(self, conn: Connection, left: int) -> None:
        """Read and discard `left` bytes, then wait for the next request. Where `left` is 0 or above
        the limit, discard up to the limit or until the client closes; then the connection ends.
        """
        conn.unread.clear()
        conn.keep_alive = 0 < left <= self.most_drained
        conn.left_to_drain = left if conn.keep_alive else self.most_drained
        # A worker that is asked to stop does not wait the full time for it.
        conn.enter(State.DRAINING, DRAIN_SECONDS if self.alive else DRAIN_SILENT_SECONDS)
        self._watch(conn, EVENT_READ, self._drain_more)

    def _drain_more(self, conn: Connection) -> None:
        data = self._receive(conn, min(conn.left_to_drain, RECEIVE_BYTES))
        if data is None:
            return
        conn.left_to_drain -= len(data)
        if conn.left_to_drain:
            return
        if not conn.keep_alive:
            self._end(conn)
            return
        self._unwatch(conn)
        self._await_head(conn, self._idle_seconds())
