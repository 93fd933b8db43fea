from datetime import timedelta
from typing import Any

import pytest

from skinapi.app.integrity_check import check_integrity
from skinapi.care.messages import UnansweredMessages
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document
from skinapi.platform.web.headers import LEFT_OUT
from tests.care.clinic import (
    REVIEW,
    ROUTINE,
    URGENT,
    file_at,
    file_for,
    patient_in_care,
    patient_of,
)
from tests.support.backends import Backend, Person
from tests.support.reviews import review_of, sign_review

# A record of each collection that a spot is made of, and a field that it needs.
PARTS = {"lesions": "version", "submissions": "level", "reviews": "opinion"}
SIGNED = {"label": "melanocytic_nevus", "urgency": "routine"}


class DamagedSpot:
    def __init__(self, backend: Backend, collection: str, field: str | None = None) -> None:
        self.backend = backend
        self.doctor, self.ada = patient_in_care(backend)
        self.ben = patient_of(backend, self.doctor)
        self.first = file_for(backend, self.ada, REVIEW)
        self.spot = self.first.lesion
        file_for(backend, self.ada, ROUTINE, lesion=self.spot)
        assert sign_review(self.doctor, self.first.number, SIGNED).status_code == 201
        self.other = file_for(backend, self.ben, REVIEW).number
        self.rows = backend.services.store.collection(collection)
        [self.whole, *_] = self.rows.find({"id": self.spot} if collection != "reviews" else None)
        assert not queue(self.doctor)[1:]
        damage = {field or PARTS[collection]: "nonsense"}
        assert self.rows.update({"id": self.whole["id"]}, {"$set": damage})

    def mend(self) -> None:
        self.rows.delete({"id": self.whole["id"]})
        self.rows.insert(self.whole)


def queue(doctor: Person) -> list[Document]:
    return doctor.pages("/queue?reviewed=false")


@pytest.mark.parametrize("collection", PARTS)
def test_a_spot_with_a_damaged_record_is_urgent_in_the_doctors_lists(
    real_backend: Backend, collection: str
) -> None:
    case = DamagedSpot(real_backend, collection)
    assert LEFT_OUT in case.ada.call("GET", "/lesions").headers
    damaged, other = queue(case.doctor)
    assert (damaged["lesion"], damaged["urgency"]) == (case.spot, URGENT)
    assert (damaged["finding"], damaged["waiting"]["kind"]) == (None, "review")
    assert damaged["patient_email"] == case.ada.email
    assert other["id"] == case.other
    [listed] = case.doctor.pages(f"/queue?urgency={URGENT}")
    assert listed["lesion"] == case.spot
    assert case.doctor.pages("/waiting?kind=review")[0]["lesion"] == case.spot
    counts = case.doctor.call("GET", "/queue/counts").get_json()
    assert (counts["to_review"], counts["by_urgency"][URGENT]) == (2, 1)
    patients = case.doctor.pages("/patients")
    assert [item["email"] for item in patients] == [case.ada.email, case.ben.email]
    first = patients[0]
    assert (first["waiting_band"], first["waiting_submission"]) == (URGENT, None)
    assert [item["kind"] for item in first["waiting"]] == ["review"]


@pytest.mark.parametrize("collection", PARTS)
def test_a_write_to_a_spot_with_a_damaged_record_fails(
    real_backend: Backend, collection: str
) -> None:
    case = DamagedSpot(real_backend, collection)
    number, spot = case.first.number, f"/lesions/{case.spot}"
    body = review_of(SIGNED, spot_version=3)
    acts: list[tuple[Person, str, str, Any]] = [
        (case.doctor, "POST", f"/submissions/{number}/review", body),
        (case.ada, "PATCH", spot, {"place": {"site": "back"}}),
        (case.ada, "DELETE", f"/submissions/{number}", None),
        (case.ada, "DELETE", spot, None),
    ]
    for person, method, path, sent in acts:
        answer = person.call(method, path, json=sent)
        said = answer.status_code, answer.get_json()["code"]
        assert said == (500, "record_damaged"), (method, path)
    [damaged, _] = queue(case.doctor)
    assert damaged["lesion"] == case.spot, "the write that failed has said so"
    assert sign_review(case.doctor, case.other, SIGNED).status_code == 201


def test_damage_that_no_list_reads_is_found_when_the_finding_is_opened(
    real_backend: Backend,
) -> None:
    case = DamagedSpot(real_backend, "submissions", "sections")
    number = case.whole["number"]
    assert case.doctor.call("GET", f"/submissions/{number}").status_code == 500
    [damaged, _] = queue(case.doctor)
    assert (damaged["lesion"], damaged["urgency"]) == (case.spot, URGENT)
    refused = sign_review(case.doctor, case.first.number, SIGNED, spot_version=3)
    assert refused.get_json()["code"] == "record_damaged"
    path = f"/conversations/{case.spot}/messages"
    refused = case.ada.call("POST", path, json={"text": "It itches."})
    assert refused.get_json()["code"] == "record_damaged"
    [damaged, _] = queue(case.doctor)
    assert damaged["lesion"] == case.spot


