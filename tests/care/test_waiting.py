from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from skinapi.app.integrity_check import check_integrity
from skinapi.findings.records.stored_finding import Source
from skinapi.findings.records.waiting_spots import WaitingSpot
from skinapi.findings.status.waiting import WaitingKind
from tests.care.clinic import REVIEW, URGENT, file_for, patient_in_care, patient_of
from tests.care.conversation import Talk
from tests.support.backends import PASSWORD, Backend, Person
from tests.support.reviews import sign_review


def rows_of(backend: Backend) -> dict[tuple[WaitingKind, str | None], WaitingSpot]:
    faults = [fault.message for fault in check_integrity(backend.services)]
    assert [item for item in faults if "an admin" not in item] == []  # nobody has made that one
    return {(row.kind, row.lesion): row for row in backend.services.data.waiting.walk_all()}


def waits(doctor: Person) -> Mapping[str, Any]:
    counted = doctor.call("GET", "/queue/counts").get_json()["waiting"]
    return {kind: item["count"] for kind, item in counted.items() if item["count"]}


def test_the_oldest_message_without_an_answer_is_waited_for(any_backend: Backend) -> None:
    for about_a_spot in (True, False):
        talk = Talk(any_backend, about_a_spot=about_a_spot)
        lesion = talk.lesion if about_a_spot else None

        def since(lesion: str | None = lesion) -> datetime | None:
            row = rows_of(any_backend).get((WaitingKind.ANSWER, lesion))
            return row.began_at if row else None

        talk.sent(talk.ada, "It itches.")
        first = since()
        second = talk.sent(talk.ada, "It bleeds.")["_id"]
        assert first is not None
        assert since() == first
        talk.read(talk.grey, second)
        assert since() == first, "to read is not to answer"
        talk.sent(talk.ada, "And it grows.")
        talk.sent(talk.grey, "Please come.")
        last = since()
        assert last is not None
        assert last >= first
        assert talk.texts(talk.ada)
        talk.done(talk.grey)
        assert since() is None


def test_rows_go_to_the_next_doctor_and_with_the_account(any_backend: Backend) -> None:
    talk = Talk(any_backend)
    other = any_backend.member(role="doctor")
    number = file_for(any_backend, talk.ada, REVIEW).number
    talk.sent(talk.ada, "It itches.")
    waiting = {"review": 1, "answer": 1}
    assert waits(talk.grey) == waiting
    talk.assign(other)
    assert (waits(talk.grey), waits(other)) == ({}, waiting)
    sign_review(other, number, {"label": "melanocytic_nevus"})
    assert waits(other) == {"answer": 1}
    talk.assign(None)
    assert waits(other) == {}
    leaving = {"current_password": PASSWORD}
    assert talk.ada.call("DELETE", "/me", json=leaving).status_code == 200
    any_backend.services.erasure.begin_due()
    any_backend.services.erasure.finish_begun()
    assert any_backend.services.store.collection("waiting").count() == 0


def test_what_came_after_the_list_was_read_is_not_marked_as_told(any_backend: Backend) -> None:
    """Each row names the version of the spot that its doctor sees."""
    doctor, ada = patient_in_care(any_backend)
    first = file_for(any_backend, ada, REVIEW)
    sign_review(doctor, first.number, {"label": "melanoma"})
    told = f"/lesions/{first.lesion}/told"

    def read() -> Any:
        [row] = doctor.pages("/waiting?kind=telling")
        return {"spot_version": row["spot_version"]}

    seen = read()
    sign_review(doctor, first.number, {"label": "melanoma", "note": "Come today."})
    refused = doctor.call("POST", told, json=seen)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "spot_changed")
    assert refused.get_json()["spot"]["version"] == read()["spot_version"]
    assert any_backend.audit()[-1]["outcome"] == "spot_changed"
    assert ada.call("DELETE", f"/submissions/{first.number}").status_code == 200
    assert doctor.call("POST", told, json=read()).status_code == 200
    assert waits(doctor) == {"visit": 1}


@pytest.mark.parametrize("body", [{}, {"spot_version": None}])
def test_a_patient_is_marked_as_told_of_one_version_of_the_spot(
    backend: Backend, body: dict[str, None]
) -> None:
    doctor, ada = patient_in_care(backend)
    lesion = file_for(backend, ada, REVIEW).lesion
    answer = doctor.call("POST", f"/lesions/{lesion}/told", json=body)
    assert (answer.status_code, "spot_version" in answer.text) == (400, True)


def test_the_number_of_the_other_system_stands_beside_who_is_to_be_told(backend: Backend) -> None:
    """The archive sends the number. FHIR stores only a hash of it, so the key is named."""
    doctor, ada = patient_in_care(backend)
    bob = patient_of(backend, doctor)
    source = Source(
        patient_id="P-7",
        issuer_oid="2.16.840.1",
        study_uid="1",
        series_uid="1",
        sop_class_uid="1",
        sop_instance_uid="1",
    )
    for patient, external, sent in ((ada, "h1", source), (bob, "h2", None)):
        fields = {"external": external, "sent_by": "Archive"}
        accounts = backend.services.store.collection("accounts")
        accounts.update({"email": patient.email}, {"$set": fields})
        for _ in range(2):
            filed = file_for(backend, patient, URGENT, source=sent, by="f" * 32)
            sign_review(doctor, filed.number, {"label": "melanoma"})
    rows = doctor.pages("/waiting?kind=telling")
    assert len(rows) == 4
    numbers = {row["patient_email"]: row.get("patient_number") for row in rows}
    number = {"system": "urn:oid:2.16.840.1", "value": "P-7"}
    assert numbers == {ada.email: number, bob.email: None}
    assert {row["patient_sent_by"] for row in rows} == {"Archive"}
    others = doctor.pages("/waiting?kind=visit")
    assert others
    assert all("patient_number" not in row and "patient_sent_by" not in row for row in others)
