"""Asks the stores for the plans of the application's own queries. A plan that reads more with every
record, or sorts its result, is a fault: an index is missing. Each shape of a query is explained
once in a process: by SQLite in the store of the current test, and by a real MongoDB in a database
that all tests share.
"""

import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property, wraps
from pathlib import Path
from typing import Any

import apsw
import flask
import pymongo
import pytest
from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo.monitoring import CommandListener, CommandStartedEvent

import skinapi
from skinapi.base.errors import SkinAPIError
from skinapi.platform.storage.ports import Document, Filter
from skinapi.platform.stores.database_file import SqliteFile
from skinapi.platform.stores.mongo_documents import MongoDocuments
from skinapi.platform.stores.mongo_store import DURABLE, MongoStore
from skinapi.platform.stores.sqlite_documents import SqliteDocuments

# By collection: why its queries may read all of it, or sort what they find.
EXCEPTIONS = {
    "backups": "it has one record a night",
    "images": "few pictures of a data set are alike, and only those are sorted",
}
SOURCES = Path(skinapi.__file__).parent
PLATFORM = SOURCES / "platform"
ADAPTERS = PLATFORM / "stores"
STORAGE = {ADAPTERS, PLATFORM / "storage", PLATFORM / "backups"}
METHODS = ("find", "count", "count_by", "update", "update_all", "delete")
EXPLAINED = {"find", "aggregate", "findAndModify", "delete", "update", "count"}
# What a command carries for the session that sent it: an explanation is no part of that.
OF_THE_SESSION = {"lsid", "txnNumber", "$db", "$clusterTime", "writeConcern", "maxTimeMS", "stmtId"}
FEW = 50
# The bounds of an index may be dates and texts that Python does not have.
ANY_BOUNDS: CodecOptions[Document] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_AUTO, unicode_decode_error_handler="replace"
)


@dataclass(frozen=True)
class Query:
    """One call of the port. Two calls of one shape differ in their values alone."""

    collection: str
    method: str
    filter: Filter = field(default_factory=dict)
    options: Document = field(default_factory=dict)

    @cached_property
    def shape(self) -> str:
        options = [f"{name}:{self.options.get(name)}" for name in ("field", "sort")]
        options += [name for name in ("after", "limit") if self.options.get(name)]
        return " ".join([self.collection, self.method, filter_shape(self.filter), *options])

    @property
    def equalities(self) -> set[str]:
        return {name for name, value in self.filter.items() if not isinstance(value, dict | list)}

    @property
    def reads_a_page(self) -> bool:
        """True if it walks along an index, stops after `limit` records and skips few."""
        conditions = self.filter.values()
        leaves_out = all(isinstance(each, dict) and [*each] == ["$ne"] for each in conditions)
        return leaves_out and bool(self.options.get("limit"))

    @property
    def excused(self) -> bool:
        """True if it may read a whole collection, as `check` and a restore do but no request
        does.
        """
        whole = not self.filter and not self.options.get("limit")
        of_check = whole and not flask.has_request_context()
        return of_check or self.finds_nothing or self.collection in EXCEPTIONS

    @property
    def finds_nothing(self) -> bool:
        """True if it matches an empty list of values, for which a store returns no plan."""
        conditions = (value for value in self.filter.values() if isinstance(value, dict))
        return any("$in" in each and not each["$in"] for each in conditions)

    @property
    def sort(self) -> str:
        field: str = self.options.get("sort", "id").removeprefix("-")
        return field

    @property
    def sorts_one_value(self) -> bool:
        """True if all matches have the same value there. SQLite sorts them nevertheless."""
        condition = self.filter.get(self.sort)
        return isinstance(condition, dict) and len(condition.get("$in", ())) == 1

    def names_one(self, unique_keys: list[set[str]]) -> bool:
        """True if at most one record has each value of the sort key."""
        return any(key <= self.equalities | {self.sort} for key in unique_keys)


def filter_shape(filter: Filter) -> str:
    return " ".join(sorted(_condition(name, value) for name, value in filter.items()))


def _condition(name: str, value: Any) -> str:
    if isinstance(value, list):
        return f"{name}({' | '.join(filter_shape(branch) for branch in value)})"
    if isinstance(value, dict):
        return " ".join(f"{name} {word}" for word in sorted(value))
    return f"{name} is missing" if value is None else f"{name} ="


