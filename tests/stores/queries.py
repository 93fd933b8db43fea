"""What the application asks of a store: each query noted as it is sent, by sender and shape."""

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, wraps
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

import skinapi
from skinapi.storage.mongo.mongo_store import MongoDocuments
from skinapi.storage.ports import Document, Filter
from skinapi.storage.sqlite.sqlite_documents import SqliteDocuments

SOURCES = Path(skinapi.__file__).parent
ADAPTERS = {"storage/sqlite/sqlite_documents.py", "storage/mongo/mongo_store.py"}
# They go through every collection by id, tests' own too: known_queries.jsonl has one of them.
WALK_ALL = {
    "storage/faults.py _all_documents",
    "storage/backup.py _begin",
    "storage/backup.py _apply_changed",
}
# What is written, and which fields are read, changes nothing in how a document is found.
WITHOUT_A_PLAN = ("ops", "fields")
METHODS = ("find", "count", "count_by", "update", "update_all", "delete")


@dataclass(frozen=True)
class Query:
    """One call of the port with sample values. Two of one shape differ in these values alone."""

    sender: str
    collection: str
    method: str
    filter: Filter = field(default_factory=dict)
    options: Document = field(default_factory=dict)
    # Why this one may read a whole collection.
    exempt: str = ""

    @property
    def shape(self) -> str:
        said = [self.sender, self.collection, self.method, filter_shape(self.filter)]
        for name, value in sorted(self.options.items()):
            if name in ("field", "sort"):
                said.append(f"{name}:{value}")
            elif value and name not in WITHOUT_A_PLAN:
                said.append(name)
        return " ".join(part for part in said if part)


def filter_shape(filter: Filter) -> str:
    return " ".join(sorted(_condition(name, value) for name, value in filter.items()))


def _condition(name: str, value: Any) -> str:
    if isinstance(value, list):
        return f"{name}({' | '.join(filter_shape(branch) for branch in value)})"
    if isinstance(value, dict):
        return " ".join(f"{name} {word}" for word in sorted(value))
    return f"{name} is missing" if value is None else f"{name} ="


class Recorder:
    """Notes the queries that the application's own code sends, whatever the test."""

    def __init__(self) -> None:
        self.sent: dict[str, Query] = {}

    def install(self, patch: pytest.MonkeyPatch) -> None:
        for documents in (SqliteDocuments, MongoDocuments):
            for method in METHODS:
                patch.setattr(documents, method, self._noting(getattr(documents, method)))

    def _noting(self, original: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(original)

        @wraps(original)
        def call(documents: Any, *args: Any, **options: Any) -> Any:
            sender = sender_of(sys._getframe(1))
            if sender:
                given = signature.bind(documents, *args, **options).arguments
                self._note(sender, original.__name__, given)
            return original(documents, *args, **options)

        return call

    def _note(self, sender: str, method: str, given: dict[str, Any]) -> None:
        options = dict(given)
        collection = collection_of(options.pop("self"))
        query = Query(sender, collection, method, options.pop("filter", None) or {}, options)
        if sender not in WALK_ALL:
            self.sent.setdefault(query.shape, query)


def sender_of(frame: FrameType) -> str | None:
    """The function of the application that called, such as `audit/trail.py AuditTrail.page`."""
    return _named(frame.f_code)


@cache
def _named(code: CodeType) -> str | None:
    file = Path(code.co_filename)
    if not file.is_relative_to(SOURCES):
        return None
    module = file.relative_to(SOURCES).as_posix()
    function = code.co_qualname.partition(".<locals>")[0]
    return None if module in ADAPTERS else f"{module} {function}"


def collection_of(documents: SqliteDocuments | MongoDocuments) -> str:
    if isinstance(documents, MongoDocuments):
        return documents._collection.name
    return documents._name
