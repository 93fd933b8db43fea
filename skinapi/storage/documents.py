"""Projection: checks which fields may be selected, and builds a document of only these fields.

A field is named by its path, for example `finding.stated`. A path leads through dicts, never into a
list.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, TypeVar

from skinapi.storage.port_rules import require_name
from skinapi.storage.ports import Document


def require_fields(fields: Sequence[str]) -> None:
    """Raises ValueError if a text is not a path, or if one path lies within another."""
    for path in fields:
        for name in path.split("."):
            require_name(name)
    if "id" in fields:
        raise ValueError("the id is always there")
    # The dot after each path keeps `find` from being taken for a parent of `finding`.
    ordered = sorted(f"{path}." for path in fields)
    if any(below.startswith(above) for above, below in pairwise(ordered)):
        raise ValueError("each field is asked for once")


def pick_fields(document: Document, fields: Sequence[str]) -> Document:
    """A copy with only the id and these fields. Fields that the document lacks are left out."""
    values = []
    for path in fields:
        value: Any = document
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        values.append(value)
    return build_document(document["id"], fields, values)


def build_document(identifier: str, fields: Sequence[str], values: Iterable[Any]) -> Document:
    """A document with this id and these values at these paths. None values are left out."""
    document: Document = {"id": identifier}
    for path, value in zip(fields, values, strict=True):
        if value is not None:
            inner, name = document, path
            while "." in name:
                parent, _, name = name.partition(".")
                inner = inner.setdefault(parent, {})
            inner[name] = value
    return document


# Merges several listings into one; an index serves each of them in order.
#
# For an alternative ("by this account or about it") neither store is sure to follow the order of an
# index: it may read and sort every match. Two listings with a limit cost two index lookups.


def merged(listings: Iterable[list[Document]], *, sort: str = "id", limit: int) -> list[Document]:
    """The first `limit` documents of all listings together, each document once.

    Each listing must hold the first `limit` of its own matches, sorted by `sort` as in
    `Documents.find`.
    """
    field = sort.removeprefix("-")
    by_id = {document["id"]: document for listing in listings for document in listing}
    ordered = sorted(by_id.values(), key=lambda document: (document[field], document["id"]))
    if sort.startswith("-"):
        ordered.reverse()
    return ordered[:limit]


# What a transaction that is under way remembers, in either store.


T = TypeVar("T")


class OpenTransaction:
    """An error of a call ends the transaction, also where the caller catches it: MongoDB has rolled
    it back by then.
    """

    def __init__(self) -> None:
        self._failure: Exception | None = None

    @contextmanager
    def noted_failure(self) -> Iterator[None]:
        """Surround each call. Raises the error of an earlier one again."""
        if self._failure:
            raise self._failure
        try:
            yield
        except Exception as error:
            self._failure = error
            raise

    def run(self, act: Callable[[], T]) -> T:
        """Run the whole of the transaction, but for its commit."""
        result = act()
        if self._failure:
            raise self._failure
        return result
