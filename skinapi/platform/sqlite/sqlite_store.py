"""The store in one SQLite file: its connections, its transactions, and its collections."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import apsw

from skinapi.base.errors import DiskFull, StoreUnavailable
from skinapi.platform.sqlite.database_file import GroupCommit, SqliteFile, sqlite_errors
from skinapi.platform.sqlite.file_rewrite import scrub_file
from skinapi.platform.sqlite.filter_to_sql import from_json
from skinapi.platform.sqlite.sqlite_documents import SqliteDocuments
from skinapi.platform.storage.documents import OpenTransaction, require_name
from skinapi.platform.storage.files import FileBlobs
from skinapi.platform.storage.ports import Blobs, Document, Remnant, Scrubbed

# A kept photo and its finding take up to this.
LEAST_FREE_BYTES = 1024 * 1024
LEAST_FREE_FILES = 16  # a photo is a file, and one more while it is written
T = TypeVar("T")


class _Open(OpenTransaction):
    def __init__(self, connection: apsw.Connection) -> None:
        super().__init__()
        self.connection = connection


class SqliteStore:
    def __init__(self, path: Path, blobs: FileBlobs) -> None:
        self.blobs: Blobs = blobs
        self._files = blobs
        self._path = path
        self._file = SqliteFile(path)
        self._commits = GroupCommit(self._transaction)
        self._reader, self._writer = threading.local(), SimpleNamespace()
        self._open: ContextVar[_Open | None] = ContextVar("open_transaction", default=None)
        self._opened: list[tuple[int, threading.Thread, apsw.Connection]] = []
        self._collections: dict[str, SqliteDocuments] = {}
        self._definitions: dict[str, str] | None = None

    def make(self) -> None:
        """Create a store that was not made yet."""
        with sqlite_errors(), self._file.locked():
            if not self._file.made:
                self._files.make()  # before the database, whose marker says that all was made
                self._file.make()

    def refuse_if_lost(self) -> None:
        """Raises StoreUnavailable where the database is missing, or was never made."""
        with sqlite_errors():
            self._file.refuse_if_lost()

    def collection(self, name: str) -> SqliteDocuments:
        return self._collections.setdefault(name, SqliteDocuments(self, require_name(name)))

    def collections(self) -> list[str]:
        with self.reading() as connection:
            return _table_names(connection)

    @contextmanager
    def snapshot(self) -> Iterator["SqliteSnapshot"]:
        with sqlite_errors(), self._file.fresh_connection() as connection:
            connection.execute("BEGIN")  # all reads of one transaction see one moment
            yield SqliteSnapshot(connection)

    @property
    def definitions(self) -> Mapping[str, str]:
        """The SQL that created each table and index that was there when this was first asked. Not
        inside a transaction, which may still undo what it created.
        """
        if self._definitions is None:
            with self.reading() as connection:
                found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql NOT NULL")
                self._definitions = dict(iter(found))
        return self._definitions

    def scrub(self, *, any_size: bool = False) -> Scrubbed:
        if self.in_transaction:
            raise RuntimeError("a scrub within a transaction")
        with (
            sqlite_errors(),
            self._file.fresh_connection() as connection,
            self._file.locked(),
        ):
            remains = scrub_file(connection, self._path, any_size=any_size)
            self._file.refuse_if_replaced()
        return Scrubbed((*remains, Remnant.DISK))

    def ping(self) -> None:
        """Read the last document of each collection from the file, commit an empty write, and look
        for the folder of the blobs.

        Raises StoreUnavailable if that fails, and DiskFull where the next change would not fit.
        """
        self.refuse_if_lost()
        self._files.refuse_if_lost()
        # An empty commit writes nothing, so a full disk does not refuse it.
        with sqlite_errors():
            if _is_full(self._path.parent):
                raise DiskFull
        with sqlite_errors(), self._file.fresh_connection() as connection:
            for name in _table_names(connection):
                last = f'SELECT typeof(doc) FROM "{name}" ORDER BY id DESC LIMIT 1'
                connection.execute(last).fetchall()
        self.write(lambda _: None)

    def close(self) -> None:
        """Close this process's connections, under the file lock.

        The lock lets processes that stop at the same time close one after the other. SQLite removes
        its write-ahead log only when the last connection is closed.
        """
        if self._opened:
            with sqlite_errors(), self._file.locked():
                self._close_where(lambda _: True)
        self._reader, self._writer = threading.local(), SimpleNamespace()

    @property
    def one_writer(self) -> bool:
        return True

    @property
    def in_transaction(self) -> bool:
        """Whether the caller runs inside `transaction`."""
        return self._open.get() is not None

    def transaction(self, act: Callable[[], T]) -> T:
        if opened := self._open.get():
            with opened.noted_failure():
                return act()
        for documents in tuple(self._collections.values()):
            documents.ensure_table()
        # `act` may run on another writer's thread, and needs its caller's context there, such as
        # the request id.
        context = copy_context()

        def run(connection: apsw.Connection) -> T:
            opened = _Open(connection)
            self._open.set(opened)
            return opened.run(act)

        return self.write(lambda connection: context.run(run, connection))

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """A connection for reading. Readers do not wait for the writer:
        https://www.sqlite.org/wal.html
        """
        with sqlite_errors():
            opened = self._open.get()
            yield opened.connection if opened else self._connection(self._reader)

    def write(self, act: Callable[[apsw.Connection], T]) -> T:
        """Run `act` in a transaction, and return its result.

        The transaction may be shared with other threads, and `act` may run on one of them. The
        writes are durable when this returns; inside `transaction`, when that returns.
        """
        opened = self._open.get()
        if opened is None:
            with sqlite_errors():
                return self._commits.run(act)
        with opened.noted_failure(), sqlite_errors():
            if not opened.connection.in_transaction:
                raise StoreUnavailable
            return act(opened.connection)

    @contextmanager
    def _transaction(self) -> Iterator[apsw.Connection]:
        # One connection for the writes of all threads, which take turns (GroupCommit): SQLite drops
        # a connection's cache as soon as another connection has written.
        connection = self._connection(self._writer, threading.main_thread())
        with self._file.locked():
            # IMMEDIATE: a transaction that begins as a reader can fail when it wants to write.
            # https://www.sqlite.org/lang_transaction.html
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
                self._file.refuse_if_replaced()  # else nobody would be told that it is lost
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def _connection(self, holder: Any, thread: threading.Thread | None = None) -> apsw.Connection:
        """The connection in `holder`, which is kept as long as `thread` lives, by default the
        caller's. After a fork a new one, because SQLite connections must not cross a fork:
        https://www.sqlite.org/howtocorrupt.html
        """
        pid = os.getpid()
        if getattr(holder, "pid", None) != pid:
            connection = self._file.connect()
            self._opened.append((pid, thread or threading.current_thread(), connection))
            self._close_where(lambda thread: not thread.is_alive())
            holder.pid, holder.connection = pid, connection
        else:
            self._file.refuse_if_replaced()
        kept: apsw.Connection = holder.connection
        return kept

    def _close_where(self, unused: Callable[[threading.Thread], bool]) -> None:
        """Close this process's connections of the threads for which `unused` is true.

        Connections from before a fork stay in the list, so that they are never garbage-collected
        and so closed here: SQLite forbids to close a parent's connection in a child.
        """
        for entry in list(self._opened):
            pid, thread, connection = entry
            if pid == os.getpid() and unused(thread):
                # Another thread has removed it from the list, or is using it in this moment: that
                # one ends with the process.
                with suppress(ValueError, apsw.ThreadingViolationError):
                    self._opened.remove(entry)
                    self._file.close(connection)


class SqliteSnapshot:
    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def collections(self) -> list[str]:
        return _table_names(self._connection)

    def documents(self, name: str) -> Iterator[Document]:
        select = f'SELECT doc FROM "{require_name(name)}" ORDER BY id'
        for (text,) in self._connection.execute(select):
            yield from_json(text)


def _is_full(folder: Path) -> bool:
    """Whether its disk has too little room, or too few inodes, for the next files."""
    disk = os.statvfs(folder)
    # A file system that makes its inodes as it needs them, such as btrfs, says that it has none.
    counted = disk.f_files > 0
    few_files = counted and disk.f_favail < LEAST_FREE_FILES
    return few_files or disk.f_bavail * disk.f_frsize < LEAST_FREE_BYTES


def _table_names(connection: apsw.Connection) -> list[str]:
    rows: Any = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return sorted(name for (name,) in rows)
