import pytest

from skinapi.accounts.auth.passwords import Passwords
from tests.console.journey import Journey, Look, looks
from tests.console.test_doctor import send_as
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.support.backends import PASSWORD, change_account
from tests.support.photos import photo_of


def doctor_of(seeder: Seeder, patient: Caller) -> str | None:
    return seeder.services.data.accounts.get(patient.id).doctor_id


def assign(seeder: Seeder, patient: Caller, doctor: Caller | None) -> None:
    email = doctor.email if doctor else None
    seeder.services.decisions.assign_doctor(email=patient.email, doctor=email, by="admin")


def choose_all(journey: Journey) -> None:
    """Choose each row by itself, because a phone has no box for all of them."""
    visitor = journey.visitor
    visitor.find(".accounts tbody tr")
    rows = range(1, visitor.count(".accounts tbody tr") + 1) if journey.on_phone else ()
    for row in rows:
        visitor.press(f".accounts tbody tr:nth-child({row}) [type=checkbox]")
    if not rows:
        visitor.press(".accounts thead [type=checkbox]")


@pytest.mark.parametrize("look", looks(0), ids=str)
def test_patients_are_assigned_at_once(visitor: Visitor, seeder: Seeder, look: Look) -> None:
    admin, boss = seeder.person("admin"), seeder.person("admin")
    meyer = seeder.person("doctor", name="Dr Meyer")
    weber = seeder.person("doctor", name="Dr Weber")
    patients = [seeder.person(name=f"Patient{boss.id}") for _ in range(3)]
    for patient in patients[:2]:
        assign(seeder, patient, weber)
    journey = Journey(visitor, "bulk", look)
    visitor.enter(admin, "admin")
    visitor.go(f"accounts?status=unassigned&q=Patient{boss.id}")
    visitor.see(patients[2].email)
    visitor.see_none(patients[0].email)
    journey.step("without-a-doctor")
    visitor.go(f"accounts?status=approved&q=Patient{boss.id}")
    visitor.see(patients[0].email)  # the list before is shown a moment longer
    choose_all(journey)
    journey.see("nothingToApprove")
    visitor.choose("doctor", meyer.email)
    three = journey.say("many_user", count="3")
    journey.see("movedFrom", count="2", doctor="Dr Weber")
    journey.step("bar")
    visitor.press_button(journey.say("assignMany", patients=three, doctor="Dr Meyer"))
    journey.see("assignedTo", patients=three, doctor=meyer.email)
    assert {doctor_of(seeder, patient) for patient in patients} == {meyer.id}


