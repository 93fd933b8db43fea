"""Moving windows of the rate limits in a SQLite file: exact across processes, nothing to install.

Where the file was removed, replaced or damaged, a new one is created and counting starts again from
zero. Losing the counts of a minute does no harm; a server that refuses every request would.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import apsw
from limits.storage import MovingWindowSupport, Storage

from skinapi.storage.ids import CLOCK_TOLERANCE

LONGEST_WAIT_MS = 10_000
CLOCK_TOLERANCE_S = CLOCK_TOLERANCE.total_seconds()
DAMAGED = (apsw.CorruptError, apsw.NotADBError, apsw.SQLError)  # SQLError: the table is missing
T = TypeVar("T")


class SqliteWindows(Storage, MovingWindowSupport):
    """A storage of the `limits` library. All threads of a process use one connection in turn."""

    STORAGE_SCHEME = ["skinapi-sqlite"]  # noqa: RUF012 (the base class reads a list)

    def __init__(self, path: Path) -> None:
        super().__init__(wrap_exceptions=True)
        self._path = path
        self._lock = threading.Lock()
        # The last one is in use. Those before it were opened by a parent process, and must neither
        # be used nor closed after a fork: https://sqlite.org/howtocorrupt.html
        self._opened: list[_Opened] = []

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return (apsw.Error, OSError)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        moment = time.time()

        def acquire(connection: apsw.Connection) -> bool:
            with _transaction(connection):
                connection.execute("DELETE FROM hits WHERE expires < ?", (moment,))
                # Hits in the future are from before the clock was put back. They would count until
                # the clock has caught up.
                ahead = (key, moment + min(expiry, CLOCK_TOLERANCE_S))
                connection.execute("DELETE FROM hits WHERE key = ? AND at > ?", ahead)
                if _count(connection, key, moment - expiry)[1] + amount > limit:
                    return False
                hits = [(key, moment, moment + expiry)] * amount
                connection.executemany("INSERT INTO hits VALUES (?, ?, ?)", hits)
                return True

        return self._run(acquire)

    def get_moving_window(
        self,
        key: str,
        limit: int,  # noqa: ARG002 (the base class asks for it)
        expiry: int,
    ) -> tuple[float, int]:
        moment = time.time()
        oldest, spent = self._run(lambda connection: _count(connection, key, moment - expiry))
        return (oldest or moment, spent)

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

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError("moving windows only")

    def get(self, key: str) -> int:
        raise NotImplementedError("moving windows only")

    def get_expiry(self, key: str) -> float:
        raise NotImplementedError("moving windows only")

    def check(self) -> bool:
        """True where a count can be read from the file; raises the library's error otherwise."""
        self._run(lambda connection: _count(connection, "", 0))
        return True

    def reset(self) -> int | None:
        def empty(connection: apsw.Connection) -> int:
            connection.execute("DELETE FROM hits")
            return connection.changes()

        return self._run(empty)

    def clear(self, key: str) -> None:
        self._run(lambda connection: connection.execute("DELETE FROM hits WHERE key = ?", (key,)))


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
                "CREATE TABLE IF NOT EXISTS hits (key TEXT, at REAL, expires REAL);"
                "CREATE INDEX IF NOT EXISTS by_key ON hits (key, at);"
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


def _count(connection: apsw.Connection, key: str, since: float) -> tuple[float | None, int]:
    statement = "SELECT min(at), count(*) FROM hits WHERE key = ? AND at >= ?"
    ((oldest, spent),) = connection.execute(statement, (key, since))
    return oldest, spent


@contextmanager
def _transaction(connection: apsw.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
