"""The gunicorn worker: threads for the application, and one main loop for all slow clients.

The main loop reads heads and bodies and sends answers (answering_worker.py), each under a deadline
(deadlines.py). A thread gets a request when its head is here, and again when its body is, where
that takes longer (buffered_request.py). So a slow client uses a connection but never a thread.

When connections run out, the one that has waited longest for its client is closed: first one of the
same address, then any (connection_worker.py). When memory for bodies runs out, one body is refused
with 503 (connection.py). The body of a route for large uploads goes to a file instead
(spool_file.py).
"""

import time
from concurrent.futures import Future
from select import select
from selectors import EVENT_READ
from socket import socket
from typing import Any

from gunicorn.workers.gthread import TConn

from skinapi.errors import HeadersTooLarge, RequestTimeout, SkinAPIError, Unavailable
from skinapi.server.address_limits import threads_of_address
from skinapi.server.answering_worker import AnsweringWorker
from skinapi.server.buffered_request import MOST_HEAD, BodyPending, BufferedRequest, end_of_head
from skinapi.server.connection import Connection, State
from skinapi.server.connection_worker import RECEIVE_BYTES
from skinapi.server.deadlines import (
    HEAD_SECONDS,
    extra_seconds,
    is_overdue,
    transfer_seconds,
)
from skinapi.server.malformed_requests import error_for, raw_answer, refuse_unclear_head
from skinapi.server.spool_file import SpoolFile
from skinapi.storage.files import disk_error

RETRY_AFTER_S = 2
CHECK_DEADLINES_EVERY_S = 0.25


