"""A filter in Mongo's words, said in SQL. Values of another type never match, as in MongoDB."""

from datetime import UTC, datetime
from typing import Any

from skinapi.storage.ports import Filter
from skinapi.storage.words import unescaped

SIGNS = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
Sql = tuple[str, list[Any]]


def field_of(name: str) -> str:
    return "id" if name == "id" else f"json_extract(doc, '$.{name}')"


def parameter(value: Any) -> Any:
    """A value as SQLite compares it: times as text of one width, which sorts like the times."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return value


def where(filter: Filter) -> Sql:
    clauses, values = ["1"], []
    for field, condition in filter.items():
        if field == "$or":
            clause, found = _any_of([where(branch) for branch in condition])
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
            return _any_of([("0", []), *(_equal(field, item) for item in operand)])
        case "$ne":
            clause, values = _equal(field, operand)
            return f"NOT coalesce({clause}, 0)", values
        case "$regex":
            clause, values = _typed(field, "")
            return f"({clause} AND instr({field_of(field)}, ?))", [*values, unescaped(operand)]
        case _:
            clause, values = _typed(field, operand)
            comparison = f"{field_of(field)} {SIGNS[word]} ?"
            return f"({clause} AND {comparison})", [*values, parameter(operand)]


def _equal(field: str, value: Any) -> Sql:
    if value is None:
        return f"{field_of(field)} IS NULL", []
    clause, values = _typed(field, value)
    return f"({field_of(field)} = ? AND {clause})", [parameter(value), *values]


def _typed(field: str, value: Any) -> Sql:
    """The stored value is of the operand's type."""
    if field == "id":
        return "1", []
    stored = f"json_type(doc, '$.{field}')"
    if isinstance(value, bool):
        return f"{stored} = ?", ["true" if value else "false"]
    if isinstance(value, int | float):
        return f"{stored} IN ('integer', 'real')", []
    return f"{stored} = 'text'", []


def _all_of(parts: list[Sql]) -> Sql:
    return _joined(" AND ", parts)


def _any_of(parts: list[Sql]) -> Sql:
    return _joined(" OR ", parts)


def _joined(word: str, parts: list[Sql]) -> Sql:
    clause = word.join(clause for clause, _ in parts)
    return f"({clause})", [value for _, values in parts for value in values]
