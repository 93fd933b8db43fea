import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar, copy_context
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import apsw

from skinapi.base.errors import DiskFull, StoreUnavailable
from skinapi.platform.storage.documents import OpenTransaction, read_document, require_name
from skinapi.platform.storage.files import FileBlobs
from skinapi.platform.storage.ports import Blobs, Document, Remnant, Scrubbed
from skinapi.platform.stores.database_file import SqliteFile, scrub_file, sqlite_errors
from skinapi.platform.stores.sqlite_documents import SqliteDocuments

# A kept photo and its finding take up to this.
LEAST_FREE_BYTES = 1024 * 1024
LEAST_FREE_FILES = 16  # a photo is a file, and one more while it is written
T = TypeVar("T")


class _Open(OpenTransaction):
    def __init__(self, connection: apsw.Connection) -> None:
        super().__init__()
        self.connection = connection


class SqliteStore:
    one_writer = True

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
        self._tables_ensured = (0, 0)  # by which process, of how many collections

    def make(self) -> None:
        with sqlite_errors(), self._file.locked():
            if not self._file.made:
                self._files.make()  # before the database, whose marker says that all was made
                self._file.make()

    def refuse_if_lost(self) -> None:
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
        if self._definitions is None:
            with self.reading() as connection:
                rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql NOT NULL")
                self._definitions = dict(iter(rows))
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
        self.refuse_if_lost()
        self._files.refuse_if_lost()
        with sqlite_errors():
            # An empty commit writes nothing, so a full disk does not refuse it.
            if _is_full(self._path.parent):
                raise DiskFull
            with self._file.fresh_connection() as connection:
                for name in _table_names(connection):
                    last = f'SELECT typeof(doc) FROM "{name}" ORDER BY id DESC LIMIT 1'
                    connection.execute(last).fetchall()
        self.write(lambda _: None)

    def close(self) -> None:
        """Close this process's connections.

        The file lock makes processes that stop at the same time close one after the other. SQLite
        removes its write-ahead log only when the last connection is closed.
        """
        if self._opened:
            with sqlite_errors(), self._file.locked():
                self._close_where(lambda _: True)
        self._reader, self._writer = threading.local(), SimpleNamespace()

    @property
    def in_transaction(self) -> bool:
        return self._open.get() is not None

    def transaction(self, act: Callable[[], T]) -> T:
        if opened := self._open.get():
            with opened.noted_failure():
                return act()
        self._ensure_tables()

        def run(connection: apsw.Connection) -> T:
            opened = _Open(connection)
            self._open.set(opened)
            result = act()
            opened.raise_failure()
            return result

        # `act` may run on another writer's thread, and needs its caller's context there, such as
        # the request id.
        with sqlite_errors():
            return self._commits.run(partial(copy_context().run, run))  # type: ignore[call-arg]

    def _ensure_tables(self) -> None:
        collections, pid = tuple(self._collections.values()), os.getpid()
        if self._tables_ensured != (pid, len(collections)):
            for documents in collections:
                documents.ensure_table()
            self._tables_ensured = pid, len(collections)

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """Readers do not wait for the writer: https://www.sqlite.org/wal.html"""
        with sqlite_errors():
            opened = self._open.get()
            yield opened.connection if opened else self._connection(self._reader)

    def write(self, act: Callable[[apsw.Connection], T]) -> T:
        """Run `act` in a transaction, and return its result.

        Other threads may share the transaction, and `act` may run on one of them. The writes are
        durable when this returns, or when the enclosing `transaction` returns.
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
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        self._file.refuse_if_replaced()  # else nobody would be told that it is lost

    def _connection(self, holder: Any, thread: threading.Thread | None = None) -> apsw.Connection:
        """The connection in `holder`, kept for the lifetime of `thread`, by default the caller's.
        After a fork it is a new one: https://www.sqlite.org/howtocorrupt.html
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

        Connections from before a fork stay in the list, so that garbage collection never closes
        them: SQLite forbids closing a parent's connection in a child.
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
        select = f'SELECT id, CAST(doc AS BLOB) FROM "{require_name(name)}" ORDER BY id'
        for identifier, text in self._connection.execute(select):
            yield read_document(identifier, text)


def _is_full(folder: Path) -> bool:
    disk = os.statvfs(folder)
    # A file system that makes its inodes as it needs them, such as btrfs, says that it has none.
    few_files = disk.f_files > 0 and disk.f_favail < LEAST_FREE_FILES
    return few_files or disk.f_bavail * disk.f_frsize < LEAST_FREE_BYTES


def _table_names(connection: apsw.Connection) -> list[str]:
    rows: Any = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return sorted(name for (name,) in rows)


class GroupCommit:
    """Concurrent writers share one transaction, and so one wait for the disk."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[apsw.Connection]]) -> None:
        self._transaction = transaction
        self._waiting: deque[_Write] = deque()
        self._committing = threading.Lock()

    def run(self, act: Callable[[apsw.Connection], T]) -> T:
        """Run `act` in a transaction; return its result once its writes are durable.

        If `act` raises, only its own writes are rolled back. `act` may run on another writer's
        thread. A failed commit raises in every writer of the batch.
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
                if len(batch) == 1:  # the end of the transaction undoes it, where it fails
                    batch[0].result = batch[0].act(connection)
                else:
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
    def __init__(self, act: Callable[[apsw.Connection], Any]) -> None:
        self.act = act
        self.finished = False
        self.result: Any = None
        self.error: Exception | None = None

    def attempt(self, connection: apsw.Connection) -> None:
        # For some errors, such as a full disk, SQLite rolls back the transaction by itself:
        # https://www.sqlite.org/lang_transaction.html
        if not connection.in_transaction:
            raise StoreUnavailable
        connection.execute("SAVEPOINT act")
        try:
            self.result = self.act(connection)
        except BaseException as error:
            if not connection.in_transaction:
                raise
            connection.execute("ROLLBACK TO act")  # this leaves the savepoint open
            connection.execute("RELEASE act")
            if not isinstance(error, Exception):
                raise
            self.error = error
        else:
            connection.execute("RELEASE act")
