from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from skinapi.lab.datasets import uploads
from skinapi.lab.datasets.dataset_versions import Datasets
from skinapi.lab.service import DatasetsService
from skinapi.platform.storage.ids import now
from tests.lab.sending import DEADLINE_S, await_check, labelled, upload, zipped
from tests.support.backends import Backend, Person, both, twin
from tests.support.waiting import await_

KEY = {"Idempotency-Key": "visit-7"}
FILE = {"name": "a.zip", "size": 5}
MODEL = {"labels": ["mel", "nv"], "scaling": "tf"}


def post(person: Person, sent: str, **said: Any) -> TestResponse:
    body = {"name": "moles", "uploads": [sent], **said}
    return person.call("POST", "/datasets", json=body, headers=KEY)


def test_the_same_request_gets_the_same_data_set(backend: Backend) -> None:
    person = backend.member(role="researcher")
    sent = upload(person, zipped(labelled(3)))
    first, again = post(person, sent), post(person, sent)
    assert (first.status_code, again.status_code) == (202, 202)
    identifier = first.get_json()["id"]
    assert again.get_json()["id"] == identifier
    assert await_check(person, identifier)["status"] == "published"
    await_gone(person, sent)  # just after its publication
    late = post(person, sent)
    assert (late.status_code, late.get_json()["id"]) == (202, identifier)
    assert [item["id"] for item in person.pages("/datasets")] == [identifier]


def await_gone(person: Person, upload: str) -> None:
    await_(lambda: person.call("GET", f"/uploads/{upload}").status_code == 404, within=DEADLINE_S)


def test_of_two_at_the_same_time_one_makes_a_data_set(real_backend: Backend) -> None:
    person = real_backend.member(role="researcher")
    other = twin(real_backend, person)
    sent = upload(person, zipped(labelled(3)))
    with real_backend.services.get(DatasetsService).checks.now():
        answers = both(lambda: post(person, sent), lambda: post(other, sent))
        assert [answer.status_code for answer in answers] == [202, 202]
        [made] = real_backend.services.store.collection("datasets").find()
        assert {answer.get_json()["id"] for answer in answers} == {made["id"]}
    assert await_check(person, made["id"])["status"] == "published"


def test_one_that_is_being_deleted_is_gone(backend: Backend) -> None:
    person = backend.member(role="researcher")
    sent = upload(person, zipped(labelled(3)))
    identifier = post(person, sent).get_json()["id"]
    await_check(person, identifier)
    Datasets(backend.services.store).begin_deletion(identifier)
    assert post(person, sent).status_code == 404


def announce(person: Person, **said: Any) -> TestResponse:
    return person.call("POST", "/uploads", json={**FILE, **said}, headers=KEY)


def import_(person: Person, sent: str, **said: Any) -> TestResponse:
    return person.call("POST", "/models", json={"upload": sent, **MODEL, **said}, headers=KEY)


def test_an_upload_is_announced_once(backend: Backend) -> None:
    ada, bob = (backend.member(role="researcher") for _ in range(2))
    first, again = announce(ada), announce(ada)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.get_json() == first.get_json()
    other = announce(ada, size=6)
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_key_reused")
    assert announce(bob, size=6).status_code == 201
    identifier = first.get_json()["id"]
    assert ada.call("DELETE", f"/uploads/{identifier}").status_code == 200
    assert announce(ada).get_json()["id"] != identifier


def test_an_import_is_queued_once(backend: Backend) -> None:
    person = backend.member(role="researcher")
    sent = upload(person, b"PK", "a.keras")
    first = import_(person, sent)
    assert first.status_code == 202
    person.call("DELETE", f"/uploads/{sent}")  # as the job does at its end
    again = import_(person, sent)
    assert (again.status_code, again.get_json()["id"]) == (202, first.get_json()["id"])
    assert len(person.call("GET", "/jobs").get_json()) == 1
    other = import_(person, sent, licence="CC0")
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_key_reused")


def test_of_two_announcements_at_the_same_time_one_makes_an_upload(real_backend: Backend) -> None:
    person = real_backend.member(role="researcher")
    other = twin(real_backend, person)
    answers = both(lambda: announce(person), lambda: announce(other))
    assert [answer.status_code for answer in answers] == [201, 201]
    [made] = real_backend.services.store.collection("uploads").find()
    assert {answer.get_json()["id"] for answer in answers} == {made["id"]}


def test_the_key_of_an_expired_upload_begins_a_new_one(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "SWEPT_AT_ONCE", 1)
    person = backend.member(role="researcher")
    assert person.call("POST", "/uploads", json=FILE).status_code == 201
    expired = announce(person).get_json()["id"]
    for place, found in enumerate(backend.services.store.collection("uploads").find(sort="id")):
        late = {"$set": {"expires_at": now() - timedelta(minutes=2 - place)}}
        backend.services.store.collection("uploads").update({"id": found["id"]}, late)
    again = announce(person).get_json()["id"]
    assert again != expired
    assert person.call("GET", f"/uploads/{again}").status_code == 200
