"""Stores that explain each statement they are about to run, as their own planner sees it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pymongo
from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo.monitoring import CommandListener, CommandStartedEvent

from skinapi.storage.files import FileBlobs
from skinapi.storage.mongo.mongo_store import DURABLE, MongoStore
from skinapi.storage.ports import Document
from skinapi.storage.sqlite.sqlite_store import SqliteStore
from tests.stores.queries import Query

EXPLAINED = {"find", "aggregate", "findAndModify", "delete", "update", "count"}
# What a command carries for the session that sent it: an explanation is no part of that.
OF_THE_SESSION = {"lsid", "txnNumber", "$db", "$clusterTime", "writeConcern", "maxTimeMS", "stmtId"}
# The bounds of an index may be dates that Python does not have.
ANY_DATE: CodecOptions[Document] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
T = TypeVar("T")


class SqlitePlans:
    def __init__(self, folder: Path) -> None:
        self.store = _ExplainingSqlite(folder / "test.db", FileBlobs(folder / "blobs"))
        self.store.make()
        self.store.plans = []

    def indexes(self) -> set[str]:
        """All that were asked for, but the unique ones: those are rules too."""
        return self._names("CREATE INDEX%")

    def indexes_of(self, query: Query) -> set[str]:
        steps = self._plan_of(query)
        return {name for name in self.indexes() if any(f" {name} " in f"{s} " for s in steps)}

    def faults(self, query: Query) -> list[str]:
        """What of this query's plan costs more with every record."""
        walks_in_order = not query.filter and bool(query.options.get("limit"))
        faults = []
        for step in self._plan_of(query):
            walk = step.startswith("SCAN") and "USING" in step and walks_in_order
            sort = "TEMP B-TREE" in step and not self._names_one(query)
            if (step.startswith("SCAN") and not walk) or sort or self._walks_range(step, query):
                faults.append(step)
        return faults

    def _plan_of(self, query: Query) -> list[str]:
        self.store.plans.clear()
        send(self.store.collection(query.collection), query)
        return list(self.store.plans)

    def _walks_range(self, step: str, query: Query) -> bool:
        """From one id or number on, looking at each for what an equality could have found."""
        found = step.startswith("SEARCH") and "=?" not in step and "expires_at" not in step
        return found and bool(equalities(query))

    def _names_one(self, query: Query) -> bool:
        """A single row is sorted for nothing."""
        keys = [name.partition(".") for name in self._names("CREATE UNIQUE INDEX%")]
        return any(
            collection == query.collection and equals(query, set(fields.split(".")))
            for collection, _, fields in keys
        )

    def _names(self, made: str) -> set[str]:
        with self.store.reading() as connection:
            asked = "SELECT name FROM sqlite_master WHERE sql LIKE ?"
            return {name for (name,) in connection.execute(asked, [made]).fetchall()}


class _ExplainingSqlite(SqliteStore):
    plans: list[str]

    @contextmanager
    def reading(self) -> Iterator[Any]:
        with super().reading() as connection:
            yield _Explaining(connection, self.plans)

    def write(self, act: Callable[[Any], T]) -> T:
        return super().write(lambda connection: act(_Explaining(connection, self.plans)))


class _Explaining:
    def __init__(self, connection: Any, plans: list[str]) -> None:
        self._connection = connection
        self._plans = plans

    def execute(self, sql: str, values: Any = ()) -> Any:
        if sql.startswith(("SELECT", "UPDATE", "DELETE")) and "sqlite_master" not in sql:
            rows = self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)
            self._plans += [row[-1] for row in rows.fetchall()]
        return self._connection.execute(sql, values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class MongoPlans(CommandListener):
    def __init__(self, uri: str) -> None:
        client: pymongo.MongoClient[Document] = pymongo.MongoClient(
            uri, event_listeners=[self], **DURABLE
        )
        self._database = client.get_default_database()
        self._sent: list[Document] = []
        self.store = MongoStore(self._database)

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in EXPLAINED:
            command = {k: v for k, v in event.command.items() if k not in OF_THE_SESSION}
            self._sent.append(command)

    def succeeded(self, event: object) -> None: ...

    def failed(self, event: object) -> None: ...

    def faults(self, query: Query) -> list[str]:
        self._sent.clear()
        send(self.store.collection(query.collection), query)
        sent = list(self._sent)
        assert sent, "nothing was sent"
        faults = []
        for command in sent:
            plan = self._database.command(
                "explain", command, verbosity="queryPlanner", codec_options=ANY_DATE
            )
            faults += self._faults_of(plan, query)
        return faults

    def _faults_of(self, plan: Document, query: Query) -> list[str]:
        walks_in_order = not query.filter and bool(query.options.get("limit"))
        faults = []
        for stage in winning_stages(plan):
            if stage["stage"] == "COLLSCAN":
                faults.append(f"COLLSCAN of {query.collection}")
            if stage["stage"] == "SORT" and not self._names_one(query):
                faults.append(f"SORT by {stage['sortPattern']}")
            if stage["stage"] == "IXSCAN" and not walks_in_order and walks_all(stage):
                faults.append(f"IXSCAN of all of {stage['indexName']}")
            if stage["stage"] == "IXSCAN" and equalities(query) and not finds_point(stage):
                faults.append(f"IXSCAN of a range of {stage['indexName']}")
        return faults

    def _names_one(self, query: Query) -> bool:
        indexes = self._database[query.collection].index_information().values()
        return any(
            equals(query, {name for name, _ in index["key"]})
            for index in indexes
            if index.get("unique")
        )


def send(documents: Any, query: Query) -> None:
    options = {**query.options}
    if query.method == "count_by":
        documents.count_by(options["field"], query.filter)
    elif query.method == "update":
        documents.update(query.filter, **options)
    else:
        getattr(documents, query.method)(query.filter, **options)


def equals(query: Query, fields: set[str]) -> bool:
    return fields <= equalities(query)


def equalities(query: Query) -> set[str]:
    return {name for name, value in query.filter.items() if not isinstance(value, dict | list)}


def winning_stages(plan: Any) -> Iterator[Document]:
    """Of the plan that won, wherever in the explanation it stands."""
    if isinstance(plan, list):
        for part in plan:
            yield from winning_stages(part)
    elif isinstance(plan, dict):
        if isinstance(plan.get("stage"), str):
            yield plan
        for name, part in plan.items():
            if name != "rejectedPlans":
                yield from winning_stages(part)


def finds_point(stage: Document) -> bool:
    """Whether the first field of the index is held to single values."""
    first = next(iter(stage["keyPattern"]))
    return all(
        start == end for start, end in (b[1:-1].split(", ", 1) for b in stage["indexBounds"][first])
    )


def walks_all(stage: Document) -> bool:
    ends = [bound for bounds in stage["indexBounds"].values() for bound in bounds]
    return all("MinKey" in end and "MaxKey" in end for end in ends)
