"""The console: an admin finds a patient of another system by the number, and has the file made."""

import secrets

import pytest

from tests.console.journey import Journey, Look, looks
from tests.console.test_spots import send
from tests.console.visitor import Visitor
from tests.integrations.fhir import orders
from tests.served.people import Seeder
from tests.served.wire import ask
from tests.support.backends import PASSWORD, change_account


def test_a_patient_of_another_system_is_found_by_the_number(
    visitor: Visitor, seeder: Seeder
) -> None:
    number = secrets.token_hex(4)
    patients = seeder.services.integrations.patients
    external, *_ = patients.hashes_of("patient", "urn:oid:2.999.1", number)
    identifier = secrets.token_hex(16)
    seeder.services.data.accounts.add(
        id=identifier,
        name="Patient 0815",
        email=f"{identifier}@patients.invalid",
        status="approved",
        password_hash="",
        external=external,
    )
    visitor.look()
    visitor.enter(seeder.person("admin"), "admin")
    visitor.go("accounts")
    words = visitor.words("en")
    visitor.press_button(words["externalFind"])
    visitor.type(value=f"{number}1", system="urn:oid:2.999.1")
    visitor.press("#external-patient .primary")
    visitor.find("#external-patient .message.bad")
    visitor.type(value=number)
    visitor.press("#external-patient .primary")
    visitor.see("Patient 0815")
    visitor.assert_accessible()
    visitor.press_button(f"{words['fileMake']}…")
    visitor.type(filePassword=PASSWORD)
    visitor.press("dialog[open] .primary")
    visitor.see(words["fileWaits"])
    visitor.press_button(words["externalShow"])
    visitor.find(f"#account-{identifier}")
    visitor.assert_nothing_overflows()


@pytest.mark.parametrize("look", [*looks(0), *looks(3)], ids=str)
def test_who_is_erased_before_being_told_is_reached_by_the_number(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    admin, doctor = seeder.person("admin"), seeder.person("doctor")
    number = f"PAT-{secrets.token_hex(4)}"
    key = {"name": "Hospital East", "scopes": ["fhir"], "current_password": PASSWORD}
    made = admin.call("POST", "/admin/keys", json={**key, "doctor": doctor.email}).json
    order = orders.transaction(order=number, number=number)
    port = seeder.server.port
    sent = ask(port, "POST", "/fhir", token=made["secret"], json=order)
    report = sent.json["entry"][-1]["resource"]
    said = {"label": "melanoma", "certainty": "sure", "told_by": "doctor"}
    assert doctor.call("POST", f"/submissions/{report['id']}/review", json=said).status == 201
    email = f"{report['subject']['reference'].removeprefix('Patient/')}@patients.invalid"
    journey = Journey(visitor, "external-patient", look)
    visitor.enter(admin, "admin")
    visitor.go(f"accounts?status=approved&q={email}")
    visitor.press(".accounts .manage")
    journey.press("delete", within="managed")
    journey.see("externalDelete")
    journey.step("delete")
    visitor.press("dialog .danger")
    journey.see("error_patient_number_needed")
    journey.step("refused", expected=("409",))
    visitor.type(value=number, system=orders.HOSPITAL)
    visitor.press("dialog .danger")
    journey.see("deleted")
    visitor.enter(doctor, "doctor")
    visitor.press(".notes .to-reach")
    visitor.see(number)
    visitor.see("Hospital East")
    visitor.see_none("patients.invalid")
    journey.step("to-reach")


def test_a_doctor_reads_that_nobody_tells_a_patient_of_another_system(
    visitor: Visitor, seeder: Seeder
) -> None:
    """ "The server tells now, by mail" was offered, of a patient without an address."""
    doctor, patient = seeder.person("doctor"), seeder.person()
    assert patient.call("PUT", "/me/consents", json={"photos": True}).status == 200
    number = send(patient, "melanoma")
    change_account(seeder.services, patient.id, external="0" * 64, doctor_id=doctor.id)
    visitor.look()
    visitor.enter(doctor, "doctor")
    visitor.open_view(f"case/{number}")
    words = visitor.words("en")
    visitor.see(words["noAccess"])
    visitor.see("To be seen by")
    visitor.see_none("Patient told")
    visitor.press("input[name=agreement]")
    visitor.see(words["recordShows"])
    visitor.see_none(words["serverTells"])
