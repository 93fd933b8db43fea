"""The closed set of words that filters, operators and documents are made of.

Both stores check here before they act, so that neither admits what the other would refuse.
A breach is a programmer's error: ValueError.
"""

import math
import re
from datetime import datetime
from typing import Any

from skinapi.storage.ids import now
from skinapi.storage.ports import Document, Filter, Ops

NAME = re.compile(r"[a-z][a-z0-9_]*")
COMPARISONS = {"$ne", "$in", "$gt", "$gte", "$lt", "$lte", "$exists", "$regex"}
OPERATORS = {"$set", "$inc", "$unset"}
LARGEST = 2**63 - 1


def literal(text: str) -> dict[str, str]:
    """A condition: the field contains this text, to the letter."""
    return {"$regex": re.escape(text)}


def unescaped(pattern: str) -> str:
    """The text that `literal` was given; no other pattern is taken."""
    text = re.sub(r"\\(.)", r"\1", pattern, flags=re.DOTALL)
    if re.escape(text) != pattern:
        raise ValueError("$regex takes an escaped text only")
    return text


def check_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"not a name: {name!r}")
    return name


def check_filter(filter: Filter) -> None:
    for field, condition in filter.items():
        if field == "$or":
            if not condition:
                raise ValueError("$or needs a branch")
            for branch in condition:
                check_filter(branch)
        else:
            check_name(field)
            _check_condition(field, condition)


def _check_condition(field: str, condition: Any) -> None:
    if not isinstance(condition, dict):
        _check_operand(field, condition)
        return
    if not condition or not condition.keys() <= COMPARISONS:
        raise ValueError(f"unknown comparison in {sorted(condition)}")
    for word, operand in condition.items():
        if word == "$in":
            for item in operand:
                _check_operand(field, item)
        elif word == "$exists":
            if not isinstance(operand, bool):
                raise ValueError("$exists takes true or false")
        elif word == "$regex":
            unescaped(operand)
        else:
            _check_operand(field, operand)
            if word != "$ne" and isinstance(operand, bool | None):
                raise ValueError(f"{word} takes a number, a text or a time")


def _check_operand(field: str, value: Any) -> None:
    if isinstance(value, dict | list):
        raise ValueError("a filter compares with plain values only")
    if field == "id" and not isinstance(value, str):
        raise ValueError("an id is a text")
    if value is not None:
        check_value(field, value)


def check_ops(ops: Ops) -> None:
    if not ops or not ops.keys() <= OPERATORS:
        raise ValueError(f"unknown operator in {sorted(ops)}")
    touched = [field for changes in ops.values() for field in changes]
    if len(set(touched)) < len(touched) or "id" in touched:
        raise ValueError("an update touches a field once, and never the id")
    for word, changes in ops.items():
        for field, value in changes.items():
            check_name(field)
            if word == "$inc" and (isinstance(value, bool) or not isinstance(value, int)):
                raise ValueError("$inc takes a whole number")
            if word == "$set" and value is None:
                raise ValueError("to remove a field, $unset it")
            if word == "$set":
                check_value(field, value)


def check_upsert(filter: Filter) -> Document:
    """The document that an upsert starts from."""
    if "id" not in filter or any(isinstance(v, dict | list | None) for v in filter.values()):
        raise ValueError("an upsert's filter is equalities, the id among them")
    return dict(filter)


def checked_document(document: Document) -> Document:
    """A copy fit to keep: without its None fields, every value checked."""
    if not isinstance(document.get("id"), str):
        raise ValueError("a document has an id")
    kept = {field: value for field, value in document.items() if value is not None}
    for field, value in kept.items():
        check_name(field)
        check_value(field, value)
    return kept


def check_value(name: str, value: Any) -> None:
    """Raise ValueError unless both stores give this value back unchanged."""
    if name.endswith("_at") != isinstance(value, datetime):
        raise ValueError(f"{name}: fields ending in _at are times, and no others")
    match value:
        case datetime():
            if value.utcoffset() is None or value.microsecond % 1000:
                raise ValueError(f"{name}: a time is UTC, to the millisecond")
        case str():
            _check_text(name, value)
        case bool() | None:
            pass
        case int():
            if abs(value) > LARGEST:
                raise ValueError(f"{name}: beyond 64 bits")
        case float():
            if not math.isfinite(value):
                raise ValueError(f"{name}: not a finite number")
        case list():
            for item in value:
                check_value("item", item)
        case dict():
            for key, item in value.items():
                _check_text(name, key)
                if item is not None:
                    check_value(key, item)
        case _:
            raise ValueError(f"{name}: a {type(value).__name__} cannot be kept")


def _check_text(name: str, text: str) -> None:
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError(f"{name}: text with NUL or half a surrogate pair")


def unexpired(filter: Filter | None, expires: str | None) -> Filter:
    """The filter, narrowed to what has not expired where a collection expires."""
    narrowed = dict(filter or {})
    if expires and expires not in narrowed:
        narrowed[expires] = {"$gt": now()}
    check_filter(narrowed)
    return narrowed


def ordering(sort: str, after: str | None) -> tuple[str, bool]:
    """The field to sort by, and whether it descends."""
    field = check_name(sort.removeprefix("-"))
    if after is not None and field != "id":
        raise ValueError("only a listing sorted by id continues after one")
    return field, sort.startswith("-")
