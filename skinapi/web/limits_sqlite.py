"""Moving windows in a SQLite file: exact between processes, nothing to install."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw
from limits.storage import MovingWindowSupport, Storage

LONGEST_WAIT_MS = 10_000


class SqliteWindows(Storage, MovingWindowSupport):
    STORAGE_SCHEME = ["skinapi-sqlite"]  # noqa: RUF012 (the base class reads a list)

    def __init__(self, path: Path) -> None:
        super().__init__(wrap_exceptions=True)
        self._path = path
        self._local = threading.local()

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return (apsw.Error, OSError)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        moment = time.time()
        with self._counting() as connection, _transaction(connection):
            connection.execute("DELETE FROM hits WHERE expires < ?", (moment,))
            # The clock was put back: such hits would count until it has caught up with them.
            ahead = (key, moment + expiry)
            connection.execute("DELETE FROM hits WHERE key = ? AND at > ?", ahead)
            spent = self._count(connection, key, moment - expiry)[1]
            if spent + amount > limit:
                return False
            connection.executemany(
                "INSERT INTO hits VALUES (?, ?, ?)", [(key, moment, moment + expiry)] * amount
            )
            return True

    def get_moving_window(
        self,
        key: str,
        limit: int,  # noqa: ARG002 (the base class asks for it)
        expiry: int,
    ) -> tuple[float, int]:
        moment = time.time()
        with self._counting() as connection:
            oldest, spent = self._count(connection, key, moment - expiry)
        return (oldest or moment, spent)

    def _count(
        self, connection: apsw.Connection, key: str, since: float
    ) -> tuple[float | None, int]:
        asked = "SELECT min(at), count(*) FROM hits WHERE key = ? AND at >= ?"
        (row,) = connection.execute(asked, (key, since))
        oldest, spent = row
        return oldest, spent

    @contextmanager
    def _counting(self) -> Iterator[apsw.Connection]:
        try:
            yield self._connection()
        except (apsw.CorruptError, apsw.NotADBError):
            self._begin_anew()
            raise

    def _begin_anew(self) -> None:
        """Unless somebody has already: then the file at that place is another one."""
        with suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._local.inode:
                Path(f"{self._path}-journal").unlink(missing_ok=True)
                self._path.unlink()
        self._local.connection.close()
        self._local.pid = None

    def _connection(self) -> apsw.Connection:
        """One a thread and process. Nothing is synced, for losing hits in a power cut is fine; the
        journal is for whoever is killed half-way, and would leave a file that no one can read.
        """
        pid = os.getpid()
        if getattr(self._local, "pid", None) != pid:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = apsw.Connection(str(self._path))
            connection.set_busy_timeout(LONGEST_WAIT_MS)
            self._local.inode = self._path.stat().st_ino
            self._local.connection = connection
            connection.execute(
                "PRAGMA synchronous = OFF; PRAGMA journal_mode = PERSIST;"
                "CREATE TABLE IF NOT EXISTS hits (key TEXT, at REAL, expires REAL);"
                "CREATE INDEX IF NOT EXISTS by_key ON hits (key, at);"
                "CREATE INDEX IF NOT EXISTS by_expiry ON hits (expires);"
            ).fetchall()  # a statement after one that answers runs only then
            self._local.pid = pid
        found: apsw.Connection = self._local.connection
        return found

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError("moving windows only")

    def get(self, key: str) -> int:
        raise NotImplementedError("moving windows only")

    def get_expiry(self, key: str) -> float:
        raise NotImplementedError("moving windows only")

    def check(self) -> bool:
        with self._counting() as connection:
            connection.execute("SELECT 1")
        return True

    def reset(self) -> int | None:
        with self._counting() as connection:
            connection.execute("DELETE FROM hits")
            return connection.changes()

    def clear(self, key: str) -> None:
        with self._counting() as connection:
            connection.execute("DELETE FROM hits WHERE key = ?", (key,))


@contextmanager
def _transaction(connection: apsw.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
