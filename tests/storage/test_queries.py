"""Every query of the application, its sort included, is served by an index on both stores."""

import ast
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from skinapi.storage.ids import now
from skinapi.storage.ports import Document, Store
from tests.conftest import own_database
from tests.storage.query_plans import MongoPlans, SqlitePlans
from tests.stores.bulk_insert import fill
from tests.stores.known_queries import KNOWN, OTHER
from tests.stores.queries import ADAPTERS, METHODS, SOURCES, Query, Recorder
from tests.support.backends import Backend
from tests.support.openrouter import KEY

Plans = SqlitePlans | MongoPlans
RECORDS = 500
EXPIRING = {
    "deliveries",
    "guesses",
    "keys",
    "known_addresses",
    "narratives",
    "oidc_round_trips",
    "outbox",
    "password_links",
    "people_to_reach",
    "session_keys",
    "sessions",
    "shadow_results",
}
# Conditions that name no value.
UNTOLD = (None, {"$ne": None})
# Parts of unique keys: each document has a value of its own.
DISTINCT = {
    "email",
    "external",
    "identity",
    "secret",
    "number",
    "sequence",
    "code",
    "idempotency_key",
    "open_by",
    "pending",
    "hash",
    "facts_hash",
    "version",
    "sha256",
    "offset",
    "slot",
    "reference",
}


@pytest.fixture(scope="module")
def sqlite_plans(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlitePlans]:
    folder = tmp_path_factory.mktemp("plans")
    plans = SqlitePlans(folder)
    fill_store(plans.store, folder)
    yield plans
    plans.store.close()


@pytest.fixture(scope="module")
def mongo_plans(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plans]:
    plans = MongoPlans(own_database(mongo_uri))
    fill_store(plans.store, tmp_path_factory.mktemp("plans"))
    yield plans
    plans.store.close()


@pytest.fixture(params=["sqlite", "mongo"])
def plans(request: pytest.FixtureRequest) -> Plans:
    found: Plans = request.getfixturevalue(f"{request.param}_plans")
    return found


def fill_store(store: Store, folder: Path) -> None:
    """The application's indexes, and records enough that a planner has a choice."""
    Backend(folder, store, openrouter_api_key=KEY)
    store.collection("counters").delete({})
    for name in {query.collection for query in KNOWN}:
        fill(store, name, (document(name, number) for number in range(RECORDS)))


def document(collection: str, number: int) -> Document:
    """Every tenth has the value that the queries ask for. The ids of every third are below the one
    that a page begins behind, those of the others are above it.
    """
    made: Document = {"id": f"{number:032x}" if number % 3 else f"{'0' * 32}{number:x}"}
    for field, value in samples(collection).items():
        unlike = number % 10 or field in DISTINCT
        if isinstance(value, str):
            made[field] = f"{value}-{number}" if unlike else value
        elif isinstance(value, datetime):
            made[field] = value + timedelta(seconds=number) if unlike else value
        else:
            made[field] = value + number if unlike else value
    if collection in EXPIRING:
        made["expires_at"] = now() + timedelta(hours=1)
    return made


@cache
def samples(collection: str) -> Document:
    found: Document = {}
    for query in KNOWN:
        if query.collection == collection:
            asked = {**query.filter, query.options.get("field", "id"): "x"}
            told = {name: value for name, value in asked.items() if value not in UNTOLD}
            found |= {name: sample(value) for name, value in told.items()}
    return {name: value for name, value in found.items() if name != "id"}


def sample(condition: Any) -> Any:
    if isinstance(condition, dict) and [*condition] == ["$lt"] and condition["$lt"] == OTHER:
        return condition["$lt"][:1]  # below the bound, so that the condition finds some
    if isinstance(condition, dict) and isinstance(condition.get("$ne"), str):
        return f"not-{condition['$ne']}"  # likewise
    value = next(iter(condition.values())) if isinstance(condition, dict) else condition
    return value[0] if isinstance(value, list) else value


