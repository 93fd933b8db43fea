"""An admin opens a finding in an emergency, in the console; and its patient reads who it was."""

import pytest

from skinapi.accounts.auth.passwords import Passwords
from tests.console.journey import Journey, Look, looks
from tests.console.test_spots import send
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.support.backends import PASSWORD, change_account

REASON = "The patient was brought in unconscious and the doctor is away"


def admin_with_password(seeder: Seeder) -> Caller:
    admin: Caller = seeder.person("admin")
    change_account(seeder.services, admin.id, password_hash=Passwords().hash(PASSWORD))
    return admin


def patient_with_finding(seeder: Seeder) -> tuple[Caller, Caller, int]:
    doctor, ada = seeder.person("doctor"), seeder.person()
    seeder.services.decisions.assign_doctor(email=ada.email, doctor=doctor.email, by="admin")
    assert ada.call("PUT", "/me/consents", json={"photos": True}).status == 200
    number = send(ada, "melanoma")
    review = {
        "label": "melanoma",
        "agreement": "agree",
        "told_by": "server",
        "note": "Please excise.",
    }
    assert doctor.call("POST", f"/submissions/{number}/review", json=review).status == 201
    return doctor, ada, number


def fill(visitor: Visitor, finding: str, password: str = PASSWORD) -> None:
    visitor.type(glassFinding=finding, glassReason=REASON, ownPassword=password)
    visitor.press("form .danger")


@pytest.mark.parametrize("look", [*looks(0), *looks(2)], ids=str)
def test_an_admin_reads_one_finding_and_its_patient_reads_who_it_was(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    admin = admin_with_password(seeder)
    doctor, ada, number = patient_with_finding(seeder)
    journey = Journey(visitor, "emergency", look)
    visitor.enter(admin, "admin")
    visitor.go("data-protection/glass")
    journey.see("glassTold")
    journey.step("asked")
    fill(visitor, str(number), "not this one")
    journey.see("error_wrong_password")
    visitor.type(ownPassword=PASSWORD)
    visitor.press("form .danger")
    journey.see("glassBannerReason")
    visitor.see(REASON)
    visitor.see("Please excise.")
    journey.step("finding", expected=("/break-glass",))
    visitor.go("data-protection/glass")
    journey.see("glassRead")
    journey.step("running")
    visitor.go(f"emergency/{number}")
    visitor.press(".message button")
    journey.see("glassCloseText")
    journey.step("closing")
    visitor.press("dialog[open] .danger")
    journey.see("glassEnd_closed")
    visitor.go(f"emergency/{number}")
    journey.see("glassOver")
    journey.step("over", expected=(f"/submissions/{number}",))
    for person, role in ((ada, "user"), (doctor, "doctor")):
        visitor.enter(person, role)
        journey.see("glassUntold")
        journey.step(f"{role}-untold")
        visitor.press("a[href='#/my-data']")
        journey.see("myReaders")
        visitor.see(REASON)
        journey.step(f"{role}-readers")
        visitor.go("account")
        journey.see("title_account")
        visitor.see_none(journey.say("glassUntold"))


@pytest.mark.parametrize("look", looks(1), ids=str)
def test_an_admin_finds_the_finding_of_a_patient_by_e_mail(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    admin = admin_with_password(seeder)
    _, ada, number = patient_with_finding(seeder)
    journey = Journey(visitor, "emergency", look)
    visitor.enter(admin, "admin")
    visitor.go("data-protection/glass")
    fill(visitor, "nobody@example.org")
    journey.see("glassNotFound")
    fill(visitor, ada.email)
    journey.see("glassChooseText")
    journey.step("choose", expected=("/break-glass",))
    visitor.press("form .primary")
    journey.see("glassBannerReason")
    visitor.see(str(number))
