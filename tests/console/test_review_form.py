"""What a doctor signs is what the bar beside the button says, and nothing falls far unasked."""

from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.console.test_spots import begin, send
from tests.console.test_workspace import DESK, opened
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder

STAY_OR_SEE = """
document.querySelector(".signing [value=stay]")?.click();
return Boolean(document.querySelector(".verdict.decided"));
"""
BAR = "return document.querySelector('.signing p').innerText"
IS_CUT = (
    "const bar = document.querySelector('.signing p'); return bar.scrollHeight > bar.clientHeight"
)
FITS = """
const select = document.querySelector("[name=urgency]");
const pen = document.createElement("canvas").getContext("2d");
pen.font = getComputedStyle(select).font;
const room = select.clientWidth - 32;
return [...select.options].every((one) => pen.measureText(one.text).width < room);
"""
LABELS = "return [...document.querySelectorAll('.labels .chip')].map((one) => one.innerText)"
SCROLLED = "return document.querySelector('.case-read').scrollTop"
MOLE = "melanocytic_nevus"


@pytest.fixture
def doctor(seeder: Seeder) -> Caller:
    """With a melanoma, and a mole of which the checklist says that it should be seen."""
    doctor = seeder.person("doctor")
    patient = seeder.person()
    seeder.services.decisions.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
    assert patient.call("PUT", "/me/consents", json={"photos": True}).status == 200
    spot = begin(patient, {"site": "back"})
    send(patient, "melanoma", lesion=spot, body_site="back")
    send(patient, MOLE, body_site="back", checklist="change_in_size,irregular_shape")
    return doctor


def open_case(visitor: Visitor, doctor: Caller, stated: str) -> int:
    rows = doctor.call("GET", "/queue").json
    [row] = [one for one in rows if one["headline"]["likely"]["key"] == stated]
    visitor.look(DESK)
    visitor.enter(doctor, "doctor")
    visitor.go(f"case/{row['id']}")
    return opened(visitor)


def signed(doctor: Caller, number: int) -> list[Any]:
    reviews: list[Any] = doctor.call("GET", f"/submissions/{number}/reviews").json
    return reviews


def press(visitor: Visitor, key: str, there: str) -> None:
    visitor.keys(key)
    visitor.find(there)


def test_a_result_is_the_diagnosis_and_is_read_before_it_is_signed(
    visitor: Visitor, doctor: Caller
) -> None:
    """ "Agree: squamous cell carcinoma" was signed beside "benign", which the bar cut off."""
    number = open_case(visitor, doctor, "melanoma")
    press(visitor, "a", "[value=agree]:checked:focus")
    visitor.choose("histology", "confirmed")
    visitor.choose("result", "benign_keratosis")
    assert visitor.count("[name=agreement]") == 0
    said = visitor.run(BAR)
    assert said.startswith("Histology: Benign (pigmented) keratosis · Routine visit")
    visitor.press(".signing [value=stay]")
    visitor.find(".doubt")
    assert "from Urgent referral to Routine visit" in visitor.run(BAR)
    assert visitor.run(IS_CUT) is False
    assert signed(doctor, number) == []
    visitor.await_truth(lambda: visitor.run(STAY_OR_SEE), "it to be signed, once it can be read")
    [review] = signed(doctor, number)
    assert (review["label"], review["histology_result"]) == ("benign_keratosis",) * 2
    assert review["downgrade_confirmed"] is True
    visitor.find(".spot-photos [aria-current] .band-routine")  # drawn again, without a reload
    assert visitor.find(".toast").text.startswith("Review signed: Histology: Benign")
    assert visitor.find(".case-head strong").text in visitor.find(".toast").text


