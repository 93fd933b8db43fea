"""The console: an admin finds a patient of another system by the number, and has the file made."""

import secrets

from tests.console.visitor import Visitor
from tests.served.people import Seeder
from tests.support.backends import PASSWORD


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
