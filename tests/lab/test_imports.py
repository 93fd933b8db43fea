from typing import Any

import pytest

from tests.lab.sending import upload
from tests.support.backends import Backend, Person

ASKED = {"labels": ["mel", "nv"], "scaling": "tf"}


def ask(person: Person, identifier: str, **said: Any) -> tuple[int, dict[str, Any]]:
    answer = person.call("POST", "/models", json={"upload": identifier, **ASKED, **said})
    return answer.status_code, answer.get_json()


def test_an_upload_becomes_a_job(backend: Backend) -> None:
    person = backend.member(role="researcher")
    identifier = upload(person, b"PK", "My net.KERAS")
    status, job = ask(person, identifier, side=64, licence="CC0")
    assert (status, job["kind"], job["status"]) == (202, "import", "queued")
    assert job["request"] == {
        "upload": identifier, "labels": ["mel", "nv"], "scaling": "tf", "side": 64, "licence": "CC0"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "status", "says"),
    [
        ({"labels": ["mel", "freckle"]}, 422, "freckle"),
        ({"labels": ["mel", "bcc"]}, 422, "benign"),
        ({"labels": ["mel", "melanoma"]}, 422, "twice"),
        ({"labels": ["mel"]}, 400, "labels"),
        ({"scaling": "sometimes"}, 400, "scaling"),
        ({"side": 10**6}, 400, "side"),
        ({"side": float("nan")}, 400, "side"),
        ({"pickle": True}, 400, "pickle"),
    ],
)
def test_what_cannot_be_served_is_refused_before_a_job_is_queued(
    backend: Backend, said: dict[str, Any], status: int, says: str
) -> None:
    person = backend.member(role="researcher")
    found, body = ask(person, upload(person, b"PK", "a.keras"), **said)
    assert found == status
    assert says in body["detail"]
    assert person.call("GET", "/jobs").get_json() == []


def test_only_a_whole_upload_of_ones_own_with_a_known_ending_is_imported(backend: Backend) -> None:
    person = backend.member(role="researcher")
    begun = person.call("POST", "/uploads", json={"name": "a.keras", "size": 5}).get_json()["id"]
    assert ask(person, begun)[0] == 400
    status, body = ask(person, upload(person, b"PK", "a.pkl"))
    assert (status, ".keras or .h5" in body["detail"]) == (400, True)
    assert ask(backend.member(role="researcher"), upload(person, b"PK", "a.keras"))[0] == 404
    assert ask(person, "0" * 26)[0] in (400, 404)
