"""The SQLite file of the documents. It is created once, before a server starts. If it is missing or
another file is in its place, that is an error: no empty file is created instead.
"""

import errno
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, NoReturn, TypeVar

import apsw

from skinapi.base.errors import Duplicate, StoreUnavailable
from skinapi.base.logs import log
from skinapi.platform.storage.files import LOST, LOST_LOG, disk_error, locked, write_durably

LONGEST_WAIT_MS = 15_000
APPLICATION_ID = 0x536B696E  # "Skin"
# https://www.sqlite.org/fileformat.html#the_database_header
# At offset 68 is the application id, which marks the file as ours.
HEADER_BYTES, MAGIC, ID_AT = 100, b"SQLite format 3\0", slice(68, 72)
PAGE_SIZE_AT, PAGES_AT, REWRITES_AT = slice(16, 18), slice(28, 32), slice(60, 64)
MARKER = b"A database was made here. While this file is here, no empty one is made in its place.\n"
MISSING, DAMAGED, LOG_REMOVED = "missing", "damaged", "write-ahead log removed"
Inode = tuple[int, int]


class SqliteFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock, self._marker = Path(f"{path}-lock"), Path(f"{path}-made")
        self._opened_inode: Inode | None = None
        # The write-ahead log and its index, which stay the same while a process has a connection.
        self._log_files = Path(f"{path}-wal"), Path(f"{path}-shm")
        self._log_inodes: tuple[Inode | None, ...] | None = None
        self._open_connections, self._opened_by = 0, 0
        self._counting = threading.Lock()
        self._largest_size, self._rewrites = 0, 0
        self._reported: set[str] = set()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the writer's lock: no other thread or process writes in this block."""
        with locked(self._lock):
            yield

    @property
    def made(self) -> bool:
        return self._marker.exists()

    def make(self) -> None:
        """Create the database, then the marker file. Call it with the writer's lock.

        After a crash before the marker is written, the next call starts again. Whoever serves does
        not call this: where the folder is missing for a while, an empty database in its place would
        take records that are gone once the folder is back.
        """
        connection = self._open(apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
        write_durably(self._marker, MARKER)

    def connect(self) -> apsw.Connection:
        """Open a connection for one thread of one process.

        Raises StoreUnavailable if the file is missing, replaced or damaged, and PermissionError
        with the file that may not be opened.
        """
        self.refuse_if_lost()
        try:
            return self._connect()
        except (apsw.CantOpenError, apsw.ReadOnlyError):
            # SQLite does not say which file it may not open, nor that this is why.
            for path in (self._path, *self._log_files, self._path.parent):
                if path.exists() and not os.access(path, os.R_OK | os.W_OK, effective_ids=True):
                    raise PermissionError(
                        errno.EACCES, os.strerror(errno.EACCES), str(path)
                    ) from None
            raise

    def _connect(self) -> apsw.Connection:
        with self.locked():
            if self._opened_by != os.getpid():
                # After a fork they are the parent's, so what they opened says nothing.
                self._opened_by, self._open_connections, self._log_inodes = os.getpid(), 0, None
            self.refuse_if_replaced()
            header = _header_of(self._path)
            ours = header.startswith(MAGIC) and header[ID_AT] == APPLICATION_ID.to_bytes(4, "big")
            if not (ours and self._has_not_shrunk(header)):
                self._refuse(DAMAGED)
            self._opened_inode = _inode_of(self._path)
            connection = self._open(apsw.SQLITE_OPEN_READWRITE)
            # SQLite opens the log at the first read, and keeps it until the connection is closed.
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
            with self._counting:
                self._open_connections += 1
                self._log_inodes = tuple(map(_inode_of, self._log_files))
            return connection

    def close(self, connection: apsw.Connection) -> None:
        """Close a connection of this process. SQLite removes the log where it was the last one."""
        with self._counting:
            self._open_connections -= 1
            if self._open_connections == 0:
                self._log_inodes = None
        connection.close()

    @contextmanager
    def fresh_connection(self) -> Iterator[apsw.Connection]:
        """A new connection with an empty cache, so that reads come from the file.

        Raises StoreUnavailable if a read in the block finds damage.
        """
        try:
            connection = self.connect()
            try:
                yield connection
            finally:
                self.close(connection)
        except (apsw.CorruptError, apsw.NotADBError):
            self._refuse(DAMAGED)
        self._report_recovery(DAMAGED)

    def _has_not_shrunk(self, header: bytes) -> bool:
        """Whether the file is at least as large as before. Only a rewrite (file_rewrite.py) makes
        it smaller, and counts itself in the header.
        """
        rewrites = int.from_bytes(header[REWRITES_AT], "big")
        if rewrites != self._rewrites:
            self._rewrites, self._largest_size = rewrites, 0
        # The header's own count of pages: a rewrite that is killed may leave the file to be cut to
        # it by the next checkpoint. Where a checkpoint was killed, the file is the smaller one.
        page_size = int.from_bytes(header[PAGE_SIZE_AT], "big")
        pages = int.from_bytes(header[PAGES_AT], "big")
        counted = pages * (65536 if page_size == 1 else page_size)
        size = min(self._path.stat().st_size, counted)
        self._largest_size = max(size, self._largest_size)
        return size == self._largest_size

    def refuse_if_lost(self) -> None:
        """Raises StoreUnavailable where the file is missing, or was never made."""
        if not (self.made and self._path.exists()):
            self._refuse(MISSING)

    def refuse_if_replaced(self) -> None:
        """Raises StoreUnavailable if the file at the path, or its write-ahead log, was removed or
        replaced.

        SQLite would go on writing to the file that it has open, and these writes would be lost. A
        replacement is not opened before a restart: the write-ahead log beside it belongs to the
        first file, and SQLite would write it into the replacement.
        """
        inode = _inode_of(self._path)
        if inode is None or self._opened_inode not in (None, inode):
            self._refuse(MISSING)
        self._report_recovery(MISSING)
        known = self._log_inodes
        if known is not None and tuple(map(_inode_of, self._log_files)) != known:
            # Only what it has open leads to the log now. A write would be gone with a killed
            # process, and a new process would begin another log for the same file.
            self._refuse(LOG_REMOVED)

    def _refuse(self, fault: str) -> NoReturn:
        reason = LOST_LOG if fault == LOG_REMOVED else LOST
        if fault not in self._reported:
            self._reported.add(fault)
            log.error(reason, fault=fault, file=str(self._path))
        raise StoreUnavailable(reason)

    def _report_recovery(self, fault: str) -> None:
        if fault in self._reported:
            self._reported.discard(fault)
            log.info("the database file is back", fault=fault, file=str(self._path))

    def _open(self, flags: int) -> apsw.Connection:
        connection = apsw.Connection(str(self._path), flags)
        connection.set_busy_timeout(LONGEST_WAIT_MS)
        # FULL: each commit waits until the disk has the write-ahead log, so it survives a killed
        # process and a power cut. NORMAL, the usual setting with a log, waits only at checkpoints:
        # a power cut would lose acknowledged commits. https://www.sqlite.org/pragma.html
        connection.execute("PRAGMA synchronous = FULL")
        # Each write of a group is a savepoint. What it would be undone with is kept in memory, not
        # in a temporary file: it is of no use to another process.
        connection.execute("PRAGMA temp_store = MEMORY")
        # What is deleted is overwritten with zeros. FAST does so only where it costs no write, and
        # leaves whole pages. Neither reaches what moves of rows between pages leave: file_rewrite.
        connection.execute("PRAGMA secure_delete = ON")
        return connection


def _header_of(path: Path) -> bytes:
    """The first bytes of the database file.

    Not read by opening a database: SQLite takes an empty file for a new database, and deletes the
    write-ahead log beside it. Not read with `open` either: closing such a file drops this process's
    POSIX locks on it, which SQLite's own file layer avoids.
    https://www.sqlite.org/howtocorrupt.html
    """
    flags = apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_READWRITE
    file = apsw.VFSFile("", str(path), [flags, 0])
    try:
        return file.xRead(HEADER_BYTES, 0)
    finally:
        file.xClose()


def _inode_of(path: Path) -> Inode | None:
    """The device and inode number of the file, or None if it is missing."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


@contextmanager
def sqlite_errors() -> Iterator[None]:
    """Raise Duplicate, DiskFull or StoreUnavailable instead of SQLite's and the disk's errors."""
    try:
        yield
    except apsw.ConstraintError as error:
        raise Duplicate from error
    except (apsw.Error, OSError) as error:
        raise disk_error(error) from error


# Group commit: concurrent writers share one transaction, and so one wait for the disk.


Act = Callable[[apsw.Connection], Any]
T = TypeVar("T")


class GroupCommit:
    """`transaction` begins a transaction, and commits it if the block ends without an error."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[apsw.Connection]]) -> None:
        self._transaction = transaction
        self._waiting: deque[_Write] = deque()
        self._committing = Lock()

    def run(self, act: Callable[[apsw.Connection], T]) -> T:
        """Run `act` in a transaction; return its result once its writes are durable.

        If `act` raises, its own writes are rolled back and this raises the same error. `act` may
        run on another writer's thread. A failed commit raises in every writer of the batch.
        """
        write = _Write(act)
        self._waiting.append(write)
        with self._committing:
            if not write.finished:  # else the previous holder of the lock has committed it too
                self._commit_waiting()
        if write.error:
            raise write.error
        result: T = write.result
        return result

    def _commit_waiting(self) -> None:
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        # Not None: a BaseException passes by the except below, and then nothing is durable.
        failure: Exception | None = StoreUnavailable()
        try:
            with self._transaction() as connection:
                for write in batch:
                    write.attempt(connection)
            failure = None
        except Exception as error:  # noqa: BLE001 (each writer raises it on its own thread)
            failure = error
        finally:
            for write in batch:
                write.error = failure or write.error
                write.finished = True


class _Write:
    def __init__(self, act: Act) -> None:
        self._act = act
        self.finished = False
        self.result: Any = None
        self.error: Exception | None = None

    def attempt(self, connection: apsw.Connection) -> None:
        """Run the writer's `act`, and keep its result or its error.

        Raises only if SQLite has rolled back the whole transaction, for all its writers.
        """
        try:
            self.result = run_in_savepoint(connection, self._act)
        except Exception as error:
            if not connection.in_transaction:
                raise
            self.error = error


def run_in_savepoint(connection: apsw.Connection, act: Callable[[apsw.Connection], T]) -> T:
    """Run `act` in a savepoint of the open transaction: if it raises, only its writes are rolled
    back. Raises StoreUnavailable if SQLite has already rolled back the transaction.
    """
    # For some errors, such as a full disk, SQLite rolls back the transaction by itself:
    # https://www.sqlite.org/lang_transaction.html
    if not connection.in_transaction:
        raise StoreUnavailable
    connection.execute("SAVEPOINT act")
    try:
        result = act(connection)
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK TO act")  # this leaves the savepoint open
            connection.execute("RELEASE act")
        raise
    connection.execute("RELEASE act")
    return result
