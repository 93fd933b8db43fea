"""Use cases that write are stopped before each of their commands. Afterwards everybody sees all of
the change or nothing, without any repair. Each act may also run twice.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest

from skinapi.base.area_parts import list_parts
from skinapi.platform.stores import mongo_transactions
from skinapi.platform.stores.mongo_store import MongoStore
from tests.conftest import own_database
from tests.stores.kills import Kills
from tests.support.backends import MAIL, Backend, store_of_kind
from tests.support.size import drill, size
from tests.use_cases import accounts, findings
from tests.use_cases.use_case import UseCase

# Of each kind some: with mails, with files, of many accounts, in several steps.
OF_AREAS = list_parts("use_cases", "tests")
USE_CASES = tuple(case for part in (accounts, findings, *OF_AREAS) for case in part.USE_CASES)
# In every run some of the points, other ones for each use case, on one of the stores. In the drill
# all points on both.
STRIDE = size(16, 1)
STORES = ("sqlite", "mongod")
RUNS = [
    (store, case)
    for place, case in enumerate(USE_CASES)
    for store in (STORES if drill else (STORES[place % 2],))
]


@pytest.fixture(scope="module")
def backends() -> Iterator[dict[str, Backend]]:
    """One backend per store for all its use cases, which prepare people and data of their own. A
    fixture with the store as its parameter would be rebuilt whenever the store changes.
    """
    opened: dict[str, Backend] = {}
    yield opened
    for backend in opened.values():
        backend.services.store.close()


@pytest.fixture
def backend(
    request: pytest.FixtureRequest,
    backends: dict[str, Backend],
    tmp_path_factory: pytest.TempPathFactory,
) -> Backend:
    kind = request.param
    if kind not in backends:
        folder = tmp_path_factory.mktemp("stopped")
        uri = own_database(request.getfixturevalue("mongo_uri")) if kind == "mongod" else None
        store = store_of_kind(kind, folder, uri)
        backends[kind] = Backend(folder, store, photos="consent", deletion_wait_days=28, **MAIL)
    return backends[kind]


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> Kills:
    made = Kills()
    made.install(monkeypatch)
    return made


@pytest.mark.parametrize(
    ("backend", "case"),
    RUNS,
    indirect=["backend"],
    ids=[f"{store}-{case.name}" for store, case in RUNS],
)
def test_a_kill_leaves_all_or_nothing_and_each_act_may_run_twice(
    backend: Backend, kills: Kills, case: UseCase
) -> None:
    prepared = case.prepare(backend)
    nothing = case.view(backend, prepared)
    with kills.counted():
        case.act(backend, prepared)
        points = kills.sent
    everything = case.view(backend, prepared)
    assert everything != nothing
    tried = range(len(case.name) % STRIDE, points, STRIDE)
    print(f"{case.name}: {points} commands, stopped before {len(tried)}")  # noqa: T201 (with -s)
    for point in tried:
        prepared = case.prepare(backend)
        with kills.before(point):
            case.act(backend, prepared)
        seen = case.view(backend, prepared)
        assert seen in (nothing, everything), f"half of it, where killed before command {point}"
    prepared = case.prepare(backend)
    with kills.each_act_twice():
        case.act(backend, prepared)
    assert case.view(backend, prepared) == everything


def test_a_conflict_that_does_not_end_asks_to_come_again(
    monkeypatch: pytest.MonkeyPatch, emptied_database_uri: str, tmp_path: Path
) -> None:
    """Another transaction holds the account all the time."""
    monkeypatch.setattr(mongo_transactions, "LONGEST_S", 0.3)
    store = MongoStore.at(emptied_database_uri)
    backend = Backend(tmp_path, store)
    root, ada = backend.member(role="admin"), backend.member()
    client: pymongo.MongoClient[Any]
    with (
        pymongo.MongoClient(emptied_database_uri) as client,
        client.start_session() as session,
        session.start_transaction(),
    ):
        accounts: Any = client.get_default_database()["accounts"]
        accounts.update_one({"email": ada.email}, {"$inc": {"revision": 1}}, session=session)
        answer = root.call("PUT", f"/users/{ada.email}/role", json={"role": "doctor"})
        assert (answer.status_code, answer.get_json()["code"]) == (503, "store_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        session.abort_transaction()
    assert backend.account(ada.email).role == "user"
    root.call_ok("PUT", f"/users/{ada.email}/role", json={"role": "doctor"})
    store.close()
