"""What a doctor decides, in the console: the form, and what the patient reads first."""

from typing import Any

import pytest

from tests.console.journey import Journey, Look, looks
from tests.console.visitor import DESKTOP, PHONE, Visitor
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import ANGULAR
from tests.support.photos import photo_of

FIRST_HEADING = "return document.querySelector('.finding h1').closest('header').className"
NOTE = "return document.querySelector('textarea[name=note]')?.value"
LABEL = "return document.querySelector('[name=label]:checked').value"

PRESS_U_AT_ONCE = """
new MutationObserver((_, seen) => {
  if (!document.querySelector("#review")) return;
  seen.disconnect();
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "u", bubbles: true }));
}).observe(document, { childList: true, subtree: true });
"""


@pytest.fixture
def patient(seeder: Seeder) -> Caller:
    patient = seeder.person()
    assert patient.call("PUT", "/me/consents", json={"photos": True}).status == 200
    return patient


@pytest.fixture
def doctor(seeder: Seeder, patient: Caller) -> Caller:
    """In charge of the patient, who has two findings that are urgent."""
    doctor = seeder.person("doctor")
    seeder.services.decisions.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
    for _ in range(2):
        photo = photo_of("melanoma", (600, 450))
        assert ANGULAR.send(seeder.server.port, photo, token=patient.token).status == 200
    return doctor


def numbers(doctor: Caller) -> list[int]:
    return [row["id"] for row in doctor.call("GET", "/queue").json]


def sign(doctor: Caller, number: int, **said: Any) -> None:
    body = {"told_by": "server", **said}
    assert doctor.call("POST", f"/submissions/{number}/review", json=body).status == 201


def test_an_unsigned_review_is_there_when_the_doctor_comes_back(
    visitor: Visitor, doctor: Caller
) -> None:
    first, _ = numbers(doctor)
    visitor.look()
    visitor.enter(doctor, "doctor")
    visitor.go(f"case/{first}")
    visitor.find("#review")
    visitor.keys("d")
    visitor.press("input[name=label][value=squamous_cell_carcinoma]")
    visitor.find("textarea[name=note]").send_keys("Look again.")
    visitor.press(".next-case")
    visitor.await_truth(lambda: visitor.run(NOTE) == "", "a form of its own")
    visitor.go(f"case/{first}")
    visitor.find("[name=label]:checked")
    assert (visitor.run(NOTE), visitor.run(LABEL)) == ("Look again.", "squamous_cell_carcinoma")
    visitor.press("[name=teller][value=server]")
    visitor.press(".signing [value=stay]")
    visitor.find(".verdict.decided h1")
    [signed] = doctor.call("GET", f"/submissions/{first}/reviews").json
    assert (signed["label"], signed["note"]) == ("squamous_cell_carcinoma", "Look again.")


def test_who_is_unsure_signs_no_label_of_the_model(visitor: Visitor, doctor: Caller) -> None:
    """The form filled in the model's. The key is pressed as soon as the form is there."""
    first, _ = numbers(doctor)
    visitor.look()
    visitor.enter(doctor, "doctor")
    visitor.run(PRESS_U_AT_ONCE)
    visitor.go(f"case/{first}")
    visitor.find("[name=label]:checked")
    assert visitor.run(LABEL) == ""
    visitor.choose("urgency", "same")
    visitor.press(".signing [value=stay]")
    visitor.find(".verdict.decided h1")
    [signed] = doctor.call("GET", f"/submissions/{first}/reviews").json
    told = (signed["label"], signed["certainty"], signed["agrees_with_urgency"])
    assert told == (None, "unsure", True)