class PlanCheck:
    """Explains what the application sends while it is installed. `faults` are the faults found.
    `mongo`, if there is one, also explains queries to other stores. `asked` are the collections.
    """

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.asked: set[str] = set()
        self.mongo: MongoPlans | None = None
        self._explained: set[tuple[str, str]] = set()
        self._call = _Call()

    def install(self, patch: pytest.MonkeyPatch) -> None:
        for documents in (SqliteDocuments, MongoDocuments):
            for method in METHODS:
                patch.setattr(documents, method, self._explaining(getattr(documents, method)))
        open_file = SqliteFile._open

        def open_traced(file: SqliteFile, flags: int) -> apsw.Connection:
            connection = open_file(file, flags)
            watching = connection.exec_trace  # a test's own

            def note(cursor: apsw.Cursor, sql: str, values: Any) -> bool:
                if watching:
                    watching(cursor, sql, values)
                return self._note_statement(cursor, sql, values)

            connection.exec_trace = note
            return connection

        patch.setattr(SqliteFile, "_open", open_traced)

    def _note_statement(self, _: object, sql: str, values: Any) -> bool:
        looks_for_damage = "json_valid(" in sql  # only where a document is no JSON
        if self._call.statements is not None and not looks_for_damage:
            self._call.statements.append((sql, values))
        return True

    def _explaining(self, original: Callable[..., Any]) -> Callable[..., Any]:
        names = [*inspect.signature(original).parameters][1:]

        @wraps(original)
        def call(documents: Any, *args: Any, **options: Any) -> Any:
            caller = sys._getframe(1).f_code.co_filename
            if self._call.busy or not _is_of_application(caller):
                return original(documents, *args, **options)
            given = {**dict(zip(names, args, strict=False)), **options}
            name, conditions = _name_of(documents), given.pop("filter", None) or {}
            query = Query(name, original.__name__, conditions, given)
            if not _is_of_storage(caller):  # that goes through collections of tests, too
                self.asked.add(name)
            with self._call:
                if isinstance(documents, SqliteDocuments):
                    result = self.send_to_sqlite(documents, query, original)
                else:
                    result = original(documents, *args, **options)
                self._explain_by_mongo(query)
            return result

        return call

    def send_to_sqlite(
        self, documents: SqliteDocuments, query: Query, original: Callable[..., Any]
    ) -> Any:
        options = {"filter": query.filter, **query.options}
        key = ("sqlite", query.shape)
        if key in self._explained or query.excused:
            return original(documents, **options)
        self._call.statements = []
        try:
            result = original(documents, **options)
        finally:
            statements, self._call.statements = self._call.statements, None
        if statements:  # else another thread has sent them, with those of its own
            with suppress(SkinAPIError, apsw.Error):  # a test has broken the store
                self._add(query, sqlite_faults(documents, query, statements))
                self._explained.add(key)
        return result

    def _explain_by_mongo(self, query: Query) -> None:
        key = ("mongo", query.shape)
        if self.mongo and key not in self._explained and not query.excused:
            self._explained.add(key)
            self._add(query, self.mongo.faults(query))

    def _add(self, query: Query, faults: list[str]) -> None:
        self.faults += [f"{query.shape}: {fault}" for fault in faults]


class _Call(threading.local):
    """An explained call of a thread, with the statements that it has sent so far."""

    def __init__(self) -> None:
        self.busy = False
        self.statements: list[tuple[str, Any]] | None = None

    def __enter__(self) -> None:
        self.busy = True

    def __exit__(self, *_: object) -> None:
        self.busy = False


@cache
def _is_of_application(path: str) -> bool:
    return Path(path).is_relative_to(SOURCES) and Path(path).parent != ADAPTERS


@cache
def _is_of_storage(path: str) -> bool:
    return Path(path).parent in STORAGE


def _name_of(documents: SqliteDocuments | MongoDocuments) -> str:
    if isinstance(documents, MongoDocuments):
        return documents._collection.name
    return documents._name


