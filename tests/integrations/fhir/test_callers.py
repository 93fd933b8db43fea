from urllib.parse import quote

from tests.integrations.fhir.clinic import Clinic, read
from tests.integrations.fhir.test_search import ids, walk, walk_patient
from tests.integrations.test_keys import made
from tests.support.backends import Person

KINDS = ("Patient", "DiagnosticReport", "Observation", "Media", "BodyStructure")


def key_of(clinic: Clinic, *scopes: str, clinic_wide: bool = False) -> Person:
    if clinic_wide:
        return made(clinic.admin, "/admin/keys", scopes=list(scopes))[0]
    return made(clinic.doctor, scopes=list(scopes))[0]


def test_a_person_finds_their_own_and_a_doctor_those_in_care(clinic: Clinic) -> None:
    bobs = clinic.file(owner=clinic.backend.account(clinic.bob.email).id)
    other = clinic.backend.member(role="doctor")
    bobs_doctor = {"doctor": other.email}
    clinic.admin.call("PUT", f"/users/{clinic.bob.email}/doctor", json=bobs_doctor)
    for kind in KINDS:
        own = ids(walk(clinic.ada, kind))
        assert own
        assert {*own} <= {*ids(walk(clinic.doctor, kind))}
        assert str(clinic.patient) not in str(walk(clinic.bob, kind))
        for person in (clinic.bob, clinic.admin):
            read(person, f"{kind}/{own[0]}", status=404)
            assert not walk(person, f"{kind}?_id={own[0]}")
            assert kind == "Patient" or not walk(person, f"{kind}?patient={clinic.patient}")
    assert clinic.backend.account(clinic.bob.email).id not in ids(walk(clinic.doctor, "Patient"))
    for person in (clinic.ada, clinic.doctor):
        read(person, f"DiagnosticReport/{bobs}", status=404)


def test_a_clinic_wide_key_reads_everybodys(clinic: Clinic) -> None:
    number = clinic.file(owner=clinic.backend.account(clinic.bob.email).id)
    program = key_of(clinic, "fhir", clinic_wide=True)
    for kind in KINDS:
        assert {*ids(walk(clinic.ada, kind))} <= {*ids(walk(program, f"{kind}?_count=100"))}
    backwards = walk(program, "DiagnosticReport?_sort=-_lastUpdated")
    assert backwards[0]["id"] == str(number)
    accounts = clinic.backend.services.data.accounts.list_where({})
    machines = [account for account in accounts if account.machine]
    assert machines
    assert not {machine.id for machine in machines} & {*ids(walk(program, "Patient"))}


def test_a_key_reads_a_pseudonym_unless_it_may_read_findings(clinic: Clinic) -> None:
    path = f"Patient/{clinic.patient}"
    for clinic_wide in (False, True):
        unnamed = key_of(clinic, "fhir", clinic_wide=clinic_wide)
        patient = read(unnamed, path)
        assert not {"name", "telecom"} & patient.keys()
        everything = str(walk_patient(unnamed, clinic.patient))
        assert "Ada" not in everything
        assert clinic.ada.email not in everything
        assert "by tie" not in everything, "what a patient calls a spot"
        assert "presentedForm" not in everything, "a letter in it may name the patient"
        read(unnamed, f"Binary/{clinic.numbers['signed']}-report", status=403)
        named = read(key_of(clinic, "fhir", "findings:read", clinic_wide=clinic_wide), path)
        assert named["name"] == [{"text": "Ada Example"}]
    assert read(clinic.doctor, path)["name"] == [{"text": "Ada Example"}]


def test_a_clinic_wide_key_finds_a_patient_by_the_identifier_of_its_own_system(
    clinic: Clinic,
) -> None:
    program = key_of(clinic, "fhir", "findings:write", clinic_wide=True)
    named = {"system": "urn:oid:1.2.3", "value": "MRN 7"}
    sent = program.call("POST", "/patients/external", json=named)
    assert sent.status_code in (200, 201), sent.text
    query = f"Patient?identifier={quote('urn:oid:1.2.3|MRN 7')}"
    (found,) = walk(program, query)
    assert "MRN 7" not in str(found)
    for other in (clinic.doctor, clinic.admin, key_of(clinic, "fhir")):
        assert not walk(other, query)
