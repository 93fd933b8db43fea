"""The SQLite file of the documents: made once, and no other or empty one is taken for it."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import apsw
import structlog

from skinapi.errors import Duplicate, StoreUnavailable
from skinapi.storage.disk_errors import LOST, disk_error
from skinapi.storage.file_lock import locked

log: Any = structlog.get_logger("skinapi")
LONGEST_WAIT_MS = 15_000
APPLICATION_ID = 0x536B696E  # "Skin"
# https://www.sqlite.org/fileformat.html#the_database_header
HEADER_BYTES, MAGIC, OURS_AT = 100, b"SQLite format 3\0", slice(68, 72)
MARK = "A database was made here. While this file is here, no empty one is made in its place.\n"
MISSING, DAMAGED = "missing", "damaged"


class SqliteFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock, self._mark = Path(f"{path}-lock"), Path(f"{path}-made")
        self._opened: tuple[int, int] | None = None
        self._largest = 0
        self._told: set[str] = set()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """No other thread or process writes meanwhile."""
        with locked(self._lock):
            yield

    def connect(self) -> apsw.Connection:
        """For one thread and process. Raises StoreUnavailable unless our file is there."""
        with self.locked():
            if not self._mark.exists():
                self._make()
            self.check_place()
            if not (_is_ours(self._path) and self._has_kept_its_size()):
                self._refuse(DAMAGED)
            self._opened = _place_of(self._path)
            return self._open(apsw.SQLITE_OPEN_READWRITE)

    @contextmanager
    def examined(self) -> Iterator[apsw.Connection]:
        """A connection that has nothing in memory yet: what it reads is what the file holds.

        Raises StoreUnavailable where that shows damage.
        """
        try:
            with closing(self.connect()) as connection:
                yield connection
        except (apsw.CorruptError, apsw.NotADBError):
            self._refuse(DAMAGED)
        self._take_back(DAMAGED)

    def _has_kept_its_size(self) -> bool:
        """Nothing that we do makes it smaller."""
        size = self._path.stat().st_size
        self._largest = max(size, self._largest)
        return size == self._largest

    def check_place(self) -> None:
        """Raises StoreUnavailable where no file is at the path any more, or another one.

        SQLite would go on writing into the file that it has opened, which nobody finds again. One
        that is put in its place is not opened before a restart: the log beside it belongs to the
        first, and would be written into it.
        """
        place = _place_of(self._path)
        if place is None or self._opened not in (None, place):
            self._refuse(MISSING)
        self._take_back(MISSING)

    def _refuse(self, fault: str) -> NoReturn:
        if fault not in self._told:
            self._told.add(fault)
            log.error(LOST, fault=fault, file=str(self._path))
        raise StoreUnavailable(LOST)

    def _take_back(self, fault: str) -> None:
        if fault in self._told:
            self._told.discard(fault)
            log.info("the database file is back", fault=fault, file=str(self._path))

    def _make(self) -> None:
        """Whoever is killed before the mark is written has made nothing that counts."""
        connection = self._open(apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
        with self._mark.open("w") as file:
            file.write(MARK)
            file.flush()
            os.fsync(file.fileno())

    def _open(self, flags: int) -> apsw.Connection:
        connection = apsw.Connection(str(self._path), flags)
        connection.set_busy_timeout(LONGEST_WAIT_MS)
        # A commit appends to the write-ahead log, and FULL waits until the disk has that: it
        # survives a killed process and a power cut. NORMAL, the usual word beside a log, waits
        # at checkpoints alone, and a power cut takes what was acknowledged since.
        connection.execute("PRAGMA synchronous = FULL")
        return connection


def _is_ours(path: Path) -> bool:
    """Read past SQLite, which would take an empty file for a new database and delete the log beside
    it; but through its own files, for to close another one gives up the locks of this process.
    """
    flags = apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_READWRITE
    file = apsw.VFSFile("", str(path), [flags, 0])
    try:
        header = file.xRead(HEADER_BYTES, 0)
    finally:
        file.xClose()
    return header.startswith(MAGIC) and header[OURS_AT] == APPLICATION_ID.to_bytes(4, "big")


def _place_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def sqlite_errors() -> Iterator[None]:
    """SQLite's and the disk's errors in our words."""
    try:
        yield
    except apsw.ConstraintError as error:
        raise Duplicate from error
    except (apsw.Error, OSError) as error:
        raise disk_error(error) from error
