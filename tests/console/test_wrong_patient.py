"""A doctor says that a photo is of somebody else, and the patient reads why."""

import pytest

from tests.console.journey import LOOKS, Journey, Look
from tests.console.test_doctor import send_for
from tests.console.visitor import Visitor
from tests.served.people import Seeder
from tests.support.photos import photo_of

REASON = "This photo was taken of the next patient."


@pytest.mark.parametrize("look", [LOOKS[1], LOOKS[4]], ids=str)
def test_a_doctor_enters_a_finding_in_error_and_its_patient_reads_why(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    doctor = seeder.person("doctor")
    send_for(doctor, seeder, photo_of("melanoma", (600, 450)))
    (listed,) = doctor.call("GET", "/queue").json
    owner = seeder.accounts.by_ids({listed["patient_id"]})[listed["patient_id"]]
    journey = Journey(visitor, "wrong_patient", look)
    visitor.enter(doctor, "doctor")
    visitor.open_view(f"case/{listed['id']}")
    visitor.press(".wrong-patient")
    visitor.see(journey.say("wrongPatientHint"))
    journey.step("asked")
    journey.press("enterInError")
    journey.see("letterReasonMissing")
    visitor.type(**{"wrong-patient": REASON})
    journey.press("enterInError")
    journey.see("isEnteredInError", number=str(listed["id"]))
    assert doctor.call("GET", "/queue").json == []
    visitor.enter(seeder.caller(owner.id, owner.email), "user")
    journey.see("enteredInError")
    visitor.see(REASON)
    journey.step("patient", expected=("/thumbnail",))  # of the row that goes
    visitor.open_view(f"finding/{listed['id']}")
    journey.see("error_entered_in_error")
    journey.step("gone", expected=("/submissions/",))


@pytest.mark.parametrize("look", [LOOKS[1], LOOKS[4]], ids=str)
def test_a_doctor_moves_a_finding_to_the_right_patient(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    doctor, bob = seeder.person("doctor"), seeder.person()
    send_for(doctor, seeder, photo_of("melanoma", (600, 450)))
    seeder.services.decisions.assign_doctor(email=bob.email, doctor=doctor.email, by="admin")
    (listed,) = doctor.call("GET", "/queue").json
    journey = Journey(visitor, "right_patient", look)
    visitor.enter(doctor, "doctor")
    visitor.open_view(f"case/{listed['id']}")
    visitor.press(".wrong-patient")
    visitor.type(**{"wrong-patient": REASON})
    visitor.find("dialog #search").send_keys(bob.email)
    visitor.choose("right-patient", bob.id)
    visitor.see(journey.say("moveFindingText"))
    journey.step("chosen")
    journey.press("moveFinding")
    visitor.see(journey.say("isMoved", number=str(listed["id"]), moved="|").partition("|")[0])
    (moved,) = doctor.call("GET", "/queue").json
    assert moved["patient_id"] == bob.id


@pytest.mark.parametrize("look", [LOOKS[1], LOOKS[4]], ids=str)
def test_an_admin_joins_two_accounts_of_one_person(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    root, old, ada = (seeder.person(role) for role in ("admin", "user", "user"))
    journey = Journey(visitor, "join", look)
    visitor.enter(root, "admin")
    visitor.open_view(f"accounts?status=all&q={old.email}")
    visitor.press(".accounts .manage")
    journey.press("joinAccount")
    visitor.type(into=old.email)
    journey.press("joinAccounts")
    journey.see("error_cannot_join")
    visitor.type(into=ada.email)
    journey.step("asked", expected=("/join",))
    journey.press("joinAccounts")
    journey.see("isJoined")
    journey.step("joined")
    assert seeder.accounts.get(old.id).joined_to == ada.id
