"""gunicorn's worker of threads, where a slow client costs a connection and never a thread.

The main loop reads heads and bodies and sends answers, each under a deadline; a thread gets a
request when its head is here, and a second time when its body is (buffering.py). Whoever takes
longest goes first where connections or memory run out: of one address before others'.

An answer given before the body was read (401, 413, 429, 503) would be lost if the connection was
closed with bytes still coming: the kernel sends a reset. So the rest is read off and thrown away,
bounded in bytes and seconds (RFC 9112, section 9.6).
"""

import errno
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from socket import SHUT_WR, socket
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from skinapi.errors import RequestTimeout, SkinAPIError, Unavailable
from skinapi.web.addresses import address_key
from skinapi.web.buffering import MOST_HEAD, BodyPending, BufferedRequest, head_in
from skinapi.web.connection import BodyMemory, Connection, State

HEAD_SECONDS = 10.0
SILENT_SECONDS = 20.0
# A body or an answer may take this long, and a second more for each so many bytes: a phone at the
# edge of a network sends 20 KB a second.
BODY_SECONDS = 20.0
SLOWEST_RATE = 16 * 1024
AT_A_TIME = 256 * 1024
BUSY_RETRY_S = 2

READ_OFF_SECONDS = 30.0
READ_OFF_SILENT_SECONDS = 5.0
MOST_UNSENT = 32 * 1024 * 1024
EXPIRE_EVERY_S = 0.25


# Said here, for the application never hears of such a request.
HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"Connection: close\r\nContent-Length: 0\r\n\r\n"
)


