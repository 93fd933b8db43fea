"""Moving windows of the rate limits in a SQLite file: exact across processes, nothing to install.

The hits of a key are numbered in the order of their times. So how many lie in a window follows from
the first one in it and the last one, however many there are.

Where the file was removed, replaced or damaged, or is of an earlier version, a new one is created
and counting starts again from zero. Losing the counts of a minute does no harm; a server that
refuses every request would.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

import apsw
from limits import RateLimitItem

from skinapi.platform.sqlite.database_file import sqlite_errors
from skinapi.platform.storage.ids import CLOCK_TOLERANCE

LONGEST_WAIT_MS = 10_000
CLOCK_TOLERANCE_S = CLOCK_TOLERANCE.total_seconds()
# SQLError: the table is missing, or has other columns.
DAMAGED = (apsw.CorruptError, apsw.NotADBError, apsw.SQLError)
FIRST = "SELECT at, number FROM hits WHERE key = ? AND at >= ? ORDER BY at, number LIMIT 1"
LAST = "SELECT at, number FROM hits WHERE key = ? ORDER BY at DESC, number DESC LIMIT 1"
T = TypeVar("T")


class Window(NamedTuple):
    """The window of a hit: whether the hit was within the limit and so was counted, how many more
    requests are within it, and the time when the oldest hit leaves the window.
    """

    allowed: bool
    remaining: int
    resets_at: float


class SqliteWindows:
    """Counts hits in one file. All threads of a process use one connection in turn."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        # The last one is in use. Those before it were opened by a parent process, and must neither
        # be used nor closed after a fork: https://sqlite.org/howtocorrupt.html
        self._opened: list[_Opened] = []

    def hit(self, item: RateLimitItem, *names: str, cost: int = 1) -> Window:
        """Count so many requests against this limit, unless one of them is past it: then none.
        Raises StoreUnavailable.
        """
        key, moment = item.key_for(*names), time.time()
        with sqlite_errors():
            return self._run(lambda connection: _hit(connection, item, key, moment, cost))

    def ping(self) -> None:
        """Raises StoreUnavailable unless counts can be read from the file."""
        with sqlite_errors():
            self._run(lambda connection: connection.execute(LAST, ("",)).fetchall())

    def _run(self, act: Callable[[apsw.Connection], T]) -> T:
        """What `act` returns; a second time on a new file where this one is damaged or was lost."""
        with self._lock:
            try:
                return act(self._connection())
            except DAMAGED:
                self._opened[-1].remove()
            except apsw.ReadOnlyError:  # also raised where the file was removed a moment ago
                if self._opened[-1].is_in_place():
                    raise
            return act(self._connection())

    def _connection(self) -> apsw.Connection:
        """The connection of this process to the file that is at the path now."""
        if self._opened and self._opened[-1].pid == os.getpid():
            if self._opened[-1].is_in_place():
                return self._opened[-1].prepared()
            self._opened.pop().connection.close()
        self._opened.append(_Opened(self._path))
        return self._opened[-1].prepared()


class _Opened:
    """A connection, and the process and the file (inode) that it was opened by and for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.pid = os.getpid()
        self.connection = apsw.Connection(str(path))
        self._inode = path.stat().st_ino
        self._prepared = False

    def prepared(self) -> apsw.Connection:
        """The connection, with its table and settings.

        Nothing is synced, because losing counts in a power cut does no harm. There is a journal all
        the same: without it, a process that is killed during a transaction would leave a file that
        cannot be read.
        """
        if not self._prepared:
            self.connection.set_busy_timeout(LONGEST_WAIT_MS)
            self.connection.execute(
                "PRAGMA synchronous = OFF; PRAGMA journal_mode = PERSIST;"
                "CREATE TABLE IF NOT EXISTS hits (key TEXT, at REAL, number INTEGER, expires REAL,"
                " PRIMARY KEY (key, at, number)) WITHOUT ROWID;"
                "CREATE INDEX IF NOT EXISTS by_expiry ON hits (expires);"
            ).fetchall()  # a statement that returns rows stops the script until they are read
            self._prepared = True
        return self.connection

    def is_in_place(self) -> bool:
        with suppress(FileNotFoundError):
            return self._path.stat().st_ino == self._inode
        return False

    def remove(self) -> None:
        """Remove the file, unless another process has replaced it by a new one already."""
        if self.is_in_place():
            Path(f"{self._path}-journal").unlink(missing_ok=True)
            self._path.unlink()


def _hit(
    connection: apsw.Connection, item: RateLimitItem, key: str, moment: float, cost: int
) -> Window:
    expiry = item.get_expiry()
    with _transaction(connection):
        connection.execute("DELETE FROM hits WHERE expires < ?", (moment,))
        # Hits in the future are from before the clock was put back. They would count until the
        # clock has caught up.
        ahead = (key, moment + min(expiry, CLOCK_TOLERANCE_S))
        connection.execute("DELETE FROM hits WHERE key = ? AND at > ?", ahead)
        last_at, last = connection.execute(LAST, (key,)).get or (moment, 0)
        at, number = max(moment, last_at), last + 1
        oldest, first = connection.execute(FIRST, (key, moment - expiry)).get or (at, number)
        spent = number - first
        counted = cost if spent + cost <= item.amount else 0
        hits = [(key, at, number + more, at + expiry) for more in range(counted)]
        connection.executemany("INSERT INTO hits VALUES (?, ?, ?, ?)", hits)
        return Window(counted > 0, item.amount - spent - counted, oldest + expiry)


@contextmanager
def _transaction(connection: apsw.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
