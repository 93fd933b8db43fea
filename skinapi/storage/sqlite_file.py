"""The SQLite file of the documents: made once, and opened so that what is committed is durable."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from skinapi.errors import Duplicate
from skinapi.storage.disk import disk_error
from skinapi.storage.file_lock import locked

LONGEST_WAIT_MS = 15_000


class SqliteFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Path(f"{path}-lock")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """No other thread or process writes meanwhile."""
        with locked(self._lock):
            yield

    def connect(self) -> apsw.Connection:
        """A connection for one thread and process."""
        with self.locked():
            connection = apsw.Connection(str(self._path))
            connection.set_busy_timeout(LONGEST_WAIT_MS)
            # A commit appends to the write-ahead log, and FULL waits until the disk has that: it
            # survives a killed process and a power cut. NORMAL, the usual word beside a log, waits
            # at checkpoints alone, and a power cut takes what was acknowledged since.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        return connection


@contextmanager
def sqlite_errors() -> Iterator[None]:
    """SQLite's and the disk's errors in our words."""
    try:
        yield
    except apsw.ConstraintError as error:
        raise Duplicate from error
    except (apsw.Error, OSError) as error:
        raise disk_error(error) from error
