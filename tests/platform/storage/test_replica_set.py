"""A replica set of three whose primary is cut off from the others and then lost."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from skinapi.base.errors import StoreUnavailable
from skinapi.platform.stores.mongo_store import MongoStore
from tests.stores.mongod import NoMongodError
from tests.stores.replica_set import ReplicaSet, running_replica_set


@pytest.fixture
def replica_set() -> Iterator[ReplicaSet]:
    try:
        with running_replica_set() as running:
            yield running
    except NoMongodError as error:
        pytest.skip(f"no mongod: {error}")


def test_every_collection_is_read_and_written_as_the_majority_has_it() -> None:
    with closing(MongoStore.at("mongodb://127.0.0.1:1")) as store:  # it does not connect yet
        documents = store.collection("things")._collection
    assert documents.read_concern.level == "majority"
    assert documents.write_concern.document == {"w": "majority", "j": True}


@pytest.mark.drill
def test_nothing_is_read_that_the_next_primary_may_not_have(replica_set: ReplicaSet) -> None:
    """Where a write was not acknowledged, a retry of its request looks whether it was done. What
    the primary alone has is no answer to that: it can be lost after the retry was told of it.
    """
    primary = replica_set.await_primary()
    replica_set.delay_elections()
    others = [member for member in replica_set.members if member is not primary]
    with closing(MongoStore.at(replica_set.uri)) as store:
        store.collection("things").insert({"id": "before", "schema": 1})
        for member in others:
            member.kill()
        with pytest.raises(StoreUnavailable):
            store.collection("things").insert({"id": "a", "schema": 1})
    assert primary.order({"count": "things"}, database="skinapi")["n"] == 2
    with closing(MongoStore.at(replica_set.uri)) as store:  # of the server that gets the retry
        told = store.collection("things").get("a")
    primary.kill()
    for member in others:
        member.start()
    replica_set.step_up(others[0])
    with closing(MongoStore.at(replica_set.uri)) as store:
        kept = store.collection("things").get("a")
    assert told == kept
    assert kept is None
