from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from skinapi.app.integrity_check import check_integrity
from skinapi.model.conditions import Band
from skinapi.platform.storage.ids import made_at
from tests.care.clinic import REVIEW, ROUTINE, URGENT, file_for, patient_in_care
from tests.care.test_inbox import inbox
from tests.care.test_lesions import begin
from tests.findings.records.test_races import Call, overlapped, overlapped_back
from tests.support.backends import Backend, Person
from tests.support.reviews import review_of, sign_review

SELF = list(Band)[-1]
MOLE = {"label": "melanocytic_nevus", "certainty": "sure", "urgency": SELF}


def delete(person: Person, number: int) -> None:
    assert person.call("DELETE", f"/submissions/{number}").status_code == 200


def delete_spot(person: Person, spot: str) -> None:
    assert person.call("DELETE", f"/lesions/{spot}").status_code == 200


def require_listed(backend: Backend, doctor: Person, ada: Person, spot: str) -> Any:
    path = f"/patients/{backend.account(ada.email).id}/lesions"
    [own], [of_patient] = ada.pages("/lesions"), doctor.pages(path)
    assert own == ada.call("GET", f"/lesions/{spot}").get_json()
    assert of_patient == doctor.call("GET", f"/lesions/{spot}").get_json()
    assert ada.call("GET", "/me/data/summary").get_json()["spots"] == 1
    assert (own["id"], own["latest"], own["findings"]) == (spot, None, 0)
    for name in ("band", "from", "since", "finding", "due", "photo_deleted"):
        assert own["instruction"][name] == of_patient["instruction"][name]
    assert [it.message for it in check_integrity(backend.services)] == []
    return own


def queue(doctor: Person) -> Any:
    rows = doctor.pages("/queue?reviewed=false")
    counts = doctor.call("GET", "/queue/counts").get_json()
    assert counts["to_review"] == len(rows)
    by_urgency = {band: sum(row["urgency"] == band for row in rows) for band in Band}
    assert counts["by_urgency"] == by_urgency
    for band, count in by_urgency.items():
        assert len(doctor.pages(f"/queue?reviewed=false&urgency={band}")) == count
    return rows


@pytest.mark.parametrize("whole", [False, True])
def test_an_urgent_spot_stays_in_the_lists_when_its_only_photo_is_deleted(
    any_backend: Backend, whole: bool
) -> None:
    doctor, ada = patient_in_care(any_backend)
    filed = file_for(any_backend, ada, URGENT)
    before = ada.call("GET", f"/lesions/{filed.lesion}").get_json()
    if whole:
        delete_spot(ada, filed.lesion)
    else:
        delete(ada, filed.number)
    after = require_listed(any_backend, doctor, ada, filed.lesion)
    assert after["instruction"] == {**before["instruction"], "photo_deleted": True}
    assert after["reminder"] == before["reminder"]
    photo = after["deleted"]
    assert photo["number"] == filed.number
    assert photo["created_at"] == made_at(filed.id).isoformat().replace("+00:00", "Z")
    [task] = inbox(ada)["tasks"]
    said = task["task"], task["lesion"], task["advice"]["band"], task["advice"]["due"]
    assert said == ("see_doctor", filed.lesion, URGENT, before["instruction"]["due"])
    assert task["photo_kept"] is False


@pytest.mark.parametrize("whole", [False, True])
def test_the_queue_keeps_an_urgent_spot_without_photos(any_backend: Backend, whole: bool) -> None:
    doctor, ada = patient_in_care(any_backend)
    spot = begin(ada)
    first, second = (file_for(any_backend, ada, band, lesion=spot) for band in (REVIEW, URGENT))
    other = file_for(any_backend, ada, REVIEW).number
    [before, _] = queue(doctor)
    assert (before["id"], before["urgency"]) == (second.number, URGENT)
    if whole:
        delete_spot(ada, spot)
    else:
        delete(ada, first.number)
        delete(ada, second.number)
    [row, last] = queue(doctor)
    assert (row["lesion"], row["urgency"], row["finding"]) == (spot, URGENT, None)
    assert row["deleted"]["number"] == second.number
    assert row["waiting"]["kind"] == "review"
    assert (row["patient_email"], last["id"]) == (ada.email, other)
    [patient] = doctor.pages("/patients")
    assert (patient["waiting_band"], patient["waiting_submission"]) == (URGENT, None)