@pytest.mark.parametrize("look", looks(0), ids=str)
def test_whom_another_admin_has_suspended_meanwhile_stays_so_and_is_shown_so(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    admin, other = seeder.person("admin"), seeder.person("admin")
    doctor = seeder.person("doctor", name=f"Dr Meyer{other.id}")
    patients = [seeder.person(name=f"Patient{other.id}") for _ in range(2)]
    journey = Journey(visitor, "changed-since", look)
    visitor.enter(admin, "admin")
    visitor.go(f"accounts?status=all&q=Patient{other.id}")
    choose_all(journey)
    visitor.choose("doctor", doctor.email)
    assert other.call("PATCH", f"/users/{patients[0].email}/suspend").status == 200
    two = journey.say("many_user", count="2")
    visitor.press_button(journey.say("assignMany", patients=two, doctor=f"Dr Meyer{other.id}"))
    visitor.see("This account is suspended, closed or was refused; approve it by itself")
    visitor.see(journey.say("is_suspended"))
    assert [doctor_of(seeder, patient) for patient in patients] == [None, doctor.id]
    suspended = seeder.services.data.accounts.get(patients[0].id)
    assert suspended.status == "suspended"


@pytest.mark.parametrize("look", looks(0), ids=str)
def test_an_admin_reads_what_is_open_before_a_deletion_and_gives_the_password(
    visitor: Visitor, seeder: Seeder, doctor: Caller, patient: Caller, look: Look
) -> None:
    send_as(patient, seeder, photo_of("melanoma", (600, 450)))
    admin = seeder.person("admin")
    change_account(seeder.services, admin.id, password_hash=Passwords().hash(PASSWORD))
    journey = Journey(visitor, "admin-deletes", look)
    visitor.enter(admin, "admin")
    visitor.go(f"accounts?status=all&q={patient.email}")
    visitor.press_in_row(patient.email, journey.say("suspend"))
    journey.see("one_unsettled_review", count="1")
    journey.see("unsettledSuspended")
    journey.step("suspend")
    visitor.press("dialog .quiet")
    visitor.press_in_row(patient.email, journey.say("manage") if not journey.on_phone else "⋯")
    visitor.press(".managed .danger")
    journey.see("one_unsettled_review", count="1")
    journey.step("ask")
    visitor.type(ownPassword="not it, surely")
    visitor.press("dialog .danger")
    journey.see("error_wrong_password")
    visitor.type(ownPassword=PASSWORD)
    visitor.press("dialog .danger")
    journey.see("deleted")
    waiting = doctor.call("GET", "/waiting?kind=review").json
    assert patient.email in [row["patient_email"] for row in waiting]


@pytest.mark.parametrize("look", looks(3), ids=str)
def test_a_case_of_a_patient_without_a_doctor_is_taken_and_left_by_its_true_reason(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    doctor, other, patient = seeder.person("doctor"), seeder.person("doctor"), seeder.person()
    send_as(patient, seeder, photo_of("melanoma", (600, 450)))
    [row] = patient.call("GET", "/submissions").json
    journey = Journey(visitor, "taken", look)
    visitor.enter(doctor, "doctor")
    visitor.go("queue?list=unassigned")
    visitor.find(".top .unread")
    for page in (f"course/{row['lesion']}", f"case/{row['id']}"):
        visitor.go(page)
        visitor.find(".take-patient")
    journey.step("to-take")
    visitor.keys("t")
    journey.see("patientTaken")
    assert doctor_of(seeder, patient) == doctor.id
    visitor.find("#review")
    visitor.await_stillness()
    assign(seeder, patient, other)
    visitor.keys("a")
    visitor.keys("v")
    visitor.press(".signing .primary")
    journey.see("patientMoved")
    visitor.await_truth(lambda: visitor.count("#review") == 0, "the form to go")
    # What was still being loaded is refused too.
    journey.step("moved", expected=("/review", "/messages", "/letters", "/lesions/"))
    visitor.go("queue")
    own = f".finding-row [data-number='{row['id']}']"
    visitor.await_truth(lambda: visitor.count(own) == 0, "the case to leave the list")


@pytest.mark.parametrize("look", looks(1), ids=str)
def test_a_patient_whose_row_has_no_finding_is_taken_from_the_page_of_the_patient(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    """The patient waits because of a deleted urgent photo, or a message without any photo."""
    doctor, former = seeder.person("doctor"), seeder.person("doctor")
    deleted, writer = (seeder.person(name=name) for name in ("Ada", "Bob"))
    send_as(deleted, seeder, photo_of("melanoma", (600, 450)))
    [row] = deleted.call("GET", "/submissions").json
    assert deleted.call("DELETE", f"/submissions/{row['id']}").status == 200
    assign(seeder, writer, former)
    said = {"text": "Which camera do I need?"}
    assert writer.call("POST", f"/conversations/{writer.id}/messages", json=said).status == 201
    assign(seeder, writer, None)
    journey = Journey(visitor, "taken-without-finding", look)
    visitor.enter(doctor, "doctor")
    visitor.find(f".cases a[href^='#/patients/{deleted.id}']")  # urgent, so in the queue too
    for patient, name in ((deleted, "Ada"), (writer, "Bob")):
        visitor.go("queue?list=unassigned")
        visitor.press(f".cases a[href^='#/patients/{patient.id}']")
        visitor.find(".take-patient")
        assert name in visitor.read_all("h1")
        journey.step("to-take", expected=("/submissions",))  # nothing of the patient is read yet
        visitor.keys("t")
        journey.see("patientTaken")
        visitor.await_truth(lambda: visitor.count(".take-patient") == 0, "the button to go")
        assert doctor_of(seeder, patient) == doctor.id
    visitor.see(said["text"])
