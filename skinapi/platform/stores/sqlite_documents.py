import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import cache, partial
from itertools import chain, starmap
from typing import TYPE_CHECKING, Any, TypeVar

import apsw

from skinapi.platform.storage.documents import (
    build_document,
    checked_document,
    checked_filter,
    from_json,
    ordering,
    read_document,
    read_time,
    require_expiry,
    require_id,
    require_listing,
    require_name,
    require_ops,
    require_size,
    require_text_field,
    require_upsert,
    stored_value,
    to_json,
)
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Encoded, Filter, Ops
from skinapi.platform.storage.unreadable import pass_over

if TYPE_CHECKING:
    from skinapi.platform.stores.sqlite_store import SqliteStore

SQL_OPERATORS = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
Sql = tuple[str, list[Any]]
T = TypeVar("T")


class SqliteDocuments:
    def __init__(self, store: "SqliteStore", name: str) -> None:
        self._store = store
        self._name = name
        self._select_by_id = f'SELECT doc FROM "{name}" WHERE id = ?'
        self._insert = f'INSERT INTO "{name}" VALUES (?, ?)'
        self._select_first = f'SELECT id FROM "{name}" WHERE {{}} ORDER BY id LIMIT 1'
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
        self.insert_encoded(self.encode(document))

    def insert_many(self, documents: Sequence[Document]) -> None:
        self._add([*map(self.encode, documents)])

    def encode(self, document: Document) -> Encoded:
        checked = checked_document(document, self._indexed_fields)
        return checked["id"], to_json(checked)

    def insert_encoded(self, document: Encoded) -> None:
        self._add([document])

    def _add(self, rows: Sequence[Encoded]) -> None:
        def add(connection: apsw.Connection) -> None:
            self._purge(connection)
            connection.executemany(self._insert, rows)

        self._write(add)

    def get(self, identifier: str) -> Document | None:
        # Most reads and updates name one id: its statement is always the same.
        with self._reading() as connection:
            text = _text_of(connection, self._select_by_id, require_id(identifier))
        document = None if text is None else read_document(identifier, text)
        expires = document.get(self._expiry_field or "") if document else None
        return None if isinstance(expires, datetime) and expires <= now() else document

    def find(
        self,
        filter: Filter | None = None,
        *,
        sort: str = "id",
        after: str | None = None,
        limit: int | None = None,
        fields: Sequence[str] | None = None,
    ) -> list[Document]:
        require_listing(limit, fields)
        with self._reading() as connection:
            rows = self._select(connection, filter, sort, after, limit, fields)
        # Parsed only after the connection is released.
        if fields is None:
            return [*starmap(read_document, rows)]
        return [from_selected(str(text), fields) for _, text in rows]

    def count(self, filter: Filter | None = None) -> int:
        condition, values = self._where(filter)
        select = f'SELECT count(*) FROM "{self._name}" WHERE'
        with self._reading() as connection:
            [[counted]] = self._run_around(connection, select, condition, values)
        return int(counted)

    def count_by(self, field: str, filter: Filter | None = None) -> dict[str, int]:
        condition, values = self._where(filter)
        value = sql_field(require_text_field(field))
        with self._reading() as connection:
            select = f'SELECT {value}, count(*) FROM "{self._name}" WHERE'
            rest = f"{condition} AND {type_matches(field, '')} GROUP BY 1"
            return dict(self._run_around(connection, select, rest, values))

    def update(self, filter: Filter, ops: Ops, *, upsert: bool = False) -> Document | None:
        require_ops(ops, self._indexed_fields)
        start = require_upsert(filter) if upsert else None
        condition, values = self._where(filter)
        if "id" not in filter:
            condition = f"id = ({self._select_first.format(condition)})"

        def change(connection: apsw.Connection) -> Document | None:
            self._purge(connection)
            changed = self._change(connection, ops, (condition, values))
            if changed or start is None:
                return changed[0] if changed else None
            text, new_values = _changed(ops)
            select = f"WITH made (doc) AS (SELECT ?) SELECT {text} FROM made"
            ((made,),) = _run_change(connection, select, [to_json(start), *new_values])
            connection.execute(self._insert, (start["id"], require_size(made)))
            document: Document = from_json(made)
            return document

        return self._write(change)

    def update_all(self, filter: Filter, ops: Ops) -> int:
        require_ops(ops, self._indexed_fields)
        wanted = self._where(filter)
        return self._write(lambda connection: len(self._change(connection, ops, wanted)))

    def set_each(self, changes: Mapping[str, Document]) -> None:
        for fields in changes.values():
            require_ops({"$set": fields}, self._indexed_fields)

        def change(connection: apsw.Connection) -> None:
            for identifier, fields in changes.items():
                self._change(connection, {"$set": fields}, self._where({"id": identifier}))

        self._write(change)

    def delete(self, filter: Filter) -> int:
        wanted = self._where(filter)
        return self._write(lambda connection: self._delete(connection, wanted))

    def _purge(self, connection: apsw.Connection) -> None:
        if self._expiry_field:
            self._delete(connection, where({self._expiry_field: {"$lte": now()}}))

    def _delete(self, connection: apsw.Connection, wanted: Sql) -> int:
        condition, values = wanted
        try:
            connection.execute(f'DELETE FROM "{self._name}" WHERE {condition}', values)
        except apsw.SQLError as error:
            if not is_of_damage(error) or not self._unreadable_ids(connection):
                raise
            self._make_readable(connection)
            return self._delete(connection, wanted)
        return connection.changes()

    def _make_readable(self, connection: apsw.Connection) -> None:
        """Wrap the text of each invalid document in a JSON field: SQLite cannot change a row if it
        cannot compute the old index entries.
        """
        rows: Any = connection.execute(
            "SELECT name, sql FROM sqlite_master "
            "WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
            [self._name],
        ).fetchall()
        for name, _ in rows:
            connection.execute(f'DROP INDEX "{name}"')
        texts = f'SELECT CAST(doc AS BLOB) FROM "{self._name}" WHERE id = ?'
        for identifier in self._unreadable_ids(connection):
            text = connection.execute(texts, [identifier]).get
            kept = to_json(read_document(identifier, text))
            connection.execute(
                f'UPDATE "{self._name}" SET doc = ? WHERE id = ?', [kept, identifier]
            )
        for _, sql in rows:
            connection.execute(sql)

    def _change(self, connection: apsw.Connection, ops: Ops, wanted: Sql) -> list[Document]:
        changed, new_values = _changed(ops)
        condition, values = wanted
        update = f'UPDATE "{self._name}" SET doc = {changed} WHERE {condition} RETURNING doc'
        rows = _run_change(connection, update, [*new_values, *values])
        return [from_json(require_size(text)) for (text,) in rows]

    def _where(self, filter: Filter | None) -> Sql:
        condition, values = where(checked_filter(filter))
        if self._expiry_field:
            expires = sql_field(self._expiry_field)
            condition += f" AND ({expires} IS NULL OR {expires} > ?)"
            values.append(stored_value(now()))
        return condition, values

    def _select(
        self,
        connection: apsw.Connection,
        filter: Filter | None,
        sort: str,
        after: str | None,
        limit: int | None,
        fields: Sequence[str] | None = None,
    ) -> list[tuple[str, str | bytes]]:
        field, descends = ordering(sort, after)
        condition, values = self._where(filter)
        if after is not None:
            condition += f" AND id {'<' if descends else '>'} ?"
            values.append(after)
        direction = "DESC" if descends else "ASC"
        first = "" if field == "id" else f"{sql_field(field)} {direction}, "
        rest = f"{condition} ORDER BY {first}id {direction} LIMIT ?"
        values.append(-1 if limit is None else limit)
        select = f'SELECT id, {sql_selection(fields)} FROM "{self._name}" WHERE'
        by_id = field == "id" and not (filter or {}).keys() - {"id"} and not self._expiry_field
        if fields is None and by_id:
            # It looks into no document, so that it gives each, also one that is no text.
            blobs = f'SELECT id, CAST(doc AS BLOB) FROM "{self._name}" WHERE'
            rows: Any
            try:
                rows = connection.execute(f"{select} {rest}", values).fetchall()
            except UnicodeDecodeError:
                rows = connection.execute(f"{blobs} {rest}", values).fetchall()
            return list(rows)
        return self._run_around(connection, select, rest, values)

    def _run_around(
        self, connection: apsw.Connection, select: str, rest: str, values: list[Any]
    ) -> list[Any]:
        """Run this query. SQLite fails if it looks into an invalid JSON document. Then the query is
        repeated without such documents, and each is noted.
        """
        try:
            return connection.execute(f"{select} {rest}", values).fetchall()
        except (apsw.SQLError, UnicodeDecodeError) as error:
            if not (damaged := is_of_damage(error) and self._unreadable_ids(connection)):
                raise
        for identifier in damaged:
            pass_over(self._name, identifier)
        listed = ", ".join(map(apsw.format_sql_value, damaged))
        return connection.execute(f"{select} id NOT IN ({listed}) AND {rest}", values).fetchall()

    def _unreadable_ids(self, connection: apsw.Connection) -> list[str]:
        select = f'SELECT id, CAST(doc AS BLOB), json_valid(CAST(doc AS TEXT)) FROM "{self._name}"'
        rows: Any = connection.execute(select)
        return [identifier for identifier, text, valid in rows if not valid or not is_utf8(text)]

    def _reading(self) -> AbstractContextManager[apsw.Connection]:
        self.ensure_table()
        return self._store.reading()

    def _write(self, act: Callable[[apsw.Connection], T]) -> T:
        self.ensure_table()
        return self._store.write(act)

    def ensure_table(self) -> None:
        """Create the table in its own transaction, which the rollback of a failed write does not
        undo.
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
    rows: Any = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", [name])
    return next((sql for (sql,) in rows), None)


def _text_of(connection: apsw.Connection, select: str, identifier: str) -> str | bytes | None:
    try:
        text: str | None = connection.execute(select, (identifier,)).get
    except UnicodeDecodeError:
        blob: Any = connection.execute(
            select.replace(" doc ", " CAST(doc AS BLOB) ", 1), (identifier,)
        ).get
        return bytes(blob)
    return text


def is_of_damage(error: Exception) -> bool:
    return isinstance(error, UnicodeDecodeError) or "malformed JSON" in str(error)


def is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _run_change(connection: apsw.Connection, sql: str, values: Sequence[Any]) -> list[Any]:
    try:
        return connection.execute(sql, values).fetchall()
    except apsw.SQLError as error:
        if not is_of_damage(error):
            raise
        raise ValueError("only a number is counted, within 64 bits") from error


def _changed(ops: Ops) -> Sql:
    changed, values = "doc", list[Any]()
    if removed := ops.get("$unset"):
        paths = ", ".join(f"'$.{field}'" for field in removed)
        changed = f"json_remove({changed}, {paths})"
    fields = []
    for field, value in ops.get("$set", {}).items():
        fields.append(f"'$.{field}', json(?)")
        values.append(to_json(value))
    for field, step in ops.get("$inc", {}).items():
        former_type = f"coalesce(json_type(doc, '$.{field}'), 'integer')"
        counted = f"coalesce({sql_field(field)}, 0) + ?"
        # Beyond 64 bits an integer becomes a real number, which is inexact. Half a document is no
        # JSON, which is an error: SQL has no other way to refuse a value.
        fields.append(
            f"'$.{field}', CASE {former_type} WHEN typeof({counted}) THEN {counted} "
            "ELSE json(substr(doc, 2)) END"
        )
        values += [step, step]
    return f"json_set({changed}, {', '.join(fields)})" if fields else changed, values


# Translates a MongoDB filter to SQL. A value of another type never matches, as in MongoDB.
#
# The value that SQLite extracts from a document does not always tell its JSON type: true is 1, and
# a list is its text. Only for such values the document is read and parsed (`json_type`). For all
# others the index is enough.


def sql_field(name: str) -> str:
    return "id" if name == "id" else f"json_extract(doc, '$.{name}')"


def sql_selection(fields: Sequence[str] | None) -> str:
    if fields is None:
        return "doc"
    # With a single path, json_extract returns a bare SQL value, in which true is 1.
    # https://www.sqlite.org/json1.html#jex
    paths = ", ".join(f"'$.{path}'" for path in ("id", *fields))
    return f"json_extract(doc, {paths})" if fields else "id"


def where(filter: Filter) -> Sql:
    clauses, values = ["1"], []
    for field, condition in filter.items():
        if isinstance(condition, dict):
            compared = [*starmap(partial(_compared, field), condition.items())]
            clause, operands = _join_clauses(" AND ", compared)
        else:
            clause, operands = _equal(field, condition)
        clauses.append(clause)
        values += operands
    return " AND ".join(clauses), values


def _compared(field: str, word: str, operand: Any) -> Sql:
    match word:
        case "$in":
            return _one_of(field, operand)
        case "$ne":
            clause, values = _equal(field, operand)
            no_list = "1" if field == "id" else f"json_type(doc, '$.{field}') IS NOT 'array'"
            # A missing field gives NULL, and NOT NULL would match nothing.
            return f"(NOT coalesce({clause}, 0) AND {no_list})", values
        case _:
            compared = f"{sql_field(field)} {SQL_OPERATORS[word]} ?"
            return f"({compared} AND {type_matches(field, operand)})", [stored_value(operand)]


def _equal(field: str, value: Any) -> Sql:
    if value is None:
        return f"{sql_field(field)} IS NULL", []
    same_type = _type_of_equal_matches(field, value)
    return f"({sql_field(field)} = ? AND {same_type})", [stored_value(value)]


def _one_of(field: str, items: list[Any]) -> Sql:
    """Write one IN for each type. One OR for each item would exceed SQLite's depth of 1,000. The
    explicit IS NOT NULL lets the query planner use the partial index of a unique key:
    https://www.sqlite.org/partialindex.html
    """
    parts: list[Sql] = []
    if None in items:
        parts.append(_equal(field, None))
    by_type: dict[str, list[Any]] = {}
    for item in items:
        if item is not None:
            by_type.setdefault(_type_of_equal_matches(field, item), []).append(stored_value(item))
    for clause, values in by_type.items():
        marks = ", ".join("?" * len(values))
        is_one = f"{sql_field(field)} IN ({marks}) AND {sql_field(field)} IS NOT NULL"
        parts.append((f"({is_one} AND {clause})", values))
    return _join_clauses(" OR ", parts) if parts else ("0", [])


def type_matches(field: str, value: Any) -> str:
    if field == "id":
        return "1"
    stored, json_type = sql_field(field), f"json_type(doc, '$.{field}')"
    if isinstance(value, bool):
        return f"{json_type} = '{'true' if value else 'false'}'"
    if isinstance(value, int | float):
        whole = (
            f"typeof({stored}) = 'integer' AND ({stored} NOT IN (0, 1) OR {json_type} = 'integer')"
        )
        return f"(typeof({stored}) = 'real' OR {whole})"
    is_text = f"(substr({stored}, 1, 1) NOT IN ('[', '{{') OR {json_type} = 'text')"
    return f"(typeof({stored}) = 'text' AND {is_text})"


def _type_of_equal_matches(field: str, value: Any) -> str:
    is_bool_or_like_one = isinstance(value, bool | int | float) and value in (0, 1)
    is_like_a_list = isinstance(value, str) and value.startswith(("[", "{"))
    return type_matches(field, value) if is_bool_or_like_one or is_like_a_list else "1"


def _join_clauses(word: str, parts: list[Sql]) -> Sql:
    clauses, values = zip(*parts, strict=True)
    return f"({word.join(clauses)})", [*chain.from_iterable(values)]


def from_selected(text: str, fields: Sequence[str]) -> Document:
    if not fields:
        return {"id": text}
    identifier, *values = from_json(text)
    for at in _times_in(tuple(fields)):
        if values[at] is not None:
            values[at] = read_time(values[at])
    return build_document(identifier, fields, values)


@cache
def _times_in(fields: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(at for at, path in enumerate(fields) if path.endswith("_at"))
