"""The SQLite file of the documents. It is created once, before a server starts. A missing or
replaced file is an error, and no empty one is created instead.
"""

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import apsw

from skinapi.base.errors import Duplicate, StoreUnavailable
from skinapi.base.logs import log
from skinapi.platform.storage.files import (
    LOST,
    LOST_LOG,
    disk_error,
    locked,
    refuse_full_disk,
    write_durably,
)
from skinapi.platform.storage.ports import Remnant

LONGEST_WAIT_MS = 15_000
APPLICATION_ID = 0x536B696E  # "Skin"
# https://www.sqlite.org/fileformat.html#the_database_header
# At offset 68 is the application id, which marks the file as ours.
HEADER_BYTES, MAGIC, ID_AT = 100, b"SQLite format 3\0", slice(68, 72)
MARKER = b"A database was made here. While this file is here, no empty one is made in its place.\n"
MISSING, DAMAGED, LOG_REMOVED = "missing", "damaged", "write-ahead log removed"
# Above this, writers would wait for more than some three seconds (2.0 s for 157 MB, on busy cores):
# the operator says when.
LARGEST_REWRITTEN = 256 * 1024 * 1024
# Readers take milliseconds, but for a backup, which holds its snapshot for minutes.
WAIT_FOR_READERS_MS = 500
PAGES_AT_ONCE = 1000
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
        self._reported: set[str] = set()

    @contextmanager
    def locked(self) -> Iterator[None]:
        with locked(self._lock):
            yield

    @property
    def made(self) -> bool:
        return self._marker.exists()

    def make(self) -> None:
        """Create the database, then the marker file, holding the writer's lock. Never call it in a
        process that serves: an empty database in place of a folder that is temporarily missing
        would accept records that disappear once the folder is back.
        """
        connection = self._open(apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
        write_durably(self._marker, MARKER)

    def connect(self) -> apsw.Connection:
        self.refuse_if_lost()
        with self.locked():
            if self._opened_by != os.getpid():
                # After a fork they are the parent's, so what they opened says nothing.
                self._opened_by, self._open_connections, self._log_inodes = os.getpid(), 0, None
            self.refuse_if_replaced()
            self._refuse_if_denied()
            header = _header_of(self._path)
            if not (
                header.startswith(MAGIC) and header[ID_AT] == APPLICATION_ID.to_bytes(4, "big")
            ):
                self._refuse(DAMAGED)
            self._opened_inode = inode_of(self._path)
            connection = self._open(apsw.SQLITE_OPEN_READWRITE)
            # SQLite opens the log at the first read, and keeps it until the connection is closed.
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
            with self._counting:
                self._open_connections += 1
                self._log_inodes = tuple(map(inode_of, self._log_files))
            return connection

    def close(self, connection: apsw.Connection) -> None:
        with self._counting:
            self._open_connections -= 1
            if self._open_connections == 0:
                self._log_inodes = None
        connection.close()

    @contextmanager
    def fresh_connection(self) -> Iterator[apsw.Connection]:
        """A connection with an empty cache, so that its reads detect damage in the file."""
        try:
            connection = self.connect()
            try:
                yield connection
            finally:
                self.close(connection)
        except (apsw.CorruptError, apsw.NotADBError):
            self._refuse(DAMAGED)
        self._report_recovery(DAMAGED)

    def refuse_if_lost(self) -> None:
        if not (self.made and self._path.exists()):
            self._refuse(MISSING)

    def refuse_if_replaced(self) -> None:
        """Raise StoreUnavailable if the file, or its write-ahead log, was removed or replaced.

        SQLite would go on writing to the open file, and these writes would be lost. A replacement
        is only opened after a restart: the write-ahead log belongs to the first file, and SQLite
        would write it into the replacement.
        """
        inode = inode_of(self._path)
        if inode is None or self._opened_inode not in (None, inode):
            self._refuse(MISSING)
        self._report_recovery(MISSING)
        known = self._log_inodes
        if known is not None and tuple(map(inode_of, self._log_files)) != known:
            # Only what it has open leads to the log now. A write would be gone with a killed
            # process, and a new process would begin another log for the same file.
            self._refuse(LOG_REMOVED)

    def _refuse_if_denied(self) -> None:
        """Raise PermissionError with the name of the file that this user may not read and write.

        SQLite does not name it, and opens a read-only file without an error: only the first real
        write would fail.
        """
        for path in (self._path, *self._log_files, self._path.parent):
            if path.exists() and not os.access(path, os.R_OK | os.W_OK, effective_ids=True):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

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
        # leaves whole pages. Neither reaches what moves of rows between pages leave: `scrub_file`.
        connection.execute("PRAGMA secure_delete = ON")
        return connection


def _header_of(path: Path) -> bytes:
    """Read the first bytes of the database file through SQLite's own file layer.

    Opening a database is not safe here: SQLite takes an empty file for a new one and deletes its
    write-ahead log. Closing a file opened by `open` drops this process's POSIX locks on it.
    https://www.sqlite.org/howtocorrupt.html
    """
    flags = apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_READWRITE
    file = apsw.VFSFile("", str(path), [flags, 0])
    try:
        return file.xRead(HEADER_BYTES, 0)
    finally:
        file.xClose()


def inode_of(path: Path) -> Inode | None:
    try:
        status = os.stat(path)  # noqa: PTH116 (twenty times a finding: half the time of Path.stat)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


@contextmanager
def sqlite_errors() -> Iterator[None]:
    try:
        yield
    except apsw.ConstraintError as error:
        raise Duplicate from error
    except (apsw.Error, OSError) as error:
        raise disk_error(error) from error


def scrub_file(connection: apsw.Connection, path: Path, *, any_size: bool) -> list[Remnant]:
    """Overwrite deleted data by rewriting the file, and return what remains.

    `connection` is a fresh one; the caller holds the writer's lock. `secure_delete` overwrites
    deleted rows and pages, but not the copies of rows that SQLite leaves in a page when it moves
    them. So a file of live rows alone is made and written over the old pages in one transaction,
    like VACUUM. Unlike VACUUM, the copy is next to the database, so it needs no memory or temporary
    disk.
    """
    copy = Path(f"{path}-rewritten")
    copy.unlink(missing_ok=True)  # left by a killed process
    connection.set_busy_timeout(WAIT_FOR_READERS_MS)
    if not _empty_log(connection):
        return [Remnant.LOG_IN_USE]
    size = path.stat().st_size
    if size > LARGEST_REWRITTEN and not any_size:
        return [Remnant.FILE_TOO_LARGE]
    try:
        # The copy, and the log, into which the copy is written before the database.
        refuse_full_disk(path.parent, 2 * size)
    except OSError:
        return [Remnant.DISK_TOO_FULL]
    _rewrite(connection, copy)
    return [] if _empty_log(connection) else [Remnant.LOG_IN_USE]


def _empty_log(connection: apsw.Connection) -> bool:
    ((busy, _, _),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return not busy


def _rewrite(connection: apsw.Connection, copy: Path) -> None:
    try:
        os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        connection.execute("VACUUM INTO ?", [str(copy)])
        _copy_pages(copy, connection)
    finally:
        with suppress(OSError):
            copy.unlink(missing_ok=True)


def _copy_pages(source: Path, connection: apsw.Connection) -> None:
    rewritten = apsw.Connection(str(source), apsw.SQLITE_OPEN_READONLY)
    try:
        with connection.backup("main", rewritten, "main") as copying:
            while not copying.done:
                copying.step(PAGES_AT_ONCE)
    finally:
        rewritten.close()