class BufferingWorker(AnsweringWorker):
    """Reads requests, gives them to threads, and sends their answers."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._checked_deadlines_at = 0.0

    # --- a head, then a thread ---

    def accept(self, listener: socket) -> None:
        """gunicorn calls this when a client connects."""
        if conn := self._accept_connection(listener):
            self._await_head(conn, HEAD_SECONDS)

    def _await_head(self, conn: Connection, seconds: float) -> None:
        conn.begin_request(b"")
        conn.enter(State.HEAD, seconds)
        if not self._start_request(conn):
            self._watch(conn, EVENT_READ, self._read_head)

    def _read_head(self, conn: Connection) -> None:
        first = not conn.unread
        data = self._receive(conn, MOST_HEAD)
        if data:
            conn.unread += data
            if first:  # an idle connection has begun its next request
                conn.deadline = conn.active_at + HEAD_SECONDS
            self._start_request(conn)

    def _start_request(self, conn: Connection) -> bool:
        """Queue the request where its head is complete, or answer 431 where the head is too large.
        False where more of the head must arrive first.
        """
        end = end_of_head(conn.unread)
        if not end and len(conn.unread) < MOST_HEAD:
            return False
        head, rest = bytes(conn.unread[:end]), bytes(conn.unread[end:])
        conn.begin_request(head)
        conn.unread.clear()
        if end:
            # What came together with the head is at most MOST_HEAD bytes, so it is not counted as
            # body memory before the request is admitted.
            taken = conn.request.add(rest)
            conn.unread += rest[taken:]
            self._run(conn)
        else:
            conn.request.sendall(raw_answer(HeadersTooLarge()))
            conn.keep_alive = False
            self._send_answer(conn)
        return True

    def _run(self, conn: Connection) -> None:
        """Give the request to a thread, or queue it where its address uses its share of them."""
        self._unwatch(conn)
        conn.enter(State.RUNNING, 0)
        threads: int = self.cfg.threads
        most = threads if self.behind_proxy else threads_of_address(threads)
        if self._fair_queue.start(conn, most):
            self._submit(conn)

    def _submit(self, conn: Connection) -> None:
        conn.request.rewind()
        call = TConn(self.cfg, conn.request, conn.client, conn.server)
        call.data_ready = True
        try:
            done = self.tpool.submit(self.handle, call)
        except RuntimeError:  # the system allows no more threads
            self._end(conn)
            if waiting := self._fair_queue.finish(conn):
                self._submit(waiting)
            return
        # The callback may run in the thread; everything else here belongs to the main loop.
        done.add_done_callback(lambda future: self.method_queue.defer(self._on_done, conn, future))

    def handle_request(self, request: Any, call: Any) -> bool:
        """gunicorn calls this in the thread, when it has parsed the head."""
        refuse_unclear_head(request)
        left = call.sock.body.left
        if left is None or left > self.most_drained:
            # An answer before the body is here ends the connection (_after_answer), and says so.
            request.force_close()
        answered: bool = super().handle_request(request, call)
        return answered

    def handle_error(self, _: Any, client: Any, __: Any, raised: Exception) -> None:
        """gunicorn calls this in the thread for a request that it refuses, and for a failure that
        the application has not answered.
        """
        error = error_for(raised)
        if error.status == SkinAPIError.status:
            self.log.exception("Error handling request")  # noqa: LOG004 (gunicorn handles one)
        else:
            self.log.warning("Invalid request")
        client.sendall(raw_answer(error))

    def _keepalive_after(self, call: Any, keepalive: bool) -> bool:
        """gunicorn calls this in the thread: whether the connection may take another request.

        False where gunicorn's parser and this worker found different ends of the body. Then it is
        not known where the next request begins, and a request could be smuggled:
        https://www.rfc-editor.org/rfc/rfc9112#section-11.2
        """
        request: BufferedRequest = call.sock
        if not keepalive or not request.complete or request.failure:
            return keepalive
        drained = call.parser.finish_body()
        return drained and request.read_to_its_end and not call.parser.unreader.buf.getvalue()

    def _on_done(self, conn: Connection, future: Future[bool]) -> None:
        """Runs in the main thread after a thread has worked on a request: wait for the body, or
        send the answer. The thread goes to the next request of the same address.
        """
        if following := self._fair_queue.finish(conn):
            self._submit(following)
        failed = None if future.cancelled() else future.exception()
        pending = isinstance(failed, BodyPending)
        conn.keep_alive = not future.cancelled() and not failed and bool(future.result())
        if pending:
            self._await_body(conn)
        else:
            self._release(conn)
            self._send_answer(conn)

    # --- a body ---

    def _await_body(self, conn: Connection) -> None:
        conn.enter(State.BODY, transfer_seconds(conn.request.body.left or 0))
        self._send_continue(conn)
        # Each step may end the connection or refuse the body, and that changes the state.
        if conn.state is State.BODY and conn.request.admission and conn.request.admission.spooled:
            self._spool(conn)
        if conn.state is State.BODY:
            self._count_body(conn, conn.request.arrived)
        if conn.state is State.BODY:
            self._watch(conn, EVENT_READ, self._read_body)

    def _spool(self, conn: Connection) -> None:
        try:
            conn.request.spool_to(SpoolFile(self.spool_folder))
        except OSError as error:
            self._refuse(conn, disk_error(error))

    def _send_continue(self, conn: Connection) -> None:
        """Send "100 Continue" to a client that waits for it before it sends the body.

        Nothing else waits to be sent to it, so these few bytes fit into the socket's buffer. Where
        they do not, the connection is ended.
        """
        interim = b"".join(conn.request.answer)
        conn.request.answer.clear()
        try:
            sent = conn.sock.send(interim) if interim else 0
        except OSError:
            sent = 0
        if sent < len(interim):
            self._end(conn)

    def _read_body(self, conn: Connection) -> None:
        # The length of a chunked body is not known, so this may read bytes of the next request:
        # they are kept in `unread` and not counted as body.
        data = self._receive(conn, min(conn.request.body.left or MOST_HEAD, RECEIVE_BYTES))
        if data is None:
            return
        try:
            taken = conn.request.add(data)
        except OSError as error:
            self._refuse(conn, disk_error(error))
            return
        conn.unread += data[taken:]
        if conn.request.body.left is None:
            conn.deadline += extra_seconds(taken)
        self._count_body(conn, taken)
        admitted = conn.request.admission
        too_large = conn.request.is_larger_than_admitted(conn.held)
        if conn.state is State.BODY and admitted and too_large:
            self._refuse(conn, admitted.too_large)
        if conn.state is State.BODY and conn.request.complete:
            self._run(conn)

    def _count_body(self, conn: Connection, size: int) -> None:
        """Count `size` more bytes of its body; where the memory for bodies has run out, or the disk
        space for those in files, refuse one of them.
        """
        space = self._space_of(conn)
        space.add(conn, size)
        alike = (one for one in self._connections if one.request.spooled == conn.request.spooled)
        refused = space.to_refuse(alike, conn)
        if refused:
            self._refuse(refused, Unavailable(retry_after=RETRY_AFTER_S))

    def _refuse(self, conn: Connection, failure: SkinAPIError) -> None:
        """Free the space of its body, and let the application answer with this error."""
        self._space_of(conn).release(conn)
        conn.request.fail(failure)
        if conn.state is State.BODY:
            self._run(conn)

    # --- deadlines ---

    def murder_pending(self) -> None:
        """Close overdue connections; a client whose body is overdue gets 408 instead.

        gunicorn calls this at every turn of its main loop.
        """
        moment = time.monotonic()
        if moment - self._checked_deadlines_at < CHECK_DEADLINES_EVERY_S:
            return
        self._checked_deadlines_at = moment
        for conn in [conn for conn in self._connections if is_overdue(conn, moment)]:
            if conn.state is State.BODY:
                self._refuse(conn, RequestTimeout())
            else:
                self._end(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """Let idle connections end by this deadline; gunicorn calls it when it is asked to stop."""
        self._close_listeners()
        for conn in self._connections:
            if conn.state is State.DRAINING or (conn.state is State.HEAD and not conn.unread):
                conn.deadline = min(conn.deadline, deadline)

    def _close_listeners(self) -> None:
        """Take the connections that the system has made already, and have it refuse new ones.

        gunicorn keeps its listeners open until the last request is answered. Meanwhile the system
        goes on making connections, and in the end it breaks them off with their requests unread. A
        proxy may send a request again if its connection was refused, but not if it was broken off.
        """
        for listener in self.sockets:
            for _ in range(self.cfg.backlog):
                waiting, _, _ = select([listener], [], [], 0)
                if not waiting or self.nr_conns >= self.worker_connections - 1:
                    break
                self.accept(listener)
            listener.close()