def test_an_index_serves_each_query_and_its_sort(plans: Plans) -> None:
    found = {query.shape: plans.faults(query) for query in KNOWN if not query.exempt}
    assert {shape: faults for shape, faults in found.items() if faults} == {}


def test_an_exemption_is_for_a_query_that_needs_it(sqlite_plans: SqlitePlans) -> None:
    for query in KNOWN:
        assert not query.exempt or sqlite_plans.faults(query), query


def test_every_index_serves_some_query(sqlite_plans: SqlitePlans) -> None:
    """One that serves none costs every write."""
    used = set().union(*(sqlite_plans.indexes_of(query) for query in KNOWN))
    used |= {f"{collection}.expires_at" for collection in EXPIRING}  # each insert reads it
    assert sqlite_plans.indexes() - used == set()


@pytest.mark.parametrize(
    "query",
    [
        Query("", "accounts", "find", {"name": "Ada"}, {"limit": 1}),
        Query("", "accounts", "count", {"name": "Ada"}),
        Query("", "accounts", "find", {"role": "user"}, {"sort": "name"}),
        Query("", "audit", "find", {}, {"sort": "-created_at", "limit": 1}),
        Query("", "audit", "find", {"phase": "outcome"}, {"sort": "-sequence", "limit": 1}),
        Query("", "audit", "update", {"phase": "intent"}, {"ops": {"$set": {"touched": True}}}),
        Query("", "audit", "delete", {"request_id": "x"}),
        Query("", "submissions", "find", {}, {"sort": "number"}),
    ],
    ids=lambda query: query.shape,
)
def test_a_query_without_an_index_is_found(plans: Plans, query: Query) -> None:
    assert plans.faults(query)


def test_every_call_of_the_port_is_listed_and_nothing_else() -> None:
    called, listed = calls_of_the_port(), Counter(query.sender for query in KNOWN)
    assert called.keys() == listed.keys()
    few = {sender: calls for sender, calls in called.items() if listed[sender] < calls}
    assert few == {}


def test_the_recorder_notes_who_asks_what(tmp_path: Path, recorder: Recorder) -> None:
    backend = Backend(tmp_path)
    recorder.sent.clear()
    admin = backend.member(role="admin")
    admin.call("GET", "/doctors")
    assert "auth/accounts.py Accounts.page_accounts accounts find role = limit" in recorder.sent
    backend.services.store.collection("accounts").find({"name": "asked by a test"})
    assert not [shape for shape in recorder.sent if "name" in shape]
    backend.services.store.close()


def calls_of_the_port() -> Counter[str]:
    """How often each function of the application calls a method of the port, by its source."""
    found: Counter[str] = Counter()
    for path in SOURCES.rglob("*.py"):
        module = path.relative_to(SOURCES).as_posix()
        text = path.read_text()
        opens = "Documents" in text or ".collection(" in text
        if opens and module not in (*ADAPTERS, "storage/ports.py"):
            tree = ast.parse(text)
            names = documents_in(tree)
            for sender, call in functions_calling(tree):
                if call.attr in METHODS and named(call.value) in names:
                    found[f"{module} {sender}"] += 1
    return found


def functions_calling(tree: ast.Module) -> Iterator[tuple[str, ast.Attribute]]:
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    holders = [("", tree.body), *((f"{node.name}.", node.body) for node in classes)]
    for prefix, body in holders:
        for function in [node for node in body if isinstance(node, ast.FunctionDef)]:
            for node in ast.walk(function):
                if isinstance(node, ast.Attribute):
                    yield prefix + function.name, node


def documents_in(tree: ast.Module) -> set[str]:
    """The names that hold a collection: opened here, or handed in as Documents."""
    found = {OPENED}
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and named(node.annotation) == "Documents":
            found.add(node.arg)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and named(node.value) in found:
            found |= {named(target) for target in node.targets}
    return found


def named(node: ast.AST | None) -> str:
    """`x` for x and for self.x; OPENED for `store.collection(...)`."""
    match node:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self"), attr=name):
            return name
        case ast.Call(func=ast.Attribute(attr="collection")):
            return OPENED
    return ""


OPENED = "(a collection)"
