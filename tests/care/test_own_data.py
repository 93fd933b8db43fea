"""How much is stored about a person, for that person alone. All of it: tests/privacy."""

from datetime import timedelta
from typing import Any

from skinapi.platform.storage.ids import now
from tests.care.conversation import Talk
from tests.care.test_letters import Practice
from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend, Person


def summary(person: Person) -> dict[str, Any]:
    told: dict[str, Any] = person.call("GET", "/me/data/summary").get_json()
    return told


def test_what_a_person_sees_is_counted(any_backend: Backend) -> None:
    practice = Practice(any_backend)
    ada = practice.ada
    practice.sign(practice.draft())
    practice.draft()  # which nobody else sees
    predicted(ada, keep_photo="false")
    spot = ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    body = {"text": "Does it itch?"}
    assert practice.doctor.call("POST", f"/lesions/{spot}/messages", json=body).status_code == 201
    counted = {"findings": 2, "photos": 1, "spots": 1, "letters": 1, "messages": 1}
    since = ada.call("GET", "/me").get_json()["created_at"]
    assert summary(ada) == {**counted, "since": since}


def test_nobody_elses_is_counted(backend: Backend) -> None:
    talk, other = Talk(backend), Talk(backend)
    other.sent(other.ada, "nobody else's words")
    predicted(other.ada)
    assert summary(talk.ada)["findings"] == 0
    assert summary(talk.grey)["messages"] == 0


def test_what_a_doctor_holds_back_is_not_counted(backend: Backend) -> None:
    practice = Practice(backend, reviewed=False)
    until = (now() + timedelta(days=2)).isoformat()
    practice.review("melanoma", urgency="urgent_referral", hold_until=until)
    practice.sign(practice.draft())
    assert summary(practice.ada)["letters"] == 0
