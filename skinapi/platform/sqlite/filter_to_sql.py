"""Translates a MongoDB filter to SQL. A value of another type never matches, as in MongoDB.

The value that SQLite extracts from a document does not always tell its JSON type: true is 1, and a
list is its text. Only for such values the document is read and parsed (`json_type`). For all others
the index is enough.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from skinapi.platform.storage.documents import build_document
from skinapi.platform.storage.ports import Document, Filter

SQL_OPERATORS = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
Sql = tuple[str, list[Any]]


def sql_field(name: str) -> str:
    """The SQL expression for a field."""
    return "id" if name == "id" else f"json_extract(doc, '$.{name}')"


def sql_selection(fields: Sequence[str] | None) -> str:
    """The SQL expression to select: a document's JSON, or a JSON list of its id and these fields;
    its bare id where there are none.

    With `fields`, SQLite parses the whole document, while other threads can run, and Python
    parses only the values.
    """
    if fields is None:
        return "doc"
    # With a single path, json_extract returns a bare SQL value, in which true is 1.
    # https://www.sqlite.org/json1.html#jex
    paths = ", ".join(f"'$.{path}'" for path in ("id", *fields))
    return f"json_extract(doc, {paths})" if fields else "id"


def sql_value(value: Any) -> Any:
    """A value as SQLite compares it. Times become text of one width, which sorts like the times."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    return value


def where(filter: Filter) -> Sql:
    """The SQL condition of a filter, and its parameters."""
    clauses, values = ["1"], []
    for field, condition in filter.items():
        if isinstance(condition, dict):
            compared = [_compared(field, *item) for item in condition.items()]
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
            return f"({compared} AND {type_matches(field, operand)})", [sql_value(operand)]


def _equal(field: str, value: Any) -> Sql:
    if value is None:
        return f"{sql_field(field)} IS NULL", []
    same_type = _type_of_equal_matches(field, value)
    return f"({sql_field(field)} = ? AND {same_type})", [sql_value(value)]


def _one_of(field: str, items: list[Any]) -> Sql:
    """One IN for each type. One OR for each item would exceed SQLite's expression depth of 1,000.

    The explicit IS NOT NULL lets the query planner use the partial index of a unique key:
    https://www.sqlite.org/partialindex.html
    """
    parts: list[Sql] = []
    if None in items:
        parts.append(_equal(field, None))
    by_type: dict[str, list[Any]] = {}
    for item in items:
        if item is not None:
            by_type.setdefault(_type_of_equal_matches(field, item), []).append(sql_value(item))
    for clause, values in by_type.items():
        marks = ", ".join("?" * len(values))
        is_one = f"{sql_field(field)} IN ({marks}) AND {sql_field(field)} IS NOT NULL"
        parts.append((f"({is_one} AND {clause})", values))
    return _join_clauses(" OR ", parts) if parts else ("0", [])


def type_matches(field: str, value: Any) -> str:
    """The SQL condition that the stored value has the type of `value`."""
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
    """The same condition where the stored value is known to be equal to `value`."""
    is_bool_or_like_one = isinstance(value, bool | int | float) and value in (0, 1)
    is_like_a_list = isinstance(value, str) and value.startswith(("[", "{"))
    return type_matches(field, value) if is_bool_or_like_one or is_like_a_list else "1"


def _join_clauses(word: str, parts: list[Sql]) -> Sql:
    clause = word.join(clause for clause, _ in parts)
    return f"({clause})", [value for _, values in parts for value in values]


# Converts a document to the JSON text that SQLite stores, and back.


LARGEST_DOCUMENT = 16 * 2**20


def to_json(document: Document) -> str:
    """The document as JSON. Raises ValueError if it is larger than 16 Mi characters."""
    text = json.dumps(document, default=sql_value, ensure_ascii=False, separators=(",", ":"))
    if len(text) > LARGEST_DOCUMENT:
        raise ValueError("a document is at most 16 MiB, as in MongoDB; larger things are blobs")
    return text


def from_json(text: str) -> Document:
    document: Document = _loads(text)
    return document


def from_selected(text: str, fields: Sequence[str]) -> Document:
    """A document from what the expression of `sql_selection` gives."""
    if not fields:
        return {"id": text}
    identifier, *values = _loads(text)
    for at in _times_in(tuple(fields)):
        if values[at] is not None:
            values[at] = _read_time(values[at])
    return build_document(identifier, fields, values)


@cache
def _times_in(fields: tuple[str, ...]) -> tuple[int, ...]:
    """The places of the times among these fields. Cached, because the code has few selections."""
    return tuple(at for at, path in enumerate(fields) if path.endswith("_at"))


def _loads(text: str) -> Any:
    # The hook is called for each dict in the text. Without times it would take most of the time.
    return json.loads(text, object_hook=_with_times if '_at":' in text else None)


def _with_times(fields: dict[str, Any]) -> dict[str, Any]:
    for name, value in fields.items():
        if name.endswith("_at") and value is not None:
            fields[name] = _read_time(value)
    return fields


def _read_time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
