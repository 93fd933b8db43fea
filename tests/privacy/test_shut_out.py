"""Who is shut out, or whose record alone is kept, is said to be told by nothing that does not tell
them, and is reached by what holds now.
"""

from datetime import timedelta
from typing import Any

import pytest

from skinapi.app.composition.background import _find_recipient
from skinapi.findings.records.read_access import is_shut_out
from skinapi.platform.notices.outbox import Kind, Notice
from skinapi.platform.storage.ids import now
from tests.care.clinic import patient_of
from tests.integrations.test_keys import made
from tests.privacy.test_joining import join
from tests.privacy.test_people_to_reach import (
    AWAITED,
    TOLD,
    file_one,
    leave,
    sign,
    to_reach,
)
from tests.support.backends import MAIL, PASSWORD, Backend, Person
from tests.support.reviews import sign_review

REACH = "person_to_reach"
MAILS = pytest.mark.parametrize("given", [MAIL])
KEEPS = pytest.mark.parametrize("given", [{"record_retention": 10}])


def note_of(doctor: Person) -> list[tuple[str, str | None, bool]]:
    people = doctor.call("GET", "/people-to-reach").get_json()
    found = [item for person in people for item in person["findings"]]
    return [(item["why"], item["label"], item["suspected"]) for item in found]


def shut_out(backend: Backend, patient: Person, how: str) -> None:
    admin = backend.member(role="admin")
    answer = admin.call("PATCH", f"/users/{patient.email}/{how}")
    assert answer.status_code == 200, answer.text


def test_the_doctor_of_who_is_shut_out_is_to_tell_what_is_open_in_another_way(
    backend: Backend,
) -> None:
    grey = backend.member(role="doctor")
    ada = patient_of(backend, grey)
    read, unread, mole = (file_one(backend, ada) for _ in range(3))
    for number in (read, unread):
        sign(grey, number)
    sign(grey, mole, "melanocytic_nevus", urgency="self_monitoring")
    assert ada.call("GET", f"/submissions/{read}").status_code == 200
    shut_out(backend, ada, "suspend")
    assert to_reach(grey) == [(unread, "unopened")]
    [person] = grey.call("GET", "/people-to-reach").get_json()
    assert person["email"] == ada.email
    assert grey.call("POST", f"/people-to-reach/{person['_id']}/done", json=TOLD).status_code == 200
    later = file_one(backend, ada)
    sign(grey, later)
    found = to_reach(grey)
    assert (later, "unopened") in found
    assert mole not in {number for number, _ in found}


@pytest.mark.parametrize("role", ["doctor", "researcher"])
def test_what_a_doctor_has_signed_for_somebody_who_is_no_patient_any_more_is_told_too(
    backend: Backend, role: str
) -> None:
    grey, admin = backend.member(role="doctor"), backend.member(role="admin")
    ada = patient_of(backend, grey)
    number = file_one(backend, ada)
    sign(grey, number)
    trial = file_one(backend, ada)

    def become(wanted: str) -> None:
        answer = admin.call("PUT", f"/users/{ada.email}/role", json={"role": wanted})
        assert answer.status_code == 200, answer.text

    become(role)
    none = admin.call("PUT", f"/users/{ada.email}/doctor", json={"doctor": None})
    assert none.status_code in (200, 409), none.text
    shut_out(backend, ada, "suspend")
    assert to_reach(grey) == [(number, "unopened")]
    become("user")
    assert sorted(to_reach(grey)) == [(number, "unopened"), (trial, "unreviewed")]


def test_a_patient_of_another_system_who_is_shut_out_is_told_by_the_doctor_too(
    backend: Backend,
) -> None:
    grey, admin = backend.member(role="doctor"), backend.member(role="admin")
    record = made(admin, "/admin/keys", shows_patients_of=["urn:oid:2.999.1"])[0]
    named = {"system": "urn:oid:2.999.1", "value": "PAT-0815", "doctor": grey.email}
    patient = record.call("POST", "/patients/external", json=named).get_json()["_id"]
    ada = Person(grey.client, "", backend.services.data.accounts.get(patient).email)
    number, other = (file_one(backend, ada) for _ in "12")
    sign(grey, number)
    assert to_reach(grey) == []
    shut_out(backend, ada, "suspend")
    assert sorted(to_reach(grey)) == [(number, "unopened"), (other, "unreviewed")]
    assert grey.call("GET", f"/submissions/{other}/case").get_json()["telling"] == "none"
    unread = grey.call("POST", f"/patients/{patient}/messages", json={"text": "Please call us."})
    assert (unread.status_code, unread.get_json()["code"]) == (409, "patient_shut_out")
    assert admin.call("PATCH", f"/users/{ada.email}/approve").status_code == 200
    assert to_reach(grey) == []
    assert grey.call("GET", f"/submissions/{other}/case").get_json()["telling"] == "other_system"


