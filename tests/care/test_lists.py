from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from skinapi.accounts.auth import accounts
from skinapi.findings.records import stored_findings
from skinapi.model.context import Context
from tests.care.clinic import (
    REFERRAL,
    REVIEW,
    ROUTINE,
    URGENT,
    file_at,
    file_for,
    numbers,
    patient_of,
    review,
)
from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend

INVALID = (
    "after=x", "limit=1001", "reviewed=x", "who=1", "urgency=x",
    "unassigned=true&reviewed=true",
)  # fmt: skip
MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)


def test_the_queue_has_unreviewed_first_then_the_urgent_then_who_waits_longest(
    shared_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor = shared_backend.member(role="doctor")
    ada, ben = (patient_of(shared_backend, doctor, name) for name in ("Ada", "Ben"))

    def file(patient: Any, band: Any, day: int) -> int:
        return file_at(shared_backend, patient, band, MONDAY + timedelta(days=day), monkeypatch)

    late = file(ada, URGENT, 4)
    routine = file(ada, ROUTINE, 0)
    early = file(ben, URGENT, 1)
    referral = file(ben, REFERRAL, 0)
    done = file(ada, URGENT, 0)
    review(doctor, done)
    assert numbers(doctor, "/queue") == [early, late, referral, routine, done]
    assert numbers(doctor, "/queue?limit=2") == [early, late, referral, routine, done]
    assert numbers(doctor, "/queue?reviewed=false&limit=1") == [early, late, referral, routine]
    assert numbers(doctor, "/queue?reviewed=true") == [done]
    path = f"/patients/{shared_backend.account(ada.email).id}/submissions"
    # The newest is the one that was filed last: its id is not patched.
    assert numbers(doctor, path) == numbers(doctor, f"{path}?limit=1") == [routine, late, done]
    assert numbers(doctor, f"{path}?reviewed=true") == [done]


@pytest.mark.parametrize("passed", [1, 3])
def test_the_reviewed_findings_of_a_doctor_stand_between_those_of_others(
    any_backend: Backend, monkeypatch: pytest.MonkeyPatch, passed: int
) -> None:
    monkeypatch.setattr(stored_findings, "MOST_PASSED", passed)
    grey, other = (any_backend.member(role="doctor") for _ in range(2))
    ada, ben = patient_of(any_backend, grey), patient_of(any_backend, other)
    own = list[int]()
    for patient, doctor in [(ada, grey), *[(ben, other)] * 4, (ada, grey), (ben, other)]:
        number = file_for(any_backend, patient, ROUTINE).number
        review(doctor, number)
        own += [number] if doctor is grey else []
    file_for(any_backend, ada, ROUTINE)
    for query in ("", "&limit=1"):
        assert numbers(grey, f"/queue?reviewed=true{query}") == own[::-1]


def test_the_queue_tells_of_each_case_what_was_told_and_why_it_is_urgent(
    shared_backend: Backend,
) -> None:
    doctor = shared_backend.member(role="doctor")
    ada = patient_of(shared_backend, doctor)
    told = Context(age_band="45-59", body_site="back", body_laterality="left", sex="female")
    file_for(shared_backend, ada, URGENT, context=told)
    file_for(shared_backend, ada, ROUTINE)
    of_ada = f"/patients/{shared_backend.account(ada.email).id}/submissions"
    for path in ("/queue", of_ada):
        first, second = sorted(doctor.pages(path), key=lambda row: row["id"])
        assert (first["age_band"], first["body_site"]) == ("45-59", "back")
        assert (second["age_band"], second["body_site"]) == (None, None)
        sides = [(item["body_laterality"], item["body_side"]) for item in (first, second)]
        assert sides == [("left", None), (None, None)]
        whole = ada.call("GET", f"/submissions/{first['id']}").get_json()
        assert first["raised_by"] == whole["raised_by"]
        assert first["raised_by"]
        assert "sex" not in str(first)


def test_the_queue_of_one_urgency_has_all_of_that_and_none_else(shared_backend: Backend) -> None:
    doctor = shared_backend.member(role="doctor")
    ada = patient_of(shared_backend, doctor)
    made = {
        band: [file_for(shared_backend, ada, band).number for _ in range(3)]
        for band in (URGENT, REFERRAL, ROUTINE)
    }
    for numbers_of in made.values():
        review(doctor, numbers_of[0])  # as a melanoma: the decision is an urgent referral
    reviewed = [numbers_of[0] for numbers_of in made.values()][::-1]  # the newest first
    for query in ("", "&limit=1", "&limit=2"):
        urgent = numbers(doctor, f"/queue?urgency=urgent_referral{query}")
        assert urgent == [*made[URGENT][1:], *reviewed]
        routine = numbers(doctor, f"/queue?urgency=routine&reviewed=false{query}")
        assert routine == made[ROUTINE][1:]
        assert numbers(doctor, f"/queue?urgency=routine&reviewed=true{query}") == []
        again = numbers(doctor, f"/queue?urgency=urgent_referral&reviewed=true{query}")
        assert again == reviewed
    assert numbers(doctor, "/queue?urgency=doctor_review") == []


def test_a_reviewed_finding_is_listed_with_what_its_spot_asks_for(shared_backend: Backend) -> None:
    doctor = shared_backend.member(role="doctor")
    ada = patient_of(shared_backend, doctor)
    mole = file_for(shared_backend, ada, ROUTINE)
    review(doctor, mole.number, label="melanocytic_nevus", urgency="self_monitoring")
    file_for(shared_backend, ada, URGENT, lesion=mole.lesion)
    [row] = doctor.call("GET", "/queue?reviewed=true&urgency=urgent_referral").get_json()
    due = doctor.call("GET", f"/lesions/{mole.lesion}").get_json()["instruction"]["due"]
    assert (row["id"], row["urgency"], row["due"]) == (mole.number, URGENT, due)
    assert row["level"]["urgency"] == "self_monitoring"
    assert numbers(doctor, "/queue?reviewed=true&urgency=self_monitoring") == []


def test_a_patient_is_found_by_the_beginning_of_a_name_a_last_name_or_an_email(
    shared_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor, other = (shared_backend.member(role="doctor") for _ in range(2))
    lovelace, byron, turing = (
        patient_of(shared_backend, doctor, name)
        for name in ("Ada Lovelace", "Ada Byron", "Alan Turing")
    )
    patient_of(shared_backend, other, "Ada Nobody")
    shared_backend.member(name="Ada Alone")
    file_for(shared_backend, byron, URGENT)

    def found(text: str, limit: int = 1) -> list[str]:
        query = urlencode({"q": text, "limit": limit})
        return [item["email"] for item in doctor.pages(f"/patients?{query}")]

    for limit in (1, 2, 3):
        assert found("ada", limit) == [byron.email, lovelace.email]
        assert found("a", limit) == [byron.email, lovelace.email, turing.email]
    assert found("LOVE") == [lovelace.email]
    assert found(turing.email[:-3]) == [turing.email]
    assert found("ovelace") == found("Nobody") == found(".*") == found("Ada N") == []
    monkeypatch.setattr(accounts, "MOST_PATIENTS_FOUND", 1)
    answer = doctor.call("GET", "/patients?q=ada")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "too_many_found")
    assert found("LOVE") == [lovelace.email]


def test_patients_come_by_their_most_urgent_finding_without_a_review(
    shared_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor = shared_backend.member(role="doctor")
    names = ("none", "routine", "urgent, reviewed", "urgent", "urgent, longest")
    none, routine, seen, urgent, longest = (
        patient_of(shared_backend, doctor, name) for name in names
    )
    file_at(shared_backend, urgent, URGENT, MONDAY + timedelta(days=1), monkeypatch)
    first = file_at(shared_backend, longest, URGENT, MONDAY, monkeypatch)
    file_at(shared_backend, longest, REVIEW, MONDAY - timedelta(days=9), monkeypatch)
    file_at(shared_backend, routine, ROUTINE, MONDAY, monkeypatch)
    review(doctor, file_at(shared_backend, seen, URGENT, MONDAY, monkeypatch))
    shown = doctor.pages("/patients?limit=2")
    order = [longest.email, urgent.email, routine.email, none.email, seen.email]
    assert [item["email"] for item in shown] == order
    assert shown == doctor.call("GET", "/patients").get_json()
    assert shown[0] == {
        "_id": shared_backend.account(longest.email).id,
        "name": "urgent, longest",
        "email": longest.email,
        "waiting_band": "urgent_referral",
        "waiting_since": "2026-11-16T09:00:00Z",
        "waiting_submission": first,
        "waiting": [
            {
                "kind": kind,
                "since": "2026-11-16T09:00:00Z",
                "due_at": due,
                "overdue": True,
            }
            for kind, due in (
                ("review", "2026-11-19T09:00:00Z"),
                ("visit", "2026-11-24T00:00:00Z"),
            )
        ],
    }
    nothing = ("waiting_band", "waiting_since", "waiting_submission")
    assert {shown[-1][name] for name in nothing} == {None}


def test_the_queue_says_of_a_finding_what_its_answer_said(shared_backend: Backend) -> None:
    doctor = shared_backend.member(role="doctor")
    ada = patient_of(shared_backend, doctor)
    made = predicted(ada, keep_photo="true")
    (entry,) = doctor.call("GET", "/queue").get_json()
    assert (entry["id"], entry["_id"], entry["reviewed"]) == (made["id"], made["_id"], False)
    same = ("class", "confidence", "uncertain", "photo_kept")
    assert [entry[name] for name in same] == [made[name] for name in same]
    labels = made["band_label"], entry["level"]["words"]["en"]
    assert labels == ("See a doctor this week", "Urgent referral")
    assert entry["patient_email"] == ada.email
    assert doctor.call("GET", "/patients").get_json()[0]["waiting_submission"] == made["id"]


def test_what_a_stale_queue_still_holds_is_not_shown(shared_backend: Backend) -> None:
    doctor, other = shared_backend.member(role="doctor"), shared_backend.member(role="doctor")
    ada = patient_of(shared_backend, doctor)
    number = file_for(shared_backend, ada, URGENT).number
    for change in ({"doctor_id": shared_backend.account(other.email).id}, {"role": "doctor"}):
        shared_backend.edit(ada.email, **change)
        assert doctor.call("GET", "/queue").get_json() == []
        assert doctor.call("GET", "/patients").get_json() == []
    shared_backend.edit(ada.email, role="user")
    path = f"/patients/{shared_backend.account(ada.email).id}/submissions"
    assert numbers(other, path) == [number]
    (fault,) = shared_backend.services.findings.check_integrity()
    assert fault.repair
    fault.repair()
    assert numbers(other, "/queue") == [number]


@pytest.mark.parametrize("query", INVALID)
def test_an_invalid_query_is_refused(shared_backend: Backend, query: str) -> None:
    assert shared_backend.member(role="doctor").call("GET", f"/queue?{query}").status_code == 400
