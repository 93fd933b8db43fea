"""The check of plans, under which each test is, finds what no index serves on both stores."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from skinapi.platform.stores.sqlite_documents import SqliteDocuments
from skinapi.platform.stores.sqlite_store import SqliteStore
from tests.conftest import own_database
from tests.stores.query_plans import MongoPlans, PlanCheck, Query
from tests.support.backends import Backend

WITHOUT_AN_INDEX = [
    Query("accounts", "find", {"name": "Ada"}, {"limit": 1}),
    Query("accounts", "count", {"name": "Ada"}),
    Query("accounts", "find", {"role": "user"}, {"sort": "name"}),
    Query("audit", "find", {}, {"sort": "-created_at", "limit": 1}),
    Query("audit", "find", {"phase": "outcome"}, {"sort": "-sequence", "limit": 1}),
    Query("audit", "update", {"phase": "intent"}, {"ops": {"$set": {"touched": True}}}),
    Query("audit", "delete", {"request_id": "x"}),
    Query("submissions", "find", {}, {"sort": "band", "limit": 9}),
]


@pytest.fixture(scope="module")
def mongo_plans(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoPlans]:
    folder = tmp_path_factory.mktemp("plans")
    with closing(MongoPlans(own_database(mongo_uri), partial(Backend, folder))) as plans:
        yield plans


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> PlanCheck:
    check = PlanCheck()
    check.install(monkeypatch)
    return check


@pytest.mark.parametrize("query", WITHOUT_AN_INDEX, ids=lambda query: query.shape)
def test_sqlite_says_that_no_index_serves_a_query(
    check: PlanCheck, tmp_path: Path, query: Query
) -> None:
    documents = Backend(tmp_path).services.store.collection(query.collection)
    assert isinstance(documents, SqliteDocuments)
    check.faults.clear()
    check.send_to_sqlite(documents, query, getattr(SqliteDocuments, query.method))
    assert check.faults


@pytest.mark.parametrize("query", WITHOUT_AN_INDEX, ids=lambda query: query.shape)
def test_mongodb_says_that_no_index_serves_a_query(mongo_plans: MongoPlans, query: Query) -> None:
    assert mongo_plans.faults(query)


def test_a_request_whose_index_is_gone_is_found(
    check: PlanCheck, tmp_path: Path, plan_check: PlanCheck
) -> None:
    backend = Backend(tmp_path)
    admin, store = backend.member(role="admin"), backend.services.store
    assert isinstance(store, SqliteStore)
    store.write(lambda connection: connection.execute('DROP INDEX "audit.action.id"'))
    assert check.faults == []
    assert admin.call("GET", "/audit?action=photo.read").status_code == 200
    assert [fault for fault in check.faults if fault.startswith("audit find action =")]
    plan_check.faults.clear()