def test_who_agrees_with_a_finding_in_doubt_is_asked_before_its_urgency_falls(
    visitor: Visitor, seeder: Seeder
) -> None:
    """One key made "not tested for this skin tone" an all-clear, "the doctor agrees"."""
    doctor, patient = seeder.person("doctor"), seeder.person()
    seeder.services.decisions.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
    assert patient.call("PUT", "/me/consents", json={"photos": True}).status == 200
    send(patient, MOLE, body_site="back", skin_tone="dark")
    number = open_case(visitor, doctor, MOLE)
    press(visitor, "a", "[value=agree]:checked:focus")
    visitor.keys(Keys.ENTER)
    visitor.see("The urgency falls from Doctor's review to Self-monitoring.")
    assert signed(doctor, number) == []
    visitor.await_truth(lambda: visitor.run(STAY_OR_SEE), "it to be signed, once it can be read")
    visitor.see("Urgency lowered from Doctor's review to Self-monitoring.")
    [review] = signed(doctor, number)
    kept = (review["downgrade_confirmed"], review["lowered_from"], review["lowered_to"])
    assert kept == (True, "doctor_review", "self_monitoring")


def test_another_photo_is_no_opinion_and_a_number_always_the_same_diagnosis(
    visitor: Visitor, doctor: Caller
) -> None:
    number = open_case(visitor, doctor, "melanoma")
    press(visitor, "d", "[value=disagree]:checked:focus")
    of_melanoma = [one.split("\n")[0] for one in visitor.run(LABELS)]
    press(visitor, "6", "[name=label]:checked")
    assert visitor.run(BAR) == "Melanocytic nevus (mole) · Self-monitoring"
    press(visitor, "p", "[name=picture]:checked:focus")
    assert visitor.run(BAR) == "Another photo wanted · Urgent referral"
    assert visitor.count("[name=label]") == visitor.count("[name=agreement]:checked") == 0
    visitor.press(".signing [value=stay]")
    visitor.find(".case .change")
    assert visitor.count(".signing") == 0
    visitor.await_truth(lambda: visitor.run(SCROLLED) == 0, "the decision in view")
    visitor.find(".verdict.decided.band-urgent_referral")
    visitor.assert_at_most_one_primary()
    [review] = signed(doctor, number)
    assert (review["label"], review["new_picture_wanted"]) == (None, True)
    visitor.see_none("the doctor is unsure")
    visitor.keys("d")
    visitor.find("#review")
    other = [one for one in doctor.call("GET", "/queue").json if one["id"] != number]
    visitor.go(f"case/{other[0]['id']}")
    opened(visitor)
    press(visitor, "d", "[value=disagree]:checked:focus")
    of_mole = [one.split("\n")[0] for one in visitor.run(LABELS)]
    assert of_mole == of_melanoma
    assert of_mole[0] == "Melanoma"


def test_only_what_is_grave_can_be_told_by_the_doctor_first(
    visitor: Visitor, doctor: Caller
) -> None:
    open_case(visitor, doctor, "melanoma")
    press(visitor, "a", "[value=agree]:checked:focus")
    assert visitor.count("[name=teller]") == 2
    press(visitor, "d", "[value=disagree]:checked:focus")
    visitor.keys("6")
    visitor.find("[name=hold]:disabled")
    visitor.see("Only for a cancer, or what asks for a visit this week.")
    options = visitor.find("[name=urgency]").text.split("\n")
    assert options[0] == "Self-monitoring, with this answer"
    assert options.count("Self-monitoring") == 0
    assert visitor.run(FITS)


def test_who_tells_the_patient_of_a_cancer_is_asked_once_before_it_is_signed(
    visitor: Visitor, doctor: Caller
) -> None:
    """Two keys told a patient of a melanoma by mail within a second."""
    number = open_case(visitor, doctor, "melanoma")
    assert visitor.count("[name=teller]") == 0
    press(visitor, "a", "[value=agree]:checked:focus")
    visitor.keys(Keys.ENTER)
    visitor.find("[name=teller]:focus")
    visitor.see("Say who tells the patient (b or v).")
    assert signed(doctor, number) == []
    press(visitor, "b", "[value=doctor]:checked:focus")
    visitor.find("[name=held]")
    visitor.find("[value=doctor]:focus").send_keys(Keys.SHIFT, Keys.ENTER)
    visitor.find(".show-now")
    [review] = signed(doctor, number)
    assert "held_until" in review
