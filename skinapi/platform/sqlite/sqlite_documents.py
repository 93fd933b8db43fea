"""The documents of one SQLite collection: a table of JSON texts with expression indexes. Table and
indexes are created on first use.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import apsw

from skinapi.platform.sqlite.filter_to_sql import (
    Sql,
    from_json,
    from_selected,
    sql_field,
    sql_selection,
    sql_value,
    to_json,
    type_matches,
    where,
)
from skinapi.platform.storage.documents import (
    checked_document,
    checked_filter,
    ordering,
    require_expiry,
    require_fields,
    require_id,
    require_limit,
    require_name,
    require_ops,
    require_text_field,
    require_upsert,
    require_value,
)
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Filter, Ops

if TYPE_CHECKING:
    from skinapi.platform.sqlite.sqlite_store import SqliteStore

T = TypeVar("T")


class SqliteDocuments:
    def __init__(self, store: "SqliteStore", name: str) -> None:
        self._store = store
        self._name = name
        self._select_by_id = f'SELECT doc FROM "{name}" WHERE id = ?'
        self._expiry_field: str | None = None
        self._created_in_pid: int | None = None
        self._indexed_fields: set[str] = set()

    def ensure_index(self, *fields: str, unique: bool = False) -> None:
        columns = ", ".join(sql_field(require_name(name)) for name in fields)
        present = " AND ".join(f"{sql_field(name)} IS NOT NULL" for name in fields)
        kind, partial = ("UNIQUE INDEX", f" WHERE {present}") if unique else ("INDEX", "")
        name = f"{self._name}.{'.'.join(fields)}"
        wanted = f'CREATE {kind} "{name}" ON "{self._name}" ({columns}){partial}'

        def index(connection: apsw.Connection) -> str | None:
            if _definition(connection, name) is None:
                connection.execute(wanted)
            return _definition(connection, name)

        # Looked up first: at a start all indexes are there, and a write for each would lock out a
        # hundred times whoever serves from the same file.
        # IF NOT EXISTS would silently keep an index with another definition.
        if (self._store.definitions.get(name) or self._write(index)) != wanted:
            raise ValueError(f"{name} is indexed in another way")
        self._indexed_fields.update(fields)

    def expire_by(self, field: str) -> None:
        require_expiry(field)
        self.ensure_index(field)
        self._expiry_field = field

    def insert(self, document: Document) -> None:
        self.insert_many([document])

    def insert_many(self, documents: Sequence[Document]) -> None:
        kept = [checked_document(document, self._indexed_fields) for document in documents]
        rows = [(document["id"], to_json(document)) for document in kept]

        def add(connection: apsw.Connection) -> None:
            self._purge(connection)
            connection.executemany(f'INSERT INTO "{self._name}" VALUES (?, ?)', rows)

        self._write(add)

    def get(self, identifier: str) -> Document | None:
        with self._reading() as connection:
            return self._first(connection, {"id": require_id(identifier)})

    def find(
        self,
        filter: Filter | None = None,
        *,
        sort: str = "id",
        after: str | None = None,
        limit: int | None = None,
        fields: Sequence[str] | None = None,
    ) -> list[Document]:
        require_limit(limit)
        require_fields(fields or ())
        with self._reading() as connection:
            texts = self._select(connection, filter, sort, after, limit, fields)
        # Parsed only after the connection is released.
        if fields is None:
            return [from_json(text) for text in texts]
        return [from_selected(text, fields) for text in texts]

    def count(self, filter: Filter | None = None) -> int:
        condition, values = self._where(filter)
        with self._reading() as connection:
            counted: int = connection.execute(
                f'SELECT count(*) FROM "{self._name}" WHERE {condition}', values
            ).get
        return counted

    def count_by(self, field: str, filter: Filter | None = None) -> dict[str, int]:
        condition, values = self._where(filter)
        value = sql_field(require_text_field(field))
        with self._reading() as connection:
            rows: Any = connection.execute(
                f'SELECT {value}, count(*) FROM "{self._name}" '
                f"WHERE {condition} AND {type_matches(field, '')} GROUP BY 1",
                values,
            )
            return dict(rows.fetchall())

    def update(self, filter: Filter, ops: Ops, *, upsert: bool = False) -> Document | None:
        require_ops(ops, self._indexed_fields)
        start = require_upsert(filter) if upsert else None

        def change(connection: apsw.Connection) -> Document | None:
            self._purge(connection)
            document = self._first(connection, filter)
            if document is None and start is None:
                return None
            changed = _applied(ops, start or {} if document is None else document)
            if document is not None:
                self._replace(connection, [changed])
            else:
                row = (changed["id"], to_json(changed))
                connection.execute(f'INSERT INTO "{self._name}" VALUES (?, ?)', row)
            return changed

        return self._write(change)

    def update_all(self, filter: Filter, ops: Ops) -> int:
        require_ops(ops, self._indexed_fields)

        def change(connection: apsw.Connection) -> int:
            condition, values = self._where(filter)
            rows = connection.execute(f'SELECT doc FROM "{self._name}" WHERE {condition}', values)
            changed = [_applied(ops, from_json(str(text))) for (text,) in rows.fetchall()]
            self._replace(connection, changed)
            return len(changed)

        return self._write(change)

    def set_each(self, changes: Mapping[str, Document]) -> None:
        for fields in changes.values():
            require_ops({"$set": fields}, self._indexed_fields)

        def change(connection: apsw.Connection) -> None:
            for identifier, fields in changes.items():
                if document := self._first(connection, {"id": identifier}):
                    self._replace(connection, [{**document, **fields}])

        self._write(change)

    def delete(self, filter: Filter) -> int:
        wanted = self._where(filter)
        return self._write(lambda connection: self._delete(connection, wanted))

    def _purge(self, connection: apsw.Connection) -> None:
        """Delete expired documents, so that they do not block a unique key."""
        if self._expiry_field:
            self._delete(connection, where({self._expiry_field: {"$lte": now()}}))

    def _delete(self, connection: apsw.Connection, wanted: Sql) -> int:
        condition, values = wanted
        connection.execute(f'DELETE FROM "{self._name}" WHERE {condition}', values)
        return connection.changes()

    def _replace(self, connection: apsw.Connection, changed: Sequence[Document]) -> None:
        connection.executemany(
            f'UPDATE "{self._name}" SET doc = ? WHERE id = ?',
            [(to_json(document), document["id"]) for document in changed],
        )

    def _where(self, filter: Filter | None) -> Sql:
        """The SQL condition of the filter, for documents that have not expired."""
        condition, values = where(checked_filter(filter))
        if self._expiry_field:
            expires = sql_field(self._expiry_field)
            condition += f" AND ({expires} IS NULL OR {expires} > ?)"
            values.append(sql_value(now()))
        return condition, values

    def _first(self, connection: apsw.Connection, filter: Filter) -> Document | None:
        """The first document, by id, that the filter finds; None where there is none."""
        # Most reads and updates name one id. Its statement is always the same, so it is not put
        # together again.
        if filter.keys() == {"id"} and isinstance(filter["id"], str):
            text = connection.execute(self._select_by_id, (require_id(filter["id"]),)).get
            document = None if text is None else from_json(text)
            expires = document.get(self._expiry_field or "") if document else None
            return None if expires is not None and expires <= now() else document
        texts = self._select(connection, filter, "id", None, 1)
        return from_json(texts[0]) if texts else None

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
        condition, values = self._where(filter)
        if after is not None:
            condition += f" AND id {'<' if descends else '>'} ?"
            values.append(after)
        direction = "DESC" if descends else "ASC"
        first = "" if field == "id" else f"{sql_field(field)} {direction}, "
        rows = connection.execute(
            f'SELECT {sql_selection(fields)} FROM "{self._name}" WHERE {condition} '
            f"ORDER BY {first}id {direction} LIMIT ?",
            [*values, -1 if limit is None else limit],
        )
        return [text for (text,) in rows]

    def _reading(self) -> AbstractContextManager[apsw.Connection]:
        self.ensure_table()
        return self._store.reading()

    def _write(self, act: Callable[[apsw.Connection], T]) -> T:
        self.ensure_table()
        return self._store.write(act)

    def ensure_table(self) -> None:
        """Create the table if it is missing.

        In a write of its own, so that a failed write does not roll back the table too. Inside a
        transaction it can still be rolled back, so there it is not remembered as created.
        """
        if self._created_in_pid != os.getpid():
            create = (
                f'CREATE TABLE IF NOT EXISTS "{self._name}" '
                "(id TEXT PRIMARY KEY, doc TEXT NOT NULL)"
            )
            if self._store.in_transaction or self._name not in self._store.definitions:
                self._store.write(lambda connection: connection.execute(create))
            if not self._store.in_transaction:
                self._created_in_pid = os.getpid()


def _definition(connection: apsw.Connection, name: str) -> str | None:
    """The SQL that created this table or index; None where there is none."""
    rows: Any = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", [name])
    return next((sql for (sql,) in rows), None)


def _applied(ops: Ops, document: Document) -> Document:
    changed = {**document, **ops.get("$set", {})}
    for field in ops.get("$unset", {}):
        changed.pop(field, None)
    for field, step in ops.get("$inc", {}).items():
        if isinstance(changed.get(field, 0), bool | str | list | dict | datetime):
            raise ValueError(f"{field} is not a number")
        changed[field] = changed.get(field, 0) + step
        require_value(field, changed[field])
    return changed