@pytest.mark.parametrize("collection", PARTS)
def test_a_damaged_spot_is_urgent_until_a_doctor_signs_after_it_was_restored(
    real_backend: Backend, collection: str
) -> None:
    case = DamagedSpot(real_backend, collection)
    case.ada.call("GET", "/submissions")
    case.mend()
    [row, _] = queue(case.doctor)
    assert row["lesion"] == case.spot
    assert sign_review(case.doctor, case.first.number, SIGNED).status_code == 201
    assert [item["id"] for item in queue(case.doctor)] == [case.other]
    assert [fault.message for fault in check_integrity(real_backend.services)] == []


def test_a_damaged_spot_is_overdue_from_when_it_began_to_wait(
    real_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An urgent review is overdue after three days, another one after fourteen."""
    backend = real_backend
    doctor, patient = patient_in_care(backend)
    with monkeypatch.context() as patch:
        number = file_at(backend, patient, ROUTINE, now() - timedelta(days=5), patch)
    admin = backend.admin()
    assert admin.call("GET", "/admin/overview").get_json()["overdue"] == []
    rows = backend.services.store.collection("submissions")
    assert rows.update({"number": number}, {"$set": {"level": "nonsense"}})
    assert patient.call("GET", "/submissions").get_json() == []
    [overdue] = admin.call("GET", "/admin/overview").get_json()["overdue"]
    account = backend.account(doctor.email)
    said = {"kind": "review", "doctor": doctor.email, "name": account.name, "count": 1}
    assert overdue == said
    gauges = {
        gauge.labels: gauge.value
        for gauge in backend.services.gauges.measure_store()
        if gauge.name == "skinapi_overdue_spots"
    }
    assert gauges[(("kind", "review"),)] == 1


@pytest.mark.parametrize("collection", PARTS)
def test_a_check_finds_damaged_spots_that_nobody_has_read(
    real_backend: Backend, collection: str
) -> None:
    case = DamagedSpot(real_backend, collection)
    for fault in check_integrity(real_backend.services):
        if fault.repair:
            fault.repair()
    [damaged, _] = queue(case.doctor)
    assert damaged["lesion"] == case.spot


@pytest.mark.parametrize("collection", PARTS)
def test_a_damaged_spot_hides_no_message_about_another_spot_from_a_migration(
    real_backend: Backend, collection: str
) -> None:
    case = DamagedSpot(real_backend, collection)
    other = file_for(real_backend, case.ada, ROUTINE).lesion
    for about in (other, real_backend.account(case.ada.email).id):
        path = f"/conversations/{about}/messages"
        assert case.ada.call("POST", path, json={"text": "?"}).status_code == 201
    store = real_backend.services.store
    store.collection("waiting").delete({"kind": "answer"})
    store.collection("lesions").update_all({}, {"$unset": {"message_at": True}})
    unanswered = real_backend.services.container.get(UnansweredMessages)
    unanswered.note_all(real_backend.account(case.ada.email).id)
    rows = case.doctor.pages("/waiting?kind=answer")
    assert sorted(row["lesion"] or "" for row in rows) == ["", other]


def test_a_damaged_spot_of_a_patient_without_a_doctor_is_first_in_their_list(
    real_backend: Backend,
) -> None:
    backend = real_backend
    doctor, (ada, ben) = backend.member(role="doctor"), (backend.member() for _ in range(2))
    file_for(backend, ben, URGENT)
    broken = file_for(backend, ada, ROUTINE)
    store = backend.services.store
    assert store.collection("submissions").update({"id": broken.id}, {"$set": {"level": 0.5}})
    ada.call("GET", "/submissions")
    listed = doctor.pages("/queue?unassigned=true")
    assert {item.get("lesion") or item["id"] for item in listed} >= {broken.lesion}
    assert [item["urgency"] for item in listed] == [URGENT, URGENT]
    counts = doctor.call("GET", "/queue/counts").get_json()
    assert (counts["unassigned"]["spots"], counts["unassigned"]["urgent"]) == (2, 2)


def test_a_damaged_spot_is_in_the_queue_of_a_doctor_who_was_asked_about_it(
    real_backend: Backend,
) -> None:
    backend = real_backend
    doctor, ada = patient_in_care(backend)
    colleague, filed = backend.member(role="doctor"), file_for(backend, ada, ROUTINE)
    asked = {"colleague": colleague.email}
    doctor.call_ok("PUT", f"/submissions/{filed.number}/second-opinion", json=asked)
    path, given = f"/users/{ada.email}/doctor", {"doctor": colleague.email}
    backend.admin().call_ok("PUT", path, json=given)
    store = backend.services.store
    assert store.collection("submissions").update({"id": filed.id}, {"$set": {"level": 0.5}})
    ada.call("GET", "/submissions")
    [listed] = queue(colleague)
    assert (listed["lesion"], listed["urgency"]) == (filed.lesion, URGENT)
    assert colleague.call("GET", "/queue/counts").get_json()["to_review"] == 1
