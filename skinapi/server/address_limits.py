"""Limits per client address: open connections, and threads in use at the same time.

Without them one address could take all connections or all threads of a worker. The worker applies
them only where it sees the clients' own addresses, so not behind a proxy. All of this runs in its
main thread, so there are no locks.
"""

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator

from skinapi.server.connection import Connection, State


class OpenConnections:
    """The open connections of a worker, by client address.

    Those that wait for their client are in the order in which it last did something: entered a
    state, sent another part of a body, took another part of an answer. So who uploads slowly is not
    closed before who sends nothing, and a client that connects again and again past its limit costs
    no search through all connections.
    """

    def __init__(self) -> None:
        self._all: set[Connection] = set()
        self._of_address: Counter[str] = Counter()
        self._waiting: OrderedDict[Connection, None] = OrderedDict()
        self._waiting_of: defaultdict[str, OrderedDict[Connection, None]] = defaultdict(OrderedDict)

    def __iter__(self) -> Iterator[Connection]:
        return iter(self._all)

    def add(self, conn: Connection) -> None:
        self._all.add(conn)
        self._of_address[conn.address] += 1
        conn.on_progress = self._progressed
        self._progressed(conn)

    def remove(self, conn: Connection) -> None:
        conn.on_progress = None
        self._all.discard(conn)
        self._stop_waiting(conn)
        self._of_address[conn.address] -= 1
        # A Counter keeps keys whose count is 0, so every address ever seen would stay in memory.
        if not self._of_address[conn.address]:
            del self._of_address[conn.address]

    def count(self, address: str) -> int:
        return self._of_address[address]

    def longest_waiting(
        self, *, address: str | None = None, state: State | None = None
    ) -> Connection | None:
        """The connection that has waited longest for its client, of this address or in this state
        where one is given; None where none waits.
        """
        waiting = self._waiting if address is None else self._waiting_of.get(address)
        return next((conn for conn in waiting or () if state in (None, conn.state)), None)

    def _progressed(self, conn: Connection) -> None:
        self._stop_waiting(conn)
        if conn.state is not State.RUNNING:
            self._waiting[conn] = self._waiting_of[conn.address][conn] = None

    def _stop_waiting(self, conn: Connection) -> None:
        self._waiting.pop(conn, None)
        if own := self._waiting_of.get(conn.address):
            own.pop(conn, None)
            if not own:
                del self._waiting_of[conn.address]


def threads_of_address(threads: int) -> int:
    """How many of a worker's threads one address may use: a quarter is left to the others."""
    return max(1, threads - max(1, threads // 4))


class FairQueue:
    """Decides which request gets a thread next, with one queue per address.

    A request whose address uses its share of the threads already waits until one of them is free.
    """

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()
        self._waiting: defaultdict[str, deque[Connection]] = defaultdict(deque)

    def start(self, conn: Connection, most: int) -> bool:
        """True where this request may have a thread now, which is then counted; otherwise it is
        queued. `most` is how many threads its address may use.
        """
        if self._running[conn.address] >= most:
            self._waiting[conn.address].append(conn)
            return False
        self._running[conn.address] += 1
        return True

    def finish(self, conn: Connection) -> Connection | None:
        """Count the thread of this request as free. The result is the next request of the same
        address, which is counted as running already; None where none is queued.
        """
        address = conn.address
        self._running[address] -= 1
        if not self._running[address]:
            del self._running[address]
        if waiting := self._waiting.get(address):
            self._running[address] += 1
            return waiting.popleft()
        self._waiting.pop(address, None)
        return None

    def drop_newest(self, address: str) -> Connection | None:
        """Take the newest request of this address out of its queue; None where none is queued."""
        waiting = self._waiting.get(address)
        return waiting.pop() if waiting else None

    def longest(self) -> str:
        """The address with the most queued requests; an empty text where there is no queue."""
        return max(self._waiting, key=lambda address: len(self._waiting[address]), default="")
