"""A filter in Mongo's words, said in SQL. Values of another type never match, as in MongoDB."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from skinapi.storage.ports import Filter
from skinapi.storage.validation import unescaped

SIGNS = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
Sql = tuple[str, list[Any]]


def field_of(name: str) -> str:
    return "id" if name == "id" else f"json_extract(doc, '$.{name}')"


def chosen(fields: Sequence[str] | None) -> str:
    """A document's JSON, or a JSON list of its id and the values of these fields: SQLite then walks
    the whole document, which lets other threads go on, and Python reads the values alone.
    """
    if fields is None:
        return "doc"
    # Of a single path SQLite would answer the bare value, in which true is 1.
    paths = ", ".join(f"'$.{path}'" for path in ("id", *fields))
    return f"json_extract(doc, {paths})" if fields else "json_array(id)"


def parameter(value: Any) -> Any:
    """A value as SQLite compares it: times as text of one width, which sorts like the times."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    return value


def where(filter: Filter) -> Sql:
    clauses, values = ["1"], []
    for field, condition in filter.items():
        if field == "$or":
            clause, found = _any_of([where(branch) for branch in condition])
        elif field == "$and":
            clause, found = _all_of([where(branch) for branch in condition])
        elif isinstance(condition, dict):
            clause, found = _all_of([_compared(field, *item) for item in condition.items()])
        else:
            clause, found = _equal(field, condition)
        clauses.append(clause)
        values += found
    return " AND ".join(clauses), values


def _compared(field: str, word: str, operand: Any) -> Sql:
    match word:
        case "$exists":
            return f"{field_of(field)} IS {'NOT ' if operand else ''}NULL", []
        case "$in":
            return _one_of(field, operand)
        case "$ne":
            clause, values = _equal(field, operand)
            return f"(NOT coalesce({clause}, 0) AND {_no_list(field)})", values
        case "$regex":
            clause = f"instr({field_of(field)}, ?) AND {typed(field, '')}"
            return f"({clause})", [unescaped(operand)]
        case _:
            clause = f"{field_of(field)} {SIGNS[word]} ? AND {typed(field, operand)}"
            return f"({clause})", [parameter(operand)]


def _equal(field: str, value: Any) -> Sql:
    if value is None:
        return f"{field_of(field)} IS NULL", []
    return f"({field_of(field)} = ? AND {typed(field, value)})", [parameter(value)]


def _one_of(field: str, items: list[Any]) -> Sql:
    """One IN a type, not an OR an item: SQLite's expressions go 1,000 deep.

    IS NOT NULL, said aloud, lets the planner use a unique key's partial index.
    """
    parts: list[Sql] = []
    if None in items:
        parts.append(_equal(field, None))
    by_type: dict[str, list[Any]] = {}
    for item in items:
        if item is not None:
            by_type.setdefault(typed(field, item), []).append(parameter(item))
    for clause, values in by_type.items():
        marks = ", ".join("?" * len(values))
        is_one = f"{field_of(field)} IN ({marks}) AND {field_of(field)} IS NOT NULL"
        parts.append((f"({is_one} AND {clause})", values))
    return _any_of(parts) if parts else ("0", [])


def _no_list(field: str) -> str:
    return "1" if field == "id" else f"json_type(doc, '$.{field}') IS NOT 'array'"


def typed(field: str, value: Any) -> str:
    """The stored value is of the operand's type."""
    if field == "id":
        return "1"
    stored = f"json_type(doc, '$.{field}')"
    if isinstance(value, bool):
        return f"{stored} = '{'true' if value else 'false'}'"
    if isinstance(value, int | float):
        return f"{stored} IN ('integer', 'real')"
    return f"{stored} = 'text'"


def _all_of(parts: list[Sql]) -> Sql:
    return _joined(" AND ", parts)


def _any_of(parts: list[Sql]) -> Sql:
    return _joined(" OR ", parts)


def _joined(word: str, parts: list[Sql]) -> Sql:
    clause = word.join(clause for clause, _ in parts)
    return f"({clause})", [value for _, values in parts for value in values]