@pytest.mark.parametrize("look", looks(0), ids=str)
def test_a_patient_reads_the_decision_first_and_is_asked_for_another_photo(
    visitor: Visitor, doctor: Caller, patient: Caller, look: Look
) -> None:
    """Below a red "See a doctor this week" stood what the doctor had called harmless."""
    first, second = numbers(doctor)
    sign(doctor, first, label="benign_keratosis", certainty="sure")
    sign(doctor, second, new_picture_wanted=True)
    journey = Journey(visitor, "decision", look)
    visitor.enter(patient, "user")
    visitor.go("spots")
    visitor.find(".list .decision")
    visitor.find(".list .band-routine")
    journey.step("spots")
    visitor.go(f"finding/{first}")
    visitor.find(".finding details:not([open])")
    assert visitor.run(FIRST_HEADING) == "verdict decided band-routine"
    visitor.press(".finding > details summary")
    visitor.find(".finding > details[open] p")
    assert visitor.count(".band-urgent_referral") == 0  # nor what it was to be done for that
    journey.step("decided")
    visitor.go(f"finding/{second}")
    visitor.find(".verdict.decided.band-urgent_referral")  # the check itself had asked for that
    visitor.find(".verdict.decided a.primary[href='#/check']")
    journey.step("another-photo")


def test_a_grave_decision_is_held_until_the_doctor_shows_it(
    visitor: Visitor, doctor: Caller, patient: Caller
) -> None:
    """A signed melanoma was on the patient's screen at once."""
    first, second = numbers(doctor)
    spot = patient.call("POST", "/lesions", json={"place": {"site": "back"}}).json["id"]
    for number in (first, second):
        moved = patient.call("PUT", f"/submissions/{number}/lesion", json={"lesion": spot})
        assert moved.status == 200
    sign(doctor, max(first, second), label="melanocytic_nevus", certainty="sure")
    number = min(first, second)
    case = Journey(visitor, "hold-case", Look(PHONE, dark=False, language="en"))
    visitor.enter(doctor, "doctor")
    visitor.go(f"case/{number}")
    visitor.find("#review")
    visitor.keys("a")
    visitor.press("[name=teller][value=doctor]")
    visitor.find("[name=held]")
    case.step("form")
    visitor.press(".signing [value=stay]")
    visitor.find(".show-now")
    case.step("held")
    page = Journey(visitor, "hold-page", Look(PHONE, dark=False, language="en"))
    visitor.enter(patient, "user")
    visitor.go(f"finding/{number}")
    visitor.find(".verdict.instruction.band-self_monitoring")  # of the newer finding
    assert visitor.count(".verdict.decided") == 0
    page.step("before")
    assert doctor.call("DELETE", f"/submissions/{number}/hold").status == 200
    visitor.go("spots")
    visitor.go(f"finding/{number}")
    visitor.find(".verdict.decided.band-urgent_referral")
    page.step("after")
    visitor.go(f"spot/{spot}")
    visitor.find(".verdict.instruction")
    visitor.press(".verdict.instruction summary")
    page.step("spot")
    spot_page = Journey(visitor, "hold-spot", Look(DESKTOP, dark=False, language="en"))
    visitor.enter(patient, "user")
    visitor.go(f"spot/{spot}")
    visitor.find(".verdict.instruction")
    spot_page.step("spot")


def test_nobody_agrees_with_a_photo_that_was_not_kept(
    visitor: Visitor, doctor: Caller, patient: Caller, seeder: Seeder
) -> None:
    """The picture was a blank, and `a`, Enter signed it."""
    assert patient.call("PUT", "/me/consents", json={"photos": False}).status == 200
    photo = photo_of("melanoma", (600, 450))
    sent = ANGULAR.send(seeder.server.port, photo, token=patient.token)
    number = sent.json["id"]
    journey = Journey(visitor, "unkept", Look(DESKTOP, dark=False, language="en"))
    visitor.enter(doctor, "doctor")
    visitor.go(f"case/{number}")
    visitor.find("[value=agree]:disabled")
    visitor.keys("a")
    assert visitor.count("[name=agreement]:checked") == 0
    journey.see("error_no_picture_to_agree_on")
    journey.step("form")
    visitor.keys("d")
    visitor.press(
        "input[name=label][value=melanoma]"
    )  # what the doctor saw, also where the model named it
    visitor.press("[name=teller][value=server]")
    visitor.press(".signing [value=stay]")
    visitor.find(".verdict.decided h1")
    [signed] = doctor.call("GET", f"/submissions/{number}/reviews").json
    assert (signed["label"], signed["agrees_with_label"]) == ("melanoma", None)
