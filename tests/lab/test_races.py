"""A data set is not deleted, and not made the reference, under a training that begins just then."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from skinapi.jobs.queue import Jobs
from skinapi.lab.datasets import SILENT_FOR, Datasets
from skinapi.storage.ids import now
from tests.backends import Backend, Person
from tests.lab.sending import labelled, send, upload, zipped
from tests.size import size


@pytest.fixture
def ada(backend: Backend) -> Person:
    return backend.member(role="researcher")


@pytest.fixture
def moles(ada: Person) -> str:
    return moles_of(ada)


def moles_of(person: Person) -> str:
    return str(send(person, [upload(person, zipped(labelled(30)))], name="moles")["id"])


def train(person: Person) -> Any:
    return person.call("POST", "/api/start-training", json={"dataset_name": "moles"})


def before_call(
    monkeypatch: pytest.MonkeyPatch, holder: object, name: str, act: Callable[[], Any]
) -> None:
    """Do this once, just before the method is called for the first time."""
    original, left = getattr(holder, name), [act]

    def call(*args: Any, **options: Any) -> Any:
        if left:
            left.pop()()
        return original(*args, **options)

    monkeypatch.setattr(holder, name, call)


@pytest.mark.parametrize(
    ("method", "path", "status"), [("DELETE", "", 404), ("POST", "/reference", 422)]
)
def test_a_training_that_begins_too_late_is_refused_and_its_job_cancelled(
    backend: Backend,
    ada: Person,
    moles: str,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    status: int,
) -> None:
    """It found the data set, and its job is stored after the change."""
    admin = backend.admin()

    def change() -> None:
        assert admin.call(method, f"/datasets/{moles}{path}").status_code == 200

    before_call(monkeypatch, Jobs, "add", change)
    assert train(ada).status_code == status
    assert [job.status for job in backend.services.jobs.find(owner=None, limit=9, after=None)] == [
        "cancelled"
    ]


def test_a_data_set_is_kept_where_a_training_began_before_the_deletion(
    backend: Backend, ada: Person, moles: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deletion had seen no job yet."""
    before_call(monkeypatch, Datasets, "begin_deletion", lambda: train(ada))
    refused = ada.call("DELETE", f"/datasets/{moles}")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "dataset_in_use")
    assert ada.call("GET", f"/datasets/{moles}").get_json()["status"] == "published"
    assert len(backend.services.jobs.unfinished_requests()) == 1


def test_the_reference_stays_where_a_training_began_before_the_choice(
    backend: Backend, ada: Person, moles: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = backend.admin()
    first = send(ada, [upload(ada, zipped(labelled(2, 40)))], name="first")["id"]
    assert admin.call("POST", f"/datasets/{first}/reference").status_code == 200
    before_call(monkeypatch, Datasets, "set_reference", lambda: train(ada))
    assert admin.call("POST", f"/datasets/{moles}/reference").status_code == 409
    assert [one["id"] for one in ada.pages("/datasets") if one["reference"]] == [first]


def test_of_a_deletion_and_a_training_at_the_same_moment_one_succeeds_at_most(
    backend: Backend, ada: Person
) -> None:
    for _ in range(size(2, 30)):
        moles = moles_of(ada)
        callers = [Person(backend.app.test_client(), ada.token) for _ in range(2)]
        with ThreadPoolExecutor(2) as pool:
            deleted = pool.submit(callers[0].call, "DELETE", f"/datasets/{moles}")
            begun = pool.submit(train, callers[1])
        assert {deleted.result().status_code, begun.result().status_code} != {200}
        owner = backend.account(ada.email).id
        backend.services.jobs.forget(owner)
        backend.services.datasets.forget(owner)


def test_an_interrupted_deletion_hides_the_data_set_and_is_finished(
    backend: Backend, ada: Person, moles: str
) -> None:
    datasets = Datasets(backend.services.store)
    datasets.begin_deletion(datasets.by_id(moles))
    assert ada.pages("/datasets") == []
    assert ada.call("GET", f"/datasets/{moles}").status_code == 404
    assert ada.call("GET", f"/datasets/{moles}/images").status_code == 404
    assert train(ada).status_code == 404
    silent = {"$set": {"touched_at": now() - 2 * SILENT_FOR}}
    backend.services.store.collection("datasets").update({"id": moles}, silent)
    upload(ada, b"anything")
    assert backend.services.store.collection("images").find() == []
