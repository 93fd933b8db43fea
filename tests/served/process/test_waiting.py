from contextlib import suppress
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.errors import PyMongoError

from skinapi.base.errors import StoreRefused, StoreUnavailable
from skinapi.platform.stores import mongo_store
from skinapi.platform.stores.outage import TIMEOUTS
from skinapi.platform.stores.store_factory import open_store
from tests.served.server import Server, stopping
from tests.stores.mongod import Mongod, free_port, running_mongod
from tests.support.backends import settings_in


def test_a_host_that_refuses_or_has_no_name_is_named(tmp_path: Path) -> None:
    port = free_port()
    uri = f"mongodb://127.0.0.1:{port},nobody.invalid:27017/skin?replicaSet=rs0"
    with stopping(Server(tmp_path, {"MONGO_URI": uri}, workers=1)) as server:
        server.launch()
        server.await_words(f"127.0.0.1:{port}: it refuses connections")
        server.await_words("nobody.invalid:27017: no machine of this name is known")


@pytest.fixture(autouse=True)
def _timeouts_of_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of these tests waits until a timeout has passed, and the usual test timeouts are
    longer.
    """
    monkeypatch.setattr(mongo_store, "TIMEOUTS", TIMEOUTS)


def why_not(uri: str, folder: Path) -> StoreUnavailable:
    with pytest.raises(StoreUnavailable) as caught:
        open_store(settings_in(folder, mongo_uri=uri))
    return caught.value


def test_a_set_that_is_not_initiated_comes_with_its_two_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Mongod, "has_started", lambda _, client: answers(client))
    with running_mongod() as mongod:
        for query in ("directConnection=true", "replicaSet=rs0"):
            refused = why_not(f"mongodb://{mongod.address}/skin?{query}", tmp_path)
            assert f"{mongod.address}: its replica set is not initiated" in refused.detail
            for said in (
                f"{mongod.address}/?directConnection=true",
                "rs.initiate()",
                "rs.status().ok",
            ):
                assert said in refused.detail
            assert not isinstance(refused, StoreRefused)


def answers(client: "pymongo.MongoClient[Any]") -> bool:
    with suppress(PyMongoError):
        return bool(client.admin.command("ping"))
    return False


@pytest.mark.parametrize(
    ("user", "query", "words"),
    [
        ("", "replicaSet=other", "it belongs to the replica set rs0, and MONGO_URI asks for other"),
        ("ada:wrong@", "replicaSet=rs0", "it refuses the user or the password of MONGO_URI"),
    ],
)
def test_to_wait_cannot_help_for_another_set_or_a_wrong_password(
    tmp_path: Path, mongo_uri: str, user: str, query: str, words: str
) -> None:
    address = mongo_uri.partition("://")[2].partition("/")[0]
    refused = why_not(f"mongodb://{user}{address}/skin?{query}", tmp_path)
    assert isinstance(refused, StoreRefused)
    assert f"{address}: {words}" in refused.detail
    assert "wrong" not in refused.detail


def test_a_start_that_may_not_read_the_database_ends_with_2(tmp_path: Path) -> None:
    """Anybody may say hello to it: the user is missing in MONGO_URI, or has other rights."""
    with running_mongod(guarded=True) as mongod:
        uri = f"mongodb://{mongod.address}/skin?replicaSet=rs0"
        server = Server(tmp_path / "server", {"MONGO_URI": uri}, workers=1)
        server.launch()
        server.await_words(f"{mongod.address}: it does not let the user of MONGO_URI read the")
        assert server.await_end() == 2