def sqlite_faults(
    documents: SqliteDocuments, query: Query, statements: list[tuple[str, Any]]
) -> list[str]:
    name = documents._name
    with documents._store.reading() as connection:
        asked = (
            "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql LIKE 'CREATE UNIQUE INDEX%'"
        )
        indexes = [str(sql) for (sql,) in connection.execute(asked, [name]).fetchall()]
        steps = [
            str(row[-1])
            for sql, values in statements
            if sql.startswith(("SELECT", "UPDATE", "DELETE")) and "sqlite_master" not in sql
            for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
        ]
    unique_keys = [_fields_of(sql, name) for sql in indexes]
    return [step for step in steps if _is_fault(step, query, unique_keys)]


def _fields_of(sql: str, collection: str) -> set[str]:
    """Return the fields of an index that the store has named `collection.field.field`."""
    return {*sql.split('"')[1].removeprefix(f"{collection}.").split(".")}


def _is_fault(step: str, query: Query, unique_keys: list[set[str]]) -> bool:
    if step.startswith("SCAN"):
        return "USING" not in step or not query.reads_a_page
    if "TEMP B-TREE" in step:
        sorts = "ORDER BY" in step and not query.sorts_one_value
        return sorts and not query.names_one(unique_keys)
    # From one id or number on, looking at each for what an equality could have found.
    walks = step.startswith("SEARCH") and "=?" not in step and "expires_at" not in step
    return walks and bool(query.equalities)


class MongoPlans(CommandListener):
    """Plans of a real MongoDB, in a database to which `prepare` adds the application's indexes."""

    def __init__(self, uri: str, prepare: Callable[[MongoStore], object]) -> None:
        client: pymongo.MongoClient[Document] = pymongo.MongoClient(
            uri, event_listeners=[self], **DURABLE
        )
        self._database = client.get_default_database()
        self._sent: list[Document] = []
        self._lock = threading.Lock()
        self._filled: set[str] = set()
        self.store = MongoStore(self._database)
        prepare(self.store)

    def close(self) -> None:
        self.store.close()

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in EXPLAINED:
            command = {k: v for k, v in event.command.items() if k not in OF_THE_SESSION}
            self._sent.append(command)

    def succeeded(self, event: object) -> None: ...

    def failed(self, event: object) -> None: ...

    def faults(self, query: Query) -> list[str]:
        with self._lock:
            self._fill(query.collection)
            self._sent.clear()
            _send(self.store.collection(query.collection), query)
            sent = list(self._sent)
        assert sent, "nothing was sent"
        plans = [
            self._database.command(
                "explain", command, verbosity="queryPlanner", codec_options=ANY_BOUNDS
            )
            for command in sent
        ]
        return [fault for plan in plans for fault in self._faults_of(plan, query)]

    def _fill(self, collection: str) -> None:
        """Add documents: MongoDB tries its plans out, and on an empty collection all are equally
        fast.
        """
        if collection not in self._filled:
            self._filled.add(collection)
            records = [{"_id": f"{number:032x}"} for number in range(FEW)]
            self._database[collection].insert_many(records)

    def _faults_of(self, plan: Document, query: Query) -> Iterator[str]:
        for stage in winning_stages(plan):
            if stage["stage"] == "COLLSCAN":
                yield "COLLSCAN"
            if stage["stage"] == "SORT" and not query.names_one(self._unique_keys(query)):
                yield f"SORT by {stage['sortPattern']}"
            if stage["stage"] == "IXSCAN" and not query.reads_a_page and _walks_all(stage):
                yield f"IXSCAN of all of {stage['indexName']}"

    def _unique_keys(self, query: Query) -> list[set[str]]:
        indexes = self._database[query.collection].index_information().values()
        return [{name for name, _ in index["key"]} for index in indexes if index.get("unique")]


def _send(documents: MongoDocuments, query: Query) -> None:
    options = {name: value for name, value in query.options.items() if name != "upsert"}
    if "ops" in options:
        options["ops"] = {"$set": {"touched": True}}
    getattr(documents, query.method)(filter=query.filter, **options)


def winning_stages(plan: Any) -> Iterator[Document]:
    if isinstance(plan, list):
        for part in plan:
            yield from winning_stages(part)
    elif isinstance(plan, dict):
        if isinstance(plan.get("stage"), str):
            yield plan
        for name, part in plan.items():
            if name != "rejectedPlans":
                yield from winning_stages(part)


def _walks_all(stage: Document) -> bool:
    ends = [bound for bounds in stage["indexBounds"].values() for bound in bounds]
    return all("MinKey" in end and "MaxKey" in end for end in ends)
