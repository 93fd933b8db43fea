"""The connections of a gunicorn worker: accept them within limits, wait for them, close them.

buffering_worker.py reads the requests from them, answering_worker.py sends the answers.
"""

import errno
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from socket import socket
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from skinapi.server.address_limits import FairQueue, OpenConnections
from skinapi.server.addresses import address_key
from skinapi.server.connection import BodyMemory, Connection, State

RECEIVE_BYTES = 256 * 1024


class ConnectionWorker(ThreadWorker):  # type: ignore[misc]
    """Keeps the connections of one process. The class attributes are limits, in bytes and in
    connections; gunicorn.conf.py sets them from the operator's settings.
    """

    most_held = 20 * 1024 * 1024
    most_spooled = 4 * 1024 * 1024 * 1024
    spool_folder = Path("instance/quarantine")
    most_of_address = 256
    # Behind a proxy all clients have the proxy's address, so limits per address are off.
    behind_proxy = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._connections = OpenConnections()
        self._fair_queue = FairQueue()
        self._memory = BodyMemory(self.most_held)
        self._disk = BodyMemory(self.most_spooled)
        self._unsent_bytes = 0

    def _accept_connection(self, listener: socket) -> Connection | None:
        """A new connection; where a limit is reached, another one is closed for it. None where the
        client is gone already, or where no more files may be open.
        """
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._end_longest()
            return None
        sock.setblocking(False)
        conn = Connection(
            sock, client, listener.getsockname(), address_key(client[0] if client else "")
        )
        self._make_room(conn.address)
        self.nr_conns += 1
        self._connections.add(conn)
        return conn

    def _make_room(self, address: str) -> None:
        """Close a connection where a limit is reached, before one of this address is added."""
        full = not self.behind_proxy and self._connections.count(address) >= self.most_of_address
        if full and not self._end_longest(address=address):
            self._end_queued(address)
        if self.nr_conns >= self.worker_connections - 1:
            ended = self._end_longest()
            if not ended and not self.behind_proxy:
                self._end_queued(self._fair_queue.longest())

    def _end_longest(self, *, address: str | None = None, state: State | None = None) -> bool:
        """Close the connection that has waited longest for its client, of this address or in this
        state where one is given; False where none waits.
        """
        conn = self._connections.longest_waiting(address=address, state=state)
        if conn:
            self._end(conn)
        return conn is not None

    def _end_queued(self, address: str) -> None:
        """Close a connection whose request waits for a thread.

        A client that sends requests without a pause is never waited for, so `_end_longest` would
        never find one of its connections.
        """
        if conn := self._fair_queue.drop_newest(address):
            self._end(conn)

    def _end(self, conn: Connection) -> None:
        self._unwatch(conn)
        self._release(conn)
        conn.state = State.ENDED
        self._unsent_bytes -= sum(map(len, conn.unsent))
        conn.unsent.clear()
        self._connections.remove(conn)
        self.nr_conns -= 1
        conn.sock.close()

    def _space_of(self, conn: Connection) -> BodyMemory:
        """What its body takes room of: the memory for bodies, or the disk space for them."""
        return self._disk if conn.request.spooled else self._memory

    def _release(self, conn: Connection) -> None:
        """Free what its body takes."""
        self._space_of(conn).release(conn)
        conn.request.release()

    def _watch(self, conn: Connection, event: int, callback: Callable[[Connection], None]) -> None:
        self._unwatch(conn)
        self.poller.register(conn.sock, event, partial(self._dispatch, conn, callback))
        conn.on_event = callback

    def _dispatch(
        self, conn: Connection, callback: Callable[[Connection], None], _: socket
    ) -> None:
        """Call the callback of an event, unless the connection waits for another event by now.

        The poller returns several events at a time, and handling one of them may close or change a
        connection that has an event later in the same list.
        """
        if conn.on_event == callback:
            callback(conn)

    def _unwatch(self, conn: Connection) -> None:
        if conn.on_event:
            self.poller.unregister(conn.sock)
            conn.on_event = None

    def _receive(self, conn: Connection, most: int) -> bytes | None:
        """Up to `most` bytes; None where nothing has arrived. Where the client has closed the
        connection, it is ended here, and the result is None too.
        """
        try:
            data = conn.sock.recv(most)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            data = b""
        conn.active_at = time.monotonic()
        if not data:
            self._end(conn)
            return None
        return data