class Hospital:
    """Another system, with patients in the care of a doctor of its own."""

    def __init__(self, backend: Backend, system: str, **told: Any) -> None:
        self.backend, self.system = backend, system
        self.doctor, self.admin = backend.member(role="doctor"), backend.member(role="admin")
        self.key = made(self.admin, "/admin/keys", **told)[0]

    def send(self, value: str) -> Person:
        named = {"system": self.system, "value": value, "doctor": self.doctor.email}
        patient = self.key.call("POST", "/patients/external", json=named).get_json()["_id"]
        email = self.backend.services.data.accounts.get(patient).email
        return Person(self.doctor.client, "", email)

    def join(self, gone: Person, stays: Person) -> None:
        answer = join(self.admin, gone.email, stays.email)
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("shown", [True, False], ids=["shown before", "shown to neither"])
def test_who_is_joined_into_an_account_that_nobody_shows_is_to_be_told(
    backend: Backend, *, shown: bool
) -> None:
    east = Hospital(backend, "urn:east", shows_patients_of=["urn:east"] if shown else [])
    west = Hospital(backend, "urn:west")
    gone, stays = east.send("1"), west.send("2")
    number = file_one(backend, gone)
    sign(east.doctor, number)
    assert to_reach(east.doctor) == ([] if shown else [(number, "unopened")])
    west.join(gone, stays)
    assert to_reach(west.doctor) == [(number, "unopened")]
    assert to_reach(east.doctor) == []


@MAILS
@pytest.mark.parametrize("shown", [True, False], ids=["shown before", "shown by none"])
def test_who_is_joined_into_an_account_that_logs_in_gets_the_mail_of_what_nobody_opened(
    backend: Backend, *, shown: bool
) -> None:
    east = Hospital(backend, "urn:east", shows_patients_of=["urn:east"] if shown else [])
    gone, stays = east.send("1"), patient_of(backend, east.doctor)
    number = file_one(backend, gone)
    sign(east.doctor, number)
    outbox = backend.services.store.collection("outbox")
    outbox.delete({"kind": "reviewed"})
    east.join(gone, stays)
    told = [(item["about"], item["account"]) for item in outbox.find({"kind": "reviewed"})]
    assert told == [(f"finding/{number}", backend.account(stays.email).id)]
    assert to_reach(east.doctor) == []


def test_who_stands_in_the_list_goes_with_a_number_though_another_system_shows_it_since(
    backend: Backend,
) -> None:
    east = Hospital(backend, "urn:east")
    ada = east.send("PAT-0815")
    number = file_one(backend, ada)
    sign(east.doctor, number)
    made(east.admin, "/admin/keys", shows_patients_of=["urn:east"])
    path, proof = f"/users/{ada.email}", {"current_password": PASSWORD}
    foreseen = east.admin.call("GET", f"{path}/deletion").get_json()
    assert foreseen["unsettled"] == {"unopened": 1}
    refused = east.admin.call("DELETE", path, json=proof)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "patient_number_needed")
    named = {"system": "urn:east", "value": "PAT-0815"}
    gone = east.admin.call("DELETE", path, json={**proof, "patient_number": named})
    assert gone.status_code == 200, gone.text
    [person] = east.doctor.call("GET", "/people-to-reach").get_json()
    assert person["number"] == named


def test_a_key_that_cannot_be_read_shows_nothing_and_stops_no_review(backend: Backend) -> None:
    east = Hospital(backend, "urn:east", shows_patients_of=["urn:east"])
    number = file_one(backend, east.send("1"))
    [key] = backend.stored()["keys"]
    backend.services.store.collection("keys").update({"id": key["id"]}, {"$set": {"name": 7}})
    said = {"label": "melanoma", "certainty": "sure"}
    answer = sign_review(east.doctor, number, said)
    assert (answer.status_code, answer.get_json()["telling"]["way"]) == (201, "none")


@MAILS
def test_who_is_let_in_again_is_told_by_mail_what_could_not_be_told_meanwhile(
    backend: Backend,
) -> None:
    grey, admin = backend.member(role="doctor"), backend.member(role="admin")
    ada = patient_of(backend, grey)
    number = file_one(backend, ada)
    shut_out(backend, ada, "suspend")
    sign(grey, number)
    assert to_reach(grey) == [(number, "unopened")]
    outbox = backend.services.store.collection("outbox")
    outbox.delete({"kind": "reviewed"})
    assert admin.call("PATCH", f"/users/{ada.email}/approve").status_code == 200
    assert to_reach(grey) == []
    waiting = outbox.find({"kind": "reviewed"})
    assert [item["about"] for item in waiting] == [f"finding/{number}"]


