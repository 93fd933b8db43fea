from typing import Any

import pytest

from skinapi.app.composition.background import _find_recipient
from skinapi.platform.notices.outbox import Kind, Notice
from tests.care.clinic import URGENT, file_for, patient_in_care, patient_of
from tests.integrations.test_keys import made
from tests.privacy.test_moving_accounts import move_all
from tests.support.backends import MAIL, Backend, Person
from tests.support.reviews import mark_told, signed_review

MAILS = pytest.mark.parametrize("given", [MAIL])


def sign(doctor: Person, number: int, label: str | None = "melanoma", **more: Any) -> None:
    signed_review(doctor, number, {"label": label, "certainty": "sure", **more})


def file_one(backend: Backend, patient: Person) -> int:
    return file_for(backend, patient, URGENT).number


def to_tell(doctor: Person) -> dict[int, bool]:
    rows = doctor.pages("/waiting?kind=telling")
    return {row["finding"]["id"]: row["waiting"]["overdue"] for row in rows}


def to_review(doctor: Person) -> list[int]:
    return [row["finding"]["id"] for row in doctor.pages("/waiting?kind=review")]


def decide(backend: Backend, patient: Person, how: str) -> None:
    admin = backend.member(role="admin")
    admin.call_ok("PATCH", f"/users/{patient.email}/{how}")


def test_what_a_suspended_patient_has_not_opened_is_overdue_at_once(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    read, unread, mole = (file_one(backend, ada) for _ in range(3))
    for number in (read, unread):
        sign(grey, number)
    sign(grey, mole, "melanocytic_nevus", urgency="self_monitoring")
    assert ada.call("GET", f"/submissions/{read}").status_code == 200
    assert to_tell(grey) == {unread: False}
    decide(backend, ada, "suspend")
    assert to_tell(grey) == {unread: True}
    [row] = grey.pages("/waiting?kind=telling")
    assert row["patient_email"] == ada.email
    assert mark_told(grey, row["lesion"], unread).status_code == 200
    later = file_one(backend, ada)
    sign(grey, later)
    assert to_tell(grey) == {later: True}
    decide(backend, ada, "approve")
    assert to_tell(grey) == {later: False}


def test_an_urgent_photo_filed_for_a_suspended_patient_is_to_be_told_before_any_review(
    backend: Backend,
) -> None:
    grey, ada = patient_in_care(backend)
    decide(backend, ada, "suspend")
    filed = file_for(backend, ada, URGENT, by=backend.account(grey.email).id).number
    assert (to_tell(grey), to_review(grey)) == ({filed: True}, [filed])


def test_an_urgent_photo_of_a_patient_suspended_since_waits_for_review_and_then_for_telling(
    backend: Backend,
) -> None:
    """The patient who sent it has read the model's answer, but not the doctor's."""
    grey, ada = patient_in_care(backend)
    sent = file_one(backend, ada)
    decide(backend, ada, "suspend")
    assert (to_tell(grey), to_review(grey)) == ({}, [sent])
    assert [item["inactive"] for item in grey.pages("/queue")] == [True]
    sign(grey, sent)
    assert (to_tell(grey), to_review(grey)) == ({sent: True}, [])


@pytest.mark.parametrize("how", ["waiting", "refused"])
def test_a_patient_who_was_never_approved_is_to_be_told_at_once(backend: Backend, how: str) -> None:
    grey, ada = patient_in_care(backend)
    backend.edit(ada.email, status="waiting")
    if how == "refused":
        body = {"accounts": [backend.account(ada.email).id], "reason": "unknown_person"}
        assert backend.admin().call("POST", "/accounts/refusals", json=body).status_code == 200
    number = file_one(backend, ada)
    sign(grey, number)
    assert to_tell(grey) == {number: True}


class Hospital:
    def __init__(self, backend: Backend, system: str, **told: Any) -> None:
        self.backend, self.system = backend, system
        self.doctor, self.admin = backend.member(role="doctor"), backend.member(role="admin")
        self.key = made(self.admin, "/admin/keys", **told)[0]

    def send(self, value: str) -> Person:
        named = {"system": self.system, "value": value, "doctor": self.doctor.email}
        patient = self.key.call("POST", "/patients/external", json=named).get_json()["_id"]
        email = self.backend.services.data.accounts.get(patient).email
        return Person(self.doctor.client, "", email)


@pytest.mark.parametrize("shown", [True, False])
def test_an_external_patient_is_to_be_told_at_once_unless_their_system_has_read_it(
    backend: Backend, shown: bool
) -> None:
    """A read by a system that shows findings to its patients counts as opening."""
    east = Hospital(backend, "urn:east", shows_patients_of=["urn:east"] if shown else [])
    number = file_one(backend, east.send("1"))
    sign(east.doctor, number)
    assert to_tell(east.doctor) == {number: True}
    assert east.key.call("GET", f"/submissions/{number}").status_code == 200
    assert to_tell(east.doctor) == ({} if shown else {number: True})


def test_an_unopened_result_goes_along_when_all_spots_are_moved(backend: Backend) -> None:
    east = Hospital(backend, "urn:east")
    emptied, stays = east.send("1"), patient_of(backend, east.doctor)
    number = file_one(backend, emptied)
    sign(east.doctor, number)
    assert move_all(east.admin, emptied.email, stays.email).status_code == 200
    assert to_tell(east.doctor) == {number: False}
    assert stays.call("GET", f"/submissions/{number}").status_code == 200
    assert to_tell(east.doctor) == {}


def test_a_key_that_cannot_be_read_shows_nothing_and_stops_no_review(backend: Backend) -> None:
    east = Hospital(backend, "urn:east", shows_patients_of=["urn:east"])
    number = file_one(backend, east.send("1"))
    [key] = backend.stored()["keys"]
    backend.services.store.collection("keys").update({"id": key["id"]}, {"$set": {"name": 7}})
    sign(east.doctor, number)
    assert east.doctor.call("GET", f"/submissions/{number}").get_json()["no_access"]


def test_the_pages_say_that_a_suspended_patient_cannot_read(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    number = file_one(backend, ada)
    decide(backend, ada, "suspend")
    assert grey.call("GET", f"/submissions/{number}").get_json()["no_access"]
    [listed] = grey.call("GET", "/patients").get_json()
    [queued] = grey.call("GET", "/queue").get_json()
    assert listed["inactive"] is queued["inactive"] is True
    account = backend.account(ada.email).id
    refused = grey.call(
        "POST", f"/conversations/{account}/messages", json={"text": "Please call us."}
    )
    assert (refused.status_code, refused.get_json()["code"]) == (409, "patient_cannot_read")


@MAILS
@pytest.mark.parametrize("how", ["waiting", "refused"])
def test_no_mail_asks_to_log_in_who_cannot(backend: Backend, how: str) -> None:
    grey, ada = patient_in_care(backend)
    number = file_one(backend, ada)
    backend.edit(ada.email, status="waiting")
    if how == "refused":
        body = {"accounts": [backend.account(ada.email).id], "reason": "unknown_person"}
        assert backend.admin().call("POST", "/accounts/refusals", json=body).status_code == 200
    sign(grey, number)
    account = backend.account(ada.email).id
    recipient = _find_recipient(backend.services.data.accounts, account)
    assert recipient
    waiting = map(Notice.model_validate, backend.services.store.collection("outbox").find())
    to_ada = [item for item in waiting if item.account == account]
    assert Kind.NEWS in {item.kind for item in to_ada}
    gets = {item.kind for item in to_ada if recipient.gets(item)}
    assert gets == ({Kind.REFUSED} if how == "refused" else set())