class BufferingWorker(ThreadWorker):  # type: ignore[misc]
    """The class attributes are the operator's settings; gunicorn.conf.py sets them."""

    most_held = 20 * 1024 * 1024
    most_read_off = 32 * 1024 * 1024
    most_of_address = 256
    # Behind a proxy all callers have its address, so nobody can be told from the others.
    behind_proxy = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._connections: set[Connection] = set()
        self._of_address: Counter[str] = Counter()
        self._running: Counter[str] = Counter()
        self._waiting: defaultdict[str, deque[Connection]] = defaultdict(deque)
        self._memory = BodyMemory(self.most_held)
        self._unsent = 0
        self._expired_at = 0.0
        self.answered = False  # since somebody last looked

    # --- connections ---

    def accept(self, listener: socket) -> None:
        try:
            sock, client = listener.accept()
        except OSError as error:  # gone before it was accepted, or no more files may be open
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._end_longest(self._connections)
            return
        sock.setblocking(False)
        conn = Connection(
            sock, client, listener.getsockname(), address_key(client[0] if client else "")
        )
        self._make_room(conn.address)
        self.nr_conns += 1
        self._connections.add(conn)
        self._of_address[conn.address] += 1
        self._await_head(conn, HEAD_SECONDS)

    def _make_room(self, address: str) -> None:
        """At the limit, whoever has kept this worker waiting longest makes room."""
        if not self.behind_proxy and self._of_address[address] >= self.most_of_address:
            own = [conn for conn in self._connections if conn.address == address]
            if not self._end_longest(own):
                self._end_queued(address)
        if self.nr_conns >= self.worker_connections - 1:
            ended = self._end_longest(self._connections)
            if not ended and not self.behind_proxy:
                self._end_queued(max(self._waiting, key=self._queued, default=""))

    def _end_longest(self, among: Iterable[Connection]) -> bool:
        """False where none of them waits for its client."""
        waiting = [conn for conn in among if conn.state is not State.RUNNING]
        if waiting:
            self._end(min(waiting, key=lambda conn: conn.since))
        return bool(waiting)

    def _end_queued(self, address: str) -> None:
        """Who sends many requests in a row is never waited for, so one that has not begun goes."""
        if queue := self._waiting.get(address):
            self._end(queue.pop())

    def _queued(self, address: str) -> int:
        return len(self._waiting[address])

    def _end(self, conn: Connection) -> None:
        self._unwatch(conn)
        self._memory.release(conn)
        conn.state = State.ENDED
        self._unsent -= sum(map(len, conn.unsent))
        conn.unsent.clear()
        self._connections.discard(conn)
        self._of_address[conn.address] -= 1
        if not self._of_address[conn.address]:
            del self._of_address[conn.address]
        self.nr_conns -= 1
        conn.sock.close()

    def _watch(self, conn: Connection, event: int, callback: Callable[[Connection], None]) -> None:
        self._unwatch(conn)
        self.poller.register(conn.sock, event, partial(self._heard, conn, callback))
        conn.watched = callback

    def _heard(self, conn: Connection, callback: Callable[[Connection], None], _: socket) -> None:
        """An event; too late where another of the same turn has moved this connection on."""
        if conn.watched == callback:
            callback(conn)

    def _unwatch(self, conn: Connection) -> None:
        if conn.watched:
            self.poller.unregister(conn.sock)
            conn.watched = None

    def _receive(self, conn: Connection, most: int) -> bytes | None:
        """None where nothing has come after all; the connection ends with its client."""
        try:
            data = conn.sock.recv(most)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            data = b""
        conn.heard_at = time.monotonic()
        if not data:
            self._end(conn)
            return None
        return data

    # --- a head, then a thread ---

    def _await_head(self, conn: Connection, seconds: float) -> None:
        conn.begin_request(b"")
        conn.enter(State.HEAD, seconds)
        if not self._take_request(conn):
            self._watch(conn, EVENT_READ, self._read_head)

    def _read_head(self, conn: Connection) -> None:
        first = not conn.unread
        data = self._receive(conn, MOST_HEAD)
        if data:
            conn.unread += data
            if first:  # an idle connection has begun its next request
                conn.deadline = conn.heard_at + HEAD_SECONDS
            self._take_request(conn)

    def _take_request(self, conn: Connection) -> bool:
        """Whether a request is on its way to a thread."""
        end = head_in(conn.unread)
        if not end and len(conn.unread) < MOST_HEAD:
            return False
        head, rest = bytes(conn.unread[:end]), bytes(conn.unread[end:])
        conn.begin_request(head)
        conn.unread.clear()
        if end:
            taken = conn.request.add(rest)  # no more than of a head: it counts once it is admitted
            conn.unread += rest[taken:]
            self._run(conn)
        else:
            conn.request.sendall(HEAD_TOO_LARGE)
            conn.goes_on = False
            self._send_answer(conn)
        return True

    def _run(self, conn: Connection) -> None:
        """Hand it to a thread; one address leaves some of them to the others."""
        self._unwatch(conn)
        conn.enter(State.RUNNING, 0)
        if self._running[conn.address] >= self._threads_of_address():
            self._waiting[conn.address].append(conn)
        else:
            self._submit(conn)

    def _threads_of_address(self) -> int:
        threads: int = self.cfg.threads
        return threads if self.behind_proxy else max(1, threads - max(1, threads // 4))

    def _submit(self, conn: Connection) -> None:
        self._running[conn.address] += 1
        conn.request.rewind()
        call = TConn(self.cfg, conn.request, conn.client, conn.server)
        call.data_ready = True
        try:
            done = self.tpool.submit(self.handle, call)
        except RuntimeError:  # the system allows no more threads
            self._running[conn.address] -= 1
            self._end(conn)
            return
        done.add_done_callback(lambda future: self.method_queue.defer(self._done, conn, future))

    def _keepalive_after(self, call: Any, keepalive: bool) -> bool:
        """Called in the thread. Where the parser found another end of the body than this worker,
        nobody knows where the next request begins.
        """
        request: BufferedRequest = call.sock
        if not keepalive or not request.complete or request.failure:
            return keepalive
        drained = call.parser.finish_body()
        return drained and request.read_to_its_end and not call.parser.unreader.buf.getvalue()

    def _done(self, conn: Connection, future: Future[bool]) -> None:
        """A thread is free again; in the main thread."""
        self._running[conn.address] -= 1
        if not self._running[conn.address]:
            del self._running[conn.address]
        if waiting := self._waiting.get(conn.address):
            self._submit(waiting.popleft())
        else:
            self._waiting.pop(conn.address, None)
        failed = None if future.cancelled() else future.exception()
        pending = isinstance(failed, BodyPending)
        conn.goes_on = not future.cancelled() and not failed and bool(future.result())
        if pending:
            self._await_body(conn)
        else:
            self._memory.release(conn)
            self._send_answer(conn)

    # --- a body ---

    def _await_body(self, conn: Connection) -> None:
        left = conn.request.body.left or 0
        conn.enter(State.BODY, BODY_SECONDS + left / SLOWEST_RATE)
        self._send_now(conn)  # "100 Continue"
        if conn.state is State.BODY:
            self._hold(conn, conn.request.arrived)
        if conn.state is State.BODY:
            self._watch(conn, EVENT_READ, self._read_body)

    def _send_now(self, conn: Connection) -> None:
        """Few bytes to a client that waits for them; its buffer is empty."""
        said = b"".join(conn.request.answer)
        conn.request.answer.clear()
        try:
            sent = conn.sock.send(said) if said else 0
        except OSError:
            sent = 0
        if sent < len(said):
            self._end(conn)

    def _read_body(self, conn: Connection) -> None:
        # Of chunks nobody knows the end: what comes behind it is kept, and counted as no body.
        data = self._receive(conn, min(conn.request.body.left or MOST_HEAD, AT_A_TIME))
        if data is None:
            return
        taken = conn.request.add(data)
        conn.unread += data[taken:]
        if conn.request.body.left is None:  # of no length: the time for it grows as it comes
            conn.deadline += taken / SLOWEST_RATE
        self._hold(conn, taken)
        admitted = conn.request.admission
        if conn.state is State.BODY and admitted and conn.held > admitted.largest:
            self._refuse(conn, admitted.too_large)
        if conn.state is State.BODY and conn.request.complete:
            self._run(conn)

    def _hold(self, conn: Connection, size: int) -> None:
        """So many bytes more of its body; where there is no room for them, one is refused."""
        self._memory.add(conn, size)
        refused = self._memory.to_refuse(self._connections, conn)
        if refused:
            self._refuse(refused, Unavailable(retry_after=BUSY_RETRY_S))

    def _refuse(self, conn: Connection, failure: SkinAPIError) -> None:
        self._memory.release(conn)
        conn.request.fail(failure)
        if conn.state is State.BODY:
            self._run(conn)

    # --- an answer ---

    def _send_answer(self, conn: Connection) -> None:
        self.answered = True
        conn.unsent = deque(memoryview(part) for part in conn.request.answer if part)
        conn.request.answer.clear()
        size = sum(map(len, conn.unsent))
        self._unsent += size
        conn.enter(State.ANSWER, BODY_SECONDS + size / SLOWEST_RATE)
        self._send_more(conn)
        while self._unsent > MOST_UNSENT:
            self._end_longest(one for one in self._connections if one.state is State.ANSWER)

    def _send_more(self, conn: Connection) -> None:
        while conn.unsent:
            try:
                sent = conn.sock.send(conn.unsent[0])
            except (BlockingIOError, InterruptedError):
                if not conn.watched:
                    self._watch(conn, EVENT_WRITE, self._send_more)
                return
            except OSError:
                self._end(conn)
                return
            conn.heard_at = time.monotonic()
            self._unsent -= sent
            rest = conn.unsent.popleft()[sent:]
            if rest:
                conn.unsent.appendleft(rest)
        self._unwatch(conn)
        self._after_answer(conn)

    def _after_answer(self, conn: Connection) -> None:
        left = conn.request.body.left
        if conn.goes_on and left == 0:
            self._await_head(conn, HEAD_SECONDS if conn.unread else self._idle_seconds())
        elif conn.goes_on and left:
            self._read_off(conn, left)
        else:
            try:
                conn.sock.shutdown(SHUT_WR)
            except OSError:  # the client is gone
                self._end(conn)
            else:
                self._read_off(conn, 0)

    def _idle_seconds(self) -> float:
        return float(self.cfg.keepalive)

    # --- what nobody wants ---

    def _read_off(self, conn: Connection, left: int) -> None:
        """`left` bytes, after which the connection goes on; 0: until its client closes it."""
        conn.unread.clear()
        conn.goes_on = 0 < left <= self.most_read_off
        conn.left_to_read = left if conn.goes_on else self.most_read_off
        conn.enter(State.READ_OFF, READ_OFF_SECONDS if self.alive else READ_OFF_SILENT_SECONDS)
        self._watch(conn, EVENT_READ, self._read_off_more)

    def _read_off_more(self, conn: Connection) -> None:
        data = self._receive(conn, min(conn.left_to_read, AT_A_TIME))
        if data is None:
            return
        conn.left_to_read -= len(data)
        if conn.left_to_read:
            return
        if not conn.goes_on:
            self._end(conn)
            return
        self._unwatch(conn)
        self._await_head(conn, self._idle_seconds())

    # --- deadlines ---

    def murder_pending(self) -> None:
        """gunicorn calls this at every turn of its main loop."""
        moment = time.monotonic()
        if moment - self._expired_at < EXPIRE_EVERY_S:
            return
        self._expired_at = moment
        for conn in [conn for conn in self._connections if _is_over(conn, moment)]:
            if conn.state is State.BODY:
                self._refuse(conn, RequestTimeout())
            else:
                self._end(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """gunicorn calls this when it is asked to stop: no idle connection stays longer."""
        for conn in self._connections:
            if conn.state is State.READ_OFF or (conn.state is State.HEAD and not conn.unread):
                conn.deadline = min(conn.deadline, deadline)


def _is_over(conn: Connection, moment: float) -> bool:
    if conn.state is State.RUNNING:
        return False
    silent = READ_OFF_SILENT_SECONDS if conn.state is State.READ_OFF else SILENT_SECONDS
    return moment > conn.deadline or moment - conn.heard_at > silent
