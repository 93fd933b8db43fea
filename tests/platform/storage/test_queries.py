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
    Query("accounts", "count", {"name": "Ada"}),
    Query("accounts", "find", {"role": "user"}, {"sort": "name"}),
    Query("audit", "find", {}, {"sort": "-created_at", "limit": 1}),
    Query("audit", "update", {"phase": "intent"}, {"ops": {"$set": {"touched": True}}}),
    Query("audit", "delete", {"request_id": "x"}),
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


def test_both_stores_say_that_no_index_serves_a_query(
    check: PlanCheck, mongo_plans: MongoPlans, tmp_path: Path
) -> None:
    store = Backend(tmp_path).services.store
    for query in WITHOUT_AN_INDEX:
        documents = store.collection(query.collection)
        assert isinstance(documents, SqliteDocuments)
        check.faults.clear()
        check.send_to_sqlite(documents, query, getattr(SqliteDocuments, query.method))
        assert check.faults, query.shape
        assert mongo_plans.faults(query), query.shape


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
