"""A doctor's way through the console: the queue, a case, its review, the next one."""

from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.console.journey import Journey, Look, looks
from tests.console.visitor import Visitor
from tests.photos import UNCERTAIN, photo_in, photo_of
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import ANGULAR

FIRST, SECOND = ".list > li:nth-child(1)", ".list > li:nth-child(2)"


@pytest.fixture
def doctor(seeder: Seeder) -> Caller:
    """With three patients, whose findings differ in urgency."""
    doctor = seeder.person("doctor")
    spots = (photo_of("melanocytic_nevus", (600, 450)), photo_of("melanoma", (600, 450)))
    for photo in (*spots, photo_in(UNCERTAIN, (600, 450))):
        patient = seeder.person()
        seeder.services.admin.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
        consent = patient.call("PUT", "/me/consents", json={"photos": True})
        assert consent.status == 200
        sent = ANGULAR.send(seeder.server.port, photo, token=patient.token)
        assert sent.status == 200
    return doctor


@pytest.mark.parametrize("look", looks(2), ids=str)
def test_the_queue_is_worked_off_the_most_urgent_first(
    visitor: Visitor, doctor: Caller, look: Look
) -> None:
    journey = Journey(visitor, "doctor", look)
    visitor.enter(doctor, "doctor")
    open_the_most_urgent(journey)
    agree(journey)
    take_the_next_one_under_another_label(journey)
    look_at_the_patients(journey)
    assert labels(doctor) == {None: 1, "agree": 1, "disagree": 1}


def labels(doctor: Caller) -> dict[Any, int]:
    """How many findings of the queue have which agreement."""
    found = [row["id"] for row in doctor.call("GET", "/queue").json]
    reviews = [doctor.call("GET", f"/submissions/{one}/reviews").json for one in found]
    said = [of_one[0]["agreement"] if of_one else None for of_one in reviews]
    return {one: said.count(one) for one in said}


def open_the_most_urgent(journey: Journey) -> None:
    visitor = journey.visitor
    visitor.find(f"{FIRST} .band-urgent_referral")
    visitor.find(f"{FIRST}.current")
    visitor.find("img.thumb")
    journey.step("queue")
    if journey.on_phone:
        visitor.press(f"{FIRST} a")
    else:
        visitor.keys("j")
        visitor.find(f"{SECOND}.current")
        visitor.keys("k")
        visitor.find(f"{FIRST}.current")
        visitor.keys("o")
    visitor.find(".band-urgent_referral h1")
    visitor.slide(".heat-photo label:nth-of-type(2) input", Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    journey.step("case")


def agree(journey: Journey) -> None:
    visitor = journey.visitor
    if journey.on_phone:
        visitor.press("input[name=agreement][value=agree]")
    else:
        visitor.keys("a")
        visitor.find("[value=agree]:checked:focus")
        visitor.keys("n")
        visitor.find("textarea:focus")
    visitor.find("textarea[name=note]").send_keys("Excision advised.")
    journey.step("review")
    journey.press("sign")
    visitor.see("Excision advised.")
    visitor.find(".next-case.primary:focus")
    journey.step("signed")
    for language, button in (("en", "pdfEnglish"), ("fr", "pdfFrench")):
        journey.press(button)
        visitor.await_answer(f"/report.pdf?lang={language}")
    if journey.on_phone:
        journey.press("nextCase")
    else:
        visitor.keys("j")
    visitor.find(".case .band-doctor_review h1")
    visitor.see_none("Excision advised.")


def take_the_next_one_under_another_label(journey: Journey) -> None:
    visitor = journey.visitor
    visitor.press("input[name=agreement][value=disagree]")
    visitor.choose("label", "melanoma")
    visitor.choose("histology", "awaited")
    journey.step("another-label")
    journey.press("sign")
    visitor.find(".message.good")
    visitor.find(".case .verdict [role=alert]")  # what the review says stands first, at once
    visitor.press(".top a[href='#/queue']")
    visitor.find(".tabs")
    visitor.see_none(journey.say("signed"))
    visitor.find(FIRST)
    journey.press("reviewed", within="tabs")
    visitor.find(SECOND)
    journey.step("reviewed")
    journey.press("toTeach", within="tabs")
    journey.see("toTeachText")
    visitor.find(f"{FIRST} .band-referral, {FIRST} .band-doctor_review, {FIRST} .band-routine")
    journey.see("teachesNothing")
    journey.step("to-teach")


def look_at_the_patients(journey: Journey) -> None:
    visitor = journey.visitor
    visitor.press(".top a[href='#/patients']")
    visitor.find(".list .badge")
    journey.step("patients")
    journey.press("allFindings", within="list")
    visitor.find(f"{FIRST} .badge")
    journey.step("patient")
