"""Moving windows in a SQLite file: exact between processes, nothing to install.

The counts of a minute are no loss, and a server that refuses everybody would be one: where the file
was removed, replaced or spoilt, counting begins anew.
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

LONGEST_WAIT_MS = 10_000
SPOILT = (apsw.CorruptError, apsw.NotADBError, apsw.SQLError)  # the last: our table is not there
T = TypeVar("T")


class SqliteWindows(Storage, MovingWindowSupport):
    STORAGE_SCHEME = ["skinapi-sqlite"]  # noqa: RUF012 (the base class reads a list)

    def __init__(self, path: Path) -> None:
        super().__init__(wrap_exceptions=True)
        self._path = path
        self._turn = threading.Lock()
        self._opened: list[_Opened] = []  # the last is in use; those before it are a parent's

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return (apsw.Error, OSError)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        moment = time.time()

        def acquire(connection: apsw.Connection) -> bool:
            with _transaction(connection):
                connection.execute("DELETE FROM hits WHERE expires < ?", (moment,))
                # The clock was put back: such hits would count until it has caught up with them.
                ahead = (key, moment + expiry)
                connection.execute("DELETE FROM hits WHERE key = ? AND at > ?", ahead)
                if _count(connection, key, moment - expiry)[1] + amount > limit:
                    return False
                hits = [(key, moment, moment + expiry)] * amount
                connection.executemany("INSERT INTO hits VALUES (?, ?, ?)", hits)
                return True

        return self._ask(acquire)

    def get_moving_window(
        self,
        key: str,
        limit: int,  # noqa: ARG002 (the base class asks for it)
        expiry: int,
    ) -> tuple[float, int]:
        moment = time.time()
        oldest, spent = self._ask(lambda connection: _count(connection, key, moment - expiry))
        return (oldest or moment, spent)

    def _ask(self, act: Callable[[apsw.Connection], T]) -> T:
        with self._turn:
            try:
                return act(self._connection())
            except SPOILT:
                self._opened[-1].remove()
            except apsw.ReadOnlyError:  # also where the file went after it was looked at
                if self._opened[-1].is_in_place():
                    raise
            return act(self._connection())

    def _connection(self) -> apsw.Connection:
        """One a process: threads take turns at it. A parent's is never closed by its child."""
        if self._opened and self._opened[-1].pid == os.getpid():
            if self._opened[-1].is_in_place():
                return self._opened[-1].prepared()
            self._opened.pop().connection.close()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._opened.append(_Opened(self._path))
        return self._opened[-1].prepared()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError("moving windows only")

    def get(self, key: str) -> int:
        raise NotImplementedError("moving windows only")

    def get_expiry(self, key: str) -> float:
        raise NotImplementedError("moving windows only")

    def check(self) -> bool:
        """Whether a count can be looked up in the file."""
        self._ask(lambda connection: _count(connection, "", 0))
        return True

    def reset(self) -> int | None:
        def empty(connection: apsw.Connection) -> int:
            connection.execute("DELETE FROM hits")
            return connection.changes()

        return self._ask(empty)

    def clear(self, key: str) -> None:
        self._ask(lambda connection: connection.execute("DELETE FROM hits WHERE key = ?", (key,)))


class _Opened:
    """A connection, and which file it was opened to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.pid = os.getpid()
        self.connection = apsw.Connection(str(path))
        self._inode = path.stat().st_ino
        self._prepared = False

    def prepared(self) -> apsw.Connection:
        """Nothing is synced, for losing hits in a power cut is fine; the journal is for whoever is
        killed half-way, and would leave a file that no one can read.
        """
        if not self._prepared:
            self.connection.set_busy_timeout(LONGEST_WAIT_MS)
            self.connection.execute(
                "PRAGMA synchronous = OFF; PRAGMA journal_mode = PERSIST;"
                "CREATE TABLE IF NOT EXISTS hits (key TEXT, at REAL, expires REAL);"
                "CREATE INDEX IF NOT EXISTS by_key ON hits (key, at);"
                "CREATE INDEX IF NOT EXISTS by_expiry ON hits (expires);"
            ).fetchall()  # a statement after one that answers runs only then
            self._prepared = True
        return self.connection

    def is_in_place(self) -> bool:
        with suppress(FileNotFoundError):
            return self._path.stat().st_ino == self._inode
        return False

    def remove(self) -> None:
        """Unless somebody has already: then the file at that place is another one."""
        if self.is_in_place():
            Path(f"{self._path}-journal").unlink(missing_ok=True)
            self._path.unlink()


def _count(connection: apsw.Connection, key: str, since: float) -> tuple[float | None, int]:
    asked = "SELECT min(at), count(*) FROM hits WHERE key = ? AND at >= ?"
    ((oldest, spent),) = connection.execute(asked, (key, since))
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