@MAILS
def test_who_is_shut_out_is_in_the_list_of_who_is_in_charge_now(backend: Backend) -> None:
    grey, blau = (backend.member(role="doctor") for _ in "12")
    ada = patient_of(backend, grey)
    number = file_one(backend, ada)
    sign(grey, number)
    shut_out(backend, ada, "suspend")
    backend.services.decisions.assign_doctor(email=ada.email, doctor=blau.email, by="-")
    assert (to_reach(grey), to_reach(blau)) == ([], [(number, "unopened")])
    told = [item["account"] for item in backend.stored()["outbox"] if item["kind"] == REACH]
    assert backend.account(blau.email).id in told


@MAILS
def test_what_a_joined_account_could_not_read_is_read_in_the_one_that_stays(
    backend: Backend,
) -> None:
    grey, admin = backend.member(role="doctor"), backend.member(role="admin")
    ada, stays = patient_of(backend, grey), patient_of(backend, grey)
    number = file_one(backend, ada)
    sign(grey, number)
    shut_out(backend, ada, "suspend")
    assert to_reach(grey) == [(number, "unopened")]
    assert join(admin, ada.email, stays.email).status_code == 200
    assert to_reach(grey) == []
    assert not is_shut_out(backend.account(ada.email))
    owed = [item["account"] for item in backend.stored()["outbox"] if item["kind"] == "reviewed"]
    assert backend.account(stays.email).id in owed


@pytest.mark.parametrize("stays_with", ["blau", None])
def test_a_finding_that_the_duplicate_had_deleted_is_told_by_the_doctor_of_the_one_that_stays(
    backend: Backend, stays_with: str | None
) -> None:
    grey, blau, third = (backend.member(role="doctor") for _ in range(3))
    ada = patient_of(backend, grey)
    stays = patient_of(backend, blau) if stays_with else backend.member()
    number = file_one(backend, ada)
    assert ada.call("DELETE", f"/submissions/{number}").status_code == 200
    assert to_reach(grey) == [(number, "unreviewed")]
    admin = backend.member(role="admin")
    assert join(admin, ada.email, stays.email).status_code == 200
    reader, other = (blau, grey) if stays_with else (grey, blau)
    assert to_reach(reader) == [(number, "unreviewed")]
    assert to_reach(other) == to_reach(third) == to_reach(admin) == []
    to = {"doctor": third.email}
    assert admin.call("PUT", f"/users/{stays.email}/doctor", json=to).status_code == 200
    assert (to_reach(reader), to_reach(third)) == ([], [(number, "unreviewed")])


def test_nothing_is_said_to_tell_who_is_shut_out(backend: Backend) -> None:
    grey = backend.member(role="doctor")
    ada = patient_of(backend, grey)
    number = file_one(backend, ada)
    shut_out(backend, ada, "suspend")
    assert grey.call("GET", f"/submissions/{number}/case").get_json()["telling"] == "none"
    assert grey.call("GET", f"/submissions/{number}").get_json()["no_access"]
    [listed] = grey.call("GET", "/patients").get_json()
    queued = grey.call("GET", "/queue").get_json()
    assert all(item["shut_out"] for item in (listed, *queued))
    cancer: dict[str, Any] = {"label": "melanoma", "certainty": "sure"}
    for opinion in (cancer, {"photo_wanted": True}):
        told = sign_review(grey, number, opinion).get_json()["telling"]
        assert told["way"] == "none"
        assert "Tell them in another way" in told["sentence"]
    account = backend.account(ada.email).id
    refused = grey.call("POST", f"/patients/{account}/messages", json={"text": "Please call us."})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "patient_shut_out")


@KEEPS
@pytest.mark.parametrize("result", ["melanoma", "melanocytic_nevus"])
def test_the_list_says_the_result_that_came_after_the_account_was_deleted(
    backend: Backend, result: str
) -> None:
    grey, weber = (backend.member(role="doctor") for _ in "12")
    ada = patient_of(backend, grey)
    number = file_one(backend, ada)
    sign(grey, number, **AWAITED)
    backend.services.decisions.assign_doctor(email=ada.email, doctor=weber.email, by="-")
    assert ada.call("GET", f"/submissions/{number}").status_code == 200
    leave(ada)
    assert note_of(weber) == [("awaited", "melanoma", True)]
    said = {"label": result, "certainty": "laboratory"}
    answer = sign_review(weber, number, said)
    assert answer.status_code == 201, answer.text
    assert note_of(weber) == note_of(grey) == [("unopened", result, False)]


