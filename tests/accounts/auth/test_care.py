"""Care: a doctor is never a patient, and only doctors have patients."""

import pytest

from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend, Person

PROMOTIONS = [
    ("PUT", "/users/{}/role", {"role": "doctor"}),
    ("PATCH", "/users/{}/approve", {"role": "doctor"}),
]


def patient_of(backend: Backend, doctor: Person) -> Person:
    return backend.member(doctor_id=backend.account(doctor.email).id)


@pytest.mark.parametrize(("method", "path", "body"), PROMOTIONS)
def test_a_patient_who_becomes_a_doctor_leaves_the_doctors_care(
    any_backend: Backend, method: str, path: str, body: object
) -> None:
    doctor, admin = any_backend.member(role="doctor"), any_backend.member(role="admin")
    patient = patient_of(any_backend, doctor)
    number = predicted(patient, keep_photo="true")["id"]
    assert doctor.call("GET", f"/submissions/{number}/photo").status_code == 200
    assert admin.call(method, path.format(patient.email), json=body).status_code == 200
    assert any_backend.account(patient.email).doctor_id is None
    for what in ("", "/photo", "/heatmap", "/report.pdf", "/reviews"):
        assert doctor.call("GET", f"/submissions/{number}{what}").status_code == 404


def test_check_ends_care_that_cannot_be(any_backend: Backend) -> None:
    doctor = any_backend.member(role="doctor")
    colleague, patient = patient_of(any_backend, doctor), patient_of(any_backend, doctor)
    stray = any_backend.member(doctor_id=any_backend.account(patient.email).id)
    any_backend.edit(colleague.email, role="doctor")
    faults = list(any_backend.services.data.accounts.faults(any_backend.services.data.work))
    wrong = [any_backend.account(person.email).id for person in (colleague, stray)]
    assert [fault.message for fault in faults] == [
        f"account {identifier} has an invalid doctor assignment" for identifier in wrong
    ]
    for fault in faults:
        assert fault.repair
        fault.repair()
    assert list(any_backend.services.faults()) == []
    assert any_backend.account(patient.email).doctor_id == any_backend.account(doctor.email).id


def test_the_patients_of_a_doctor_who_becomes_an_admin_rest(backend: Backend) -> None:
    doctor = backend.member(role="doctor")
    patient_of(backend, doctor)
    backend.services.admin.ensure_admin(email=doctor.email, password=None)
    resting = backend.services.data.accounts.list_resting_doctors()
    assert resting == [backend.account(doctor.email).id]


def test_a_suspended_doctor_keeps_the_patients_and_gets_no_new_ones(backend: Backend) -> None:
    doctor, admin = backend.member(role="doctor"), backend.member(role="admin")
    kept, other = patient_of(backend, doctor), backend.member()
    admin.call("PATCH", f"/users/{doctor.email}/suspend")
    answer = admin.call("PUT", f"/users/{other.email}/doctor", json={"doctor": doctor.email})
    assert answer.status_code == 409
    assert "is not approved" in answer.get_json()["error"]
    assert doctor.call("GET", "/submissions").status_code == 401
    admin.call("PATCH", f"/users/{doctor.email}/approve", json={})
    assert backend.account(kept.email).doctor_id == backend.account(doctor.email).id
    answer = admin.call("PUT", f"/users/{other.email}/doctor", json={"doctor": doctor.email})
    assert answer.status_code == 200


def test_a_patient_reads_the_name_of_the_doctor_in_charge(backend: Backend) -> None:
    doctor = backend.member(role="doctor", name="Dr Grey")
    me = patient_of(backend, doctor).call("GET", "/me").get_json()
    assert (me["doctor"], me["doctor_name"]) == (doctor.email, "Dr Grey")
    assert "doctor_name" not in doctor.call("GET", "/me").get_json()
