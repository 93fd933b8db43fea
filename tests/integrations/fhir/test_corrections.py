import json

import pytest

from tests.findings.records.test_corrections import REASON, enter, get, sign, spot_of_two
from tests.integrations.fhir import orders
from tests.integrations.fhir.test_intake import external, outcome, reported
from tests.integrations.test_keys import clinic_wide
from tests.support.backends import Backend, Person, erase
from tests.support.reviews import signed_review


def sign_mole(doctor: Person, number: str) -> None:
    said = {"label": "melanocytic_nevus", "certainty": "sure"}
    signed_review(doctor, number, said)


def test_who_copies_findings_learns_it(backend: Backend) -> None:
    doctor, _, _, _, wrong = spot_of_two(backend)
    sign(doctor, wrong)
    program = clinic_wide(backend, scopes=["fhir"])
    before = get(program, f"/fhir/DiagnosticReport/{wrong}")
    observations = [item["reference"] for item in before["result"]]
    enter(doctor, wrong)
    report = get(program, f"/fhir/DiagnosticReport/{wrong}")
    assert report["status"] == "entered-in-error"
    assert report["meta"]["versionId"] != before["meta"]["versionId"]
    assert report["meta"]["lastUpdated"] > before["meta"]["lastUpdated"]
    assert not {"conclusion", "conclusionCode", "presentedForm"} & report.keys()
    assert REASON in report["text"]["div"]
    for item in observations:
        observation = get(program, f"/fhir/{item}")
        assert observation["status"] == "entered-in-error"
        assert not [name for name in observation if name.startswith("value")]
        assert "component" not in observation
    since = before["meta"]["lastUpdated"]
    found = get(program, f"/fhir/DiagnosticReport?patient={report['subject']['reference'][8:]}"
                         f"&_lastUpdated=gt{since.replace('+', '%2B')}")  # fmt: skip
    status = {record["resource"]["id"]: record["resource"]["status"] for record in found["entry"]}
    assert status[str(wrong)] == "entered-in-error"
    study = get(program, f"/fhir/Binary/{wrong}-report")
    assert study["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("status", ["entered-in-error", "revoked"])
def test_the_system_that_filed_it_takes_it_back(backend: Backend, status: str) -> None:
    hospital = clinic_wide(backend, scopes=["fhir"])
    order = orders.contained()
    number = hospital.call("POST", "/fhir/ServiceRequest", json=order).get_json()["id"]
    other = clinic_wide(backend, scopes=["fhir"])
    back = orders.request(status=status, subject={"reference": "Patient/unknown"})
    assert other.call("POST", "/fhir/ServiceRequest", json=back).status_code == 404
    for _ in range(2):
        answer = hospital.call("POST", "/fhir/ServiceRequest", json=back)
        assert (answer.status_code, answer.get_json()["status"]) == (200, "entered-in-error")
        assert answer.get_json()["id"] == number
    asked = f"/fhir/DiagnosticReport?based-on:identifier={orders.PLACER}|O-1"
    (found,) = get(hospital, asked)["entry"]
    assert found["resource"]["status"] == "entered-in-error"
    resent = hospital.call("POST", "/fhir/ServiceRequest", json=order)
    assert resent.status_code == 404
    unknown = orders.request("O-9", status=status)
    assert hospital.call("POST", "/fhir/ServiceRequest", json=unknown).status_code == 404


def test_an_order_that_is_taken_back_after_a_review_waits_for_the_doctor(
    real_backend: Backend,
) -> None:
    doctor = real_backend.member(role="doctor")
    hospital = clinic_wide(real_backend, scopes=["fhir"], doctor=doctor.email)
    number = reported(hospital.call("POST", "/fhir", json=orders.transaction()))["id"]
    sign_mole(doctor, number)
    back = orders.request(status="revoked")
    answer = hospital.call("POST", "/fhir/ServiceRequest", json=back)
    assert outcome(answer)[:2] == (409, "finding_signed")
    assert get(hospital, f"/fhir/DiagnosticReport/{number}")["status"] != "entered-in-error"
    assert get(doctor, f"/submissions/{number}/case")["disputed"] == "taken_back"
    assert [item["id"] for item in get(doctor, "/queue?reviewed=false")] == [int(number)]


def test_an_order_that_names_another_patient_after_a_review_waits_for_the_doctor(
    real_backend: Backend,
) -> None:
    doctor = real_backend.member(role="doctor")
    hospital = clinic_wide(real_backend, scopes=["fhir"], doctor=doctor.email)
    order = orders.contained()
    number = hospital.call("POST", "/fhir/ServiceRequest", json=order).get_json()["id"]
    sign_mole(doctor, number)
    text = json.dumps(order).replace(orders.NUMBER, "another number")
    answer = hospital.call("POST", "/fhir/ServiceRequest", json=json.loads(text))
    assert outcome(answer)[:2] == (409, "identifier_reused")
    assert get(doctor, f"/submissions/{number}/case")["disputed"] == "other_patient"


def test_an_order_is_gone_once_its_finding_is_deleted(real_backend: Backend) -> None:
    hospital = clinic_wide(real_backend, scopes=["fhir"])
    reported(hospital.call("POST", "/fhir", json=orders.transaction()))
    (patient,) = external(real_backend)
    erase(real_backend.services, real_backend.services.data.accounts.get(patient["id"]))
    back = orders.request(status="revoked")
    answer = hospital.call("POST", "/fhir/ServiceRequest", json=back)
    assert outcome(answer)[:2] == (410, "finding_erased")