@KEEPS
def test_who_waits_for_a_result_stays_in_the_list_until_it_is_signed_and_told(
    backend: Backend,
) -> None:
    grey = backend.member(role="doctor")
    ada = patient_of(backend, grey)
    awaited, unread, read = (file_one(backend, ada) for _ in "123")
    sign(grey, awaited, **AWAITED)
    for number in (unread, read):
        sign(grey, number, "melanocytic_nevus", urgency="referral")
    assert ada.call("GET", f"/submissions/{read}").status_code == 200
    leave(ada)

    def end() -> int:
        [person] = grey.call("GET", "/people-to-reach").get_json()
        assert (person["name"], person["email"]) == ("Ada Example", ada.email)
        done = grey.call("POST", f"/people-to-reach/{person['_id']}/done", json=TOLD)
        return done.status_code

    assert {*to_reach(grey)} == {(awaited, "awaited"), (unread, "unopened")}
    assert (end(), to_reach(grey)) == (200, [(awaited, "awaited")])
    assert (end(), to_reach(grey)) == (409, [(awaited, "awaited")])
    sign(grey, awaited, "melanoma", certainty="laboratory")
    assert ("unopened", "melanoma", False) in note_of(grey)
    assert (end(), to_reach(grey)) == (200, [])
    sign(grey, read)
    assert ("unopened", "melanoma", True) in note_of(grey), "graver than what was read"


@KEEPS
def test_a_sample_of_a_kept_record_whose_doctor_is_deleted_waits_with_nobodys_patients(
    backend: Backend,
) -> None:
    grey, weber, stranger = (backend.member(role="doctor") for _ in "123")
    ada = patient_of(backend, grey)
    awaited, settled = (file_one(backend, ada) for _ in "12")
    sign(grey, awaited, **AWAITED)
    sign(grey, settled, "melanocytic_nevus", urgency="self_monitoring")
    account = backend.account(ada.email).id
    leave(ada)
    boss = backend.member(role="admin")
    assert boss.call("DELETE", f"/doctors/{grey.email}").status_code == 200
    [left] = weber.pages("/queue?unassigned=true")
    assert (left["id"], left["waits_for"]) == (awaited, ["telling", "result"])
    assert left["record_kept_until"]
    assert weber.call("GET", f"/submissions/{settled}").status_code == 404
    assert weber.call("PUT", f"/patients/{account}/doctor").status_code == 200
    [row] = weber.pages("/waiting?kind=result")
    assert row["finding"]["id"] == awaited
    assert stranger.pages("/queue?unassigned=true") == []
    assert stranger.call("GET", f"/submissions/{awaited}").status_code == 404


def test_nobody_is_to_be_told_of_what_was_entered_in_error(backend: Backend) -> None:
    grey = backend.member(role="doctor")
    ada = patient_of(backend, grey)
    wrong, own = (file_one(backend, ada) for _ in "12")
    for number in (wrong, own):
        sign(grey, number)
    shut_out(backend, ada, "suspend")
    for number, left in ((wrong, [(own, "unopened")]), (own, [])):
        answer = grey.call(
            "POST",
            f"/submissions/{number}/entered-in-error",
            json={"reason": "It is of another patient"},
        )
        assert answer.status_code == 200, answer.text
        assert to_reach(grey) == left


@MAILS
@pytest.mark.parametrize("how", ["waiting", "refused"])
def test_no_mail_asks_to_log_in_who_cannot(backend: Backend, how: str) -> None:
    grey = backend.member(role="doctor")
    ada = patient_of(backend, grey)
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
    assert Kind.REVIEWED in {item.kind for item in to_ada}
    gets = {item.kind for item in to_ada if recipient.gets(item)}
    assert gets == ({Kind.REFUSED} if how == "refused" else set())


@pytest.mark.parametrize("given", [{"deletion_wait_days": 3}])
def test_a_deletion_that_nobody_could_take_back_waits_for_the_suspension_to_end(
    backend: Backend,
) -> None:
    ada = patient_of(backend, backend.member(role="doctor"))
    leave(ada)
    shut_out(backend, ada, "suspend")
    erasure = backend.services.erasure
    backend.edit(ada.email, deletion_due_at=now() - timedelta(seconds=1))
    erasure.begin_due()
    assert backend.account(ada.email).status == "suspended"
    shut_out(backend, ada, "approve")
    due_at = backend.account(ada.email).deletion_due_at
    assert due_at is not None
    assert due_at > now() + timedelta(days=2)
    again = backend.log_in(ada.email)
    assert again.call("DELETE", "/me/deletion").status_code == 200


def test_who_is_deleted_after_a_suspension_is_listed_once_for_each_finding(
    backend: Backend,
) -> None:
    grey, admin = backend.member(role="doctor"), backend.member(role="admin")
    ada = patient_of(backend, grey)
    number = file_one(backend, ada)
    sign(grey, number)
    shut_out(backend, ada, "suspend")
    backend.services.admin.delete_user(email=ada.email, by=backend.account(admin.email).id)
    assert to_reach(grey) == [(number, "unopened")]