def test_the_queue_shows_an_open_deleted_photo_beside_a_reviewed_one(any_backend: Backend) -> None:
    doctor, ada = patient_in_care(any_backend)
    spot = begin(ada)
    reviewed = file_for(any_backend, ada, ROUTINE, lesion=spot).number
    assert sign_review(doctor, reviewed, MOLE).status_code == 201
    assert queue(doctor) == []
    urgent = file_for(any_backend, ada, URGENT, lesion=spot).number
    delete(ada, urgent)
    [row] = queue(doctor)
    assert (row["id"], row["reviewed"], row["urgency"]) == (reviewed, True, URGENT)
    assert row["deleted"]["number"] == urgent
    assert sign_review(doctor, reviewed, MOLE).status_code == 201
    assert queue(doctor) == []
    [own] = ada.pages("/lesions")
    assert own["instruction"]["band"] == SELF


def sign_spot(doctor: Person, spot: str, version: int, **said: Any) -> Any:
    body = review_of({**MOLE, "spot_version": version, **said})
    headers = {"Idempotency-Key": "k"}
    return doctor.call("POST", f"/lesions/{spot}/reviews", json=body, headers=headers)


def test_a_doctor_signs_a_review_of_a_spot_without_photos(any_backend: Backend) -> None:
    doctor, ada = patient_in_care(any_backend)
    filed = file_for(any_backend, ada, URGENT)
    delete(ada, filed.number)
    refused = sign_spot(doctor, filed.lesion, 1)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "spot_changed")
    version = refused.get_json()["spot"]["version"]
    refused = sign_spot(doctor, filed.lesion, version, confirm_milder=False)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "milder_not_confirmed")
    stranger = any_backend.member(role="doctor")
    assert sign_spot(stranger, filed.lesion, version).status_code == 404
    assert sign_spot(ada, filed.lesion, version).status_code == 403
    signed = sign_spot(doctor, filed.lesion, version)
    assert signed.status_code == 201, signed.text
    again = sign_spot(doctor, filed.lesion, version)
    assert again.get_json()["_id"] == signed.get_json()["_id"]
    other = sign_spot(doctor, filed.lesion, version, urgency=ROUTINE)
    assert other.get_json()["code"] == "idempotency_key_reused"
    assert queue(doctor) == []
    own = require_listed(any_backend, doctor, ada, filed.lesion)
    assert (own["instruction"]["from"], own["instruction"]["band"]) == ("review", SELF)


@pytest.mark.parametrize(
    ("language", "heading"),
    [("en", "Doctor's decision: a mole"), ("fr", "Décision du médecin\xa0: un grain de beauté")],
)
def test_both_read_the_review_of_a_spot_without_photos_and_its_note(
    backend: Backend, language: str, heading: str
) -> None:
    doctor, ada = patient_in_care(backend)
    filed = file_for(backend, ada, URGENT)
    delete(ada, filed.number)
    version = backend.services.findings.records.spots.get(filed.lesion).spot.version
    assert sign_spot(doctor, filed.lesion, version, note="Harmless.").status_code == 201
    for person in (doctor, ada):
        spot = person.call("GET", f"/lesions/{filed.lesion}?lang={language}").get_json()
        assert (spot["decision"]["heading"], spot["review"]["note"]) == (heading, "Harmless.")


def test_no_review_is_signed_of_a_spot_that_never_had_a_finding(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    assert sign_spot(doctor, begin(ada), 0).status_code == 404


@pytest.mark.parametrize("run", [overlapped, overlapped_back])
def test_what_a_review_of_a_spot_without_photos_lets_wait_waits_for_the_next_doctor(
    real_backend: Backend, run: Callable[[Call, Call], tuple[int, int]]
) -> None:
    doctor, ada = patient_in_care(real_backend)
    other, admin = real_backend.member(role="doctor"), real_backend.member(role="admin")
    filed = file_for(real_backend, ada, ROUTINE)
    assert sign_review(doctor, filed.number, MOLE).status_code == 201
    delete(ada, filed.number)
    version = real_backend.services.findings.records.spots.get(filed.lesion).spot.version
    body = {"label": "melanoma", "certainty": "sure", "urgency": URGENT, "spot_version": version}
    path = f"/lesions/{filed.lesion}/reviews"
    sign = partial(doctor.call, "POST", path, json=body)
    path, chosen = f"/users/{ada.email}/doctor", {"doctor": other.email}
    signed, _ = run(sign, partial(admin.call, "PUT", path, json=chosen))
    assert signed in (201, 404)  # 404: the other doctor was in charge first
    assert len(other.pages("/waiting?kind=telling")) == (signed == 201)
