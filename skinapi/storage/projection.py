"""Some fields of a document instead of all: which may be asked for, and how they are put together.

A field is named by its path, `finding.stated`. Paths lead through dicts, and never into a list.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from skinapi.storage.ports import Document
from skinapi.storage.validation import check_name


def check_fields(fields: Sequence[str]) -> None:
    """Raises ValueError for what is no path, and where one path lies within another."""
    for path in fields:
        for name in path.split("."):
            check_name(name)
    if "id" in fields:
        raise ValueError("the id is always there")
    ordered = sorted(f"{path}." for path in fields)
    if any(below.startswith(above) for above, below in pairwise(ordered)):
        raise ValueError("each field is asked for once")


def pick_fields(document: Document, fields: Sequence[str]) -> Document:
    """The document with its id and these fields alone, as far as it has them."""
    values = (_value_at(document, path.split(".")) for path in fields)
    return put_together(document["id"], fields, values)


def put_together(identifier: str, fields: Sequence[str], values: Iterable[Any]) -> Document:
    """A document of these values; one that is None is a field that is not there."""
    document: Document = {"id": identifier}
    for path, value in zip(fields, values, strict=True):
        if value is not None:
            parents, name = _split(path)
            inner = document
            for parent in parents:
                inner = inner.setdefault(parent, {})
            inner[name] = value
    return document


@cache
def _split(path: str) -> tuple[tuple[str, ...], str]:
    """Once for each path of the code, not for each document."""
    *parents, name = path.split(".")
    return tuple(parents), name


def _value_at(value: Any, names: Sequence[str]) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
