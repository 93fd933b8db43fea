"""Documents in one SQLite file. Each collection is a table of JSON texts with expression indexes;
tables and indexes are created on first use.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import apsw

from skinapi.storage.group_commit import GroupCommit, run_in_savepoint
from skinapi.storage.ids import now
from skinapi.storage.ports import Blobs, Document, Filter, Ops
from skinapi.storage.projection import check_fields
from skinapi.storage.sqlite_file import SqliteFile, sqlite_errors
from skinapi.storage.sqlite_json import from_json, from_selected, to_json
from skinapi.storage.sqlite_query import field_of, selected, type_matches, where
from skinapi.storage.validation import (
    check_expiry,
    check_id,
    check_limit,
    check_name,
    check_ops,
    check_text_field,
    check_upsert,
    checked_document,
    ordering,
    unexpired,
)

T = TypeVar("T")


class SqliteStore:
    def __init__(self, path: Path, blobs: Blobs) -> None:
        self.blobs = blobs
        self._file = SqliteFile(path)
        self._commits = GroupCommit(self._transaction)
        self._local = threading.local()
        self._together_connection: ContextVar[apsw.Connection | None] = ContextVar(
            "together_connection", default=None
        )
        self._opened: list[tuple[int, threading.Thread, apsw.Connection]] = []
        self._collections: dict[str, SqliteDocuments] = {}

    def collection(self, name: str) -> "SqliteDocuments":
        return self._collections.setdefault(name, SqliteDocuments(self, check_name(name)))

    def collections(self) -> list[str]:
        with self.reading() as connection:
            return _table_names(connection)

    def ping(self) -> None:
        """Read the last document of each collection from the file, and commit an empty write.

        Raises StoreUnavailable if that fails.
        """
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
        self._local = threading.local()

    @property
    def in_together(self) -> bool:
        """Whether the caller runs inside `together`."""
        return self._together_connection.get() is not None

    def together(self, act: Callable[[], T]) -> T:
        if self.in_together:
            return act()
        for documents in tuple(self._collections.values()):
            documents.ensure_table()
        # `act` may run on another writer's thread, and needs its caller's context there, such as
        # the request id.
        context = copy_context()
        result, error = self.write(lambda connection: context.run(self._join, connection, act))
        if error:
            raise error
        return cast("T", result)

    def _join(
        self, connection: apsw.Connection, act: Callable[[], T]
    ) -> tuple[T | None, Exception | None]:
        """Return the error instead of raising it, so that the writes before it are committed."""
        self._together_connection.set(connection)
        try:
            return act(), None
        except Exception as error:
            if not connection.in_transaction:
                raise
            return None, error

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """A connection for reading. Readers do not wait for the writer:
        https://www.sqlite.org/wal.html
        """
        with sqlite_errors():
            yield self._together_connection.get() or self._connection()

    def write(self, act: Callable[[apsw.Connection], T]) -> T:
        """Run `act` in a transaction, and return its result.

        The transaction may be shared with other threads, and `act` may run on one of them. The
        writes are durable when this returns; inside `together`, when `together` returns.
        """
        with sqlite_errors():
            if connection := self._together_connection.get():
                return run_in_savepoint(connection, act)
            return self._commits.run(act)

    @contextmanager
    def _transaction(self) -> Iterator[apsw.Connection]:
        connection = self._connection()
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

    def _connection(self) -> apsw.Connection:
        """This thread's connection; after a fork a new one, because SQLite connections must not
        cross a fork: https://www.sqlite.org/howtocorrupt.html
        """
        pid = os.getpid()
        if getattr(self._local, "pid", None) != pid:
            self._close_where(lambda thread: not thread.is_alive())
            connection = self._file.connect()
            self._opened.append((pid, threading.current_thread(), connection))
            self._local.pid, self._local.connection = pid, connection
        else:
            self._file.check_same_file()
        found: apsw.Connection = self._local.connection
        return found

    def _close_where(self, unused: Callable[[threading.Thread], bool]) -> None:
        """Close this process's connections of the threads for which `unused` is true.

        Connections from before a fork stay in the list, so that they are never garbage-collected
        and so closed here: SQLite forbids to close a parent's connection in a child.
        """
        for entry in list(self._opened):
            pid, thread, connection = entry
            if pid == os.getpid() and unused(thread):
                with suppress(ValueError):  # another thread has removed it from the list
                    self._opened.remove(entry)
                    connection.close()


def _table_names(connection: apsw.Connection) -> list[str]:
    rows: Any = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return sorted(name for (name,) in rows)


class SqliteDocuments:
    def __init__(self, store: SqliteStore, name: str) -> None:
        self._store = store
        self._name = name
        self._expiry_field: str | None = None
        self._created_in_pid: int | None = None
        self._indexed_fields: set[str] = set()

    def ensure_index(self, *fields: str, unique: bool = False) -> None:
        columns = ", ".join(field_of(check_name(name)) for name in fields)
        present = " AND ".join(f"{field_of(name)} IS NOT NULL" for name in fields)
        kind, partial = ("UNIQUE INDEX", f" WHERE {present}") if unique else ("INDEX", "")
        name = f"{self._name}.{'.'.join(fields)}"
        wanted = f'CREATE {kind} "{name}" ON "{self._name}" ({columns}){partial}'

        def index(connection: apsw.Connection) -> None:
            found = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", [name])
            match found.fetchall():
                case []:
                    connection.execute(wanted)
                # IF NOT EXISTS would silently keep an index with another definition.
                case [(sql,)] if sql != wanted:
                    raise ValueError(f"{name} is indexed in another way")

        self._write(index)
        self._indexed_fields.update(fields)

    def expire_by(self, field: str) -> None:
        check_expiry(field)
        self.ensure_index(field)
        self._expiry_field = field

    def insert(self, document: Document) -> None:
        kept = checked_document(document, self._indexed_fields)
        row = (kept["id"], to_json(kept))

        def add(connection: apsw.Connection) -> None:
            self._purge(connection)
            connection.execute(f'INSERT INTO "{self._name}" VALUES (?, ?)', row)

        self._write(add)

    def get(self, identifier: str) -> Document | None:
        found = self.find({"id": check_id(identifier)}, limit=1)
        return found[0] if found else None

    def find(
        self,
        filter: Filter | None = None,
        *,
        sort: str = "id",
        after: str | None = None,
        limit: int | None = None,
        fields: Sequence[str] | None = None,
    ) -> list[Document]:
        check_limit(limit)
        check_fields(fields or ())
        with self._reading() as connection:
            found = self._select(connection, filter, sort, after, limit, fields)
        # Parsed only after the connection is released.
        if fields is None:
            return [from_json(text) for text in found]
        return [from_selected(text, fields) for text in found]

    def count(self, filter: Filter | None = None) -> int:
        condition, values = where(unexpired(filter, self._expiry_field))
        with self._reading() as connection:
            counted: int = connection.execute(
                f'SELECT count(*) FROM "{self._name}" WHERE {condition}', values
            ).get
        return counted

    def count_by(self, field: str, filter: Filter | None = None) -> dict[str, int]:
        condition, values = where(unexpired(filter, self._expiry_field))
        value = field_of(check_text_field(field))
        with self._reading() as connection:
            rows: Any = connection.execute(
                f'SELECT {value}, count(*) FROM "{self._name}" '
                f"WHERE {condition} AND {type_matches(field, '')} GROUP BY 1",
                values,
            )
            return dict(rows.fetchall())

    def update(
        self,
        filter: Filter,
        ops: Ops,
        *,
        sort: str = "id",
        upsert: bool = False,
    ) -> Document | None:
        check_ops(ops, self._indexed_fields)
        start = check_upsert(filter) if upsert else None

        def change(connection: apsw.Connection) -> Document | None:
            self._purge(connection)
            found = self._select(connection, filter, sort, None, 1)
            if not found and start is None:
                return None
            changed = _applied(ops, from_json(found[0]) if found else start or {})
            if found:
                connection.execute(
                    f'UPDATE "{self._name}" SET doc = ? WHERE id = ?',
                    (to_json(changed), changed["id"]),
                )
            else:
                connection.execute(
                    f'INSERT INTO "{self._name}" VALUES (?, ?)', (changed["id"], to_json(changed))
                )
            return changed

        return self._write(change)

    def delete(self, filter: Filter) -> int:
        wanted = unexpired(filter, self._expiry_field)
        return self._write(lambda connection: self._delete(connection, wanted))

    def _purge(self, connection: apsw.Connection) -> None:
        """Delete expired documents, so that they do not block a unique key."""
        if self._expiry_field:
            self._delete(connection, {self._expiry_field: {"$lte": now()}})

    def _delete(self, connection: apsw.Connection, filter: Filter) -> int:
        condition, values = where(filter)
        connection.execute(f'DELETE FROM "{self._name}" WHERE {condition}', values)
        return connection.changes()

    def _select(
        self,
        connection: apsw.Connection,
        filter: Filter | None,
        sort: str,
        after: str | None,
        limit: int | None,
        fields: Sequence[str] | None = None,
    ) -> list[str]:
        field, descends = ordering(sort, after)
        condition, values = where(unexpired(filter, self._expiry_field))
        if after is not None:
            condition += f" AND id {'<' if descends else '>'} ?"
            values.append(after)
        direction = "DESC" if descends else "ASC"
        order = (
            f"id {direction}" if field == "id" else f"{field_of(field)} {direction}, id {direction}"
        )
        rows = connection.execute(
            f'SELECT {selected(fields)} FROM "{self._name}" WHERE {condition} '
            f"ORDER BY {order} LIMIT ?",
            [*values, -1 if limit is None else limit],
        )
        return [text for (text,) in rows]

    @contextmanager
    def _reading(self) -> Iterator[apsw.Connection]:
        self.ensure_table()
        with self._store.reading() as connection:
            yield connection

    def _write(self, act: Callable[[apsw.Connection], T]) -> T:
        self.ensure_table()
        return self._store.write(act)

    def ensure_table(self) -> None:
        """Create the table if it is missing.

        In a write of its own, so that a failed write does not roll back the table too. Inside
        `together` it can still be rolled back, so there it is not remembered as created.
        """
        if self._created_in_pid != os.getpid():
            create = (
                f'CREATE TABLE IF NOT EXISTS "{self._name}" '
                "(id TEXT PRIMARY KEY, doc TEXT NOT NULL)"
            )
            self._store.write(lambda connection: connection.execute(create))
            if not self._store.in_together:
                self._created_in_pid = os.getpid()


def _applied(ops: Ops, document: Document) -> Document:
    changed = {**document, **ops.get("$set", {})}
    for field in ops.get("$unset", {}):
        changed.pop(field, None)
    for field, step in ops.get("$inc", {}).items():
        if isinstance(changed.get(field, 0), bool | str | list | dict | datetime):
            raise ValueError(f"{field} is not a number")
        changed[field] = changed.get(field, 0) + step
    return checked_document(changed)
