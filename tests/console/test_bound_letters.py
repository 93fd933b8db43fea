import pytest
from selenium import webdriver

from tests.console.journey import Journey, Look, looks
from tests.console.test_letters import CANCER
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import as_form, post
from tests.served.server import Server
from tests.support.photos import photo_of
from tests.support.reviews import sign_review

SIDES = {"en": "left arm", "fr": "bras, à gauche"}
BEFORE = {"en": "Since then: a correction", "fr": "une correction"}
TOLD = {"age_band": "45-59", "body_site": "upper_extremity"}


def correct(patient: Caller, number: int, side: str) -> None:
    version = patient.call("GET", f"/submissions/{number}").json.get("version", 1)
    body = {**TOLD, "body_laterality": side, "version": version}
    answer = patient.call("PUT", f"/submissions/{number}/facts", json=body)
    assert answer.status == 200, answer.json


@pytest.mark.parametrize("look", looks(2), ids=str)
def test_a_letter_of_a_spot_that_has_changed_is_read_again(
    browser: webdriver.Chrome, server: Server, seeder: Seeder, look: Look
) -> None:
    visitor = Visitor(browser, server.port)
    journey = Journey(visitor, "bound-letter", look)
    doctor = seeder.person("doctor", locale=look.language)
    patient = seeder.person(locale=look.language)
    seeder.services.decisions.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
    assert patient.call("PUT", "/me/consents", json={"photos": True}).status == 200
    told = {**TOLD, "body_laterality": "left"}
    body, kind = as_form(photo_of("melanoma", (600, 450)), "image", **told)
    headers = {"Content-Type": kind, "Authorization": f"Bearer {patient.token}"}
    number: int = post(server.port, "/predict", body, headers).json["id"]
    said = {"label": "melanoma", "certainty": "sure"}
    assert sign_review(doctor, number, said).status == 201
    visitor.enter(doctor, "doctor")
    visitor.go(f"case/{number}")
    journey.press("letterNew_patient")
    text = visitor.find("[name=letter]")
    if not journey.on_phone:  # one that the doctor edits is stored first
        text.send_keys("+")
    correct(patient, number, "right")
    send = journey.say("letterSignTells", name="Ada", cancer=CANCER[look.language])
    visitor.press_button(send)
    journey.see("letterSpotChanged")
    journey.step("outdated", expected=("/letters/",))
    journey.press("letterReload")
    side = SIDES[look.language]
    visitor.await_truth(lambda: side not in visitor.text(), "the case anew")
    journey.step("changed")
    if not journey.on_phone:  # an edited text was kept, and still says the other side
        visitor.press_button(send)
        visitor.await_truth(lambda: visitor.count(".marked mark") == 1, "the mark")
        visitor.press(".marked label")
    visitor.press_button(send)
    journey.see("letterIsSigned_patient")
    correct(patient, number, "left")
    visitor.enter(patient, "user")
    visitor.go(f"finding/{number}")
    assert BEFORE[look.language] in visitor.read(".letter .written-before")
    journey.step("written-before")
    error = {"reason": "Ada has said so."}
    admin = seeder.person("admin")
    answer = admin.call("POST", f"/submissions/{number}/entered-in-error", json=error)
    assert answer.status in (200, 201), answer.json
    visitor.enter(doctor, "doctor")
    visitor.go(f"case/{number}")
    journey.see("inErrorReason", reason="Ada has said so.")
    journey.see("inErrorPatient")
    journey.step("in-error", expected=(f"/submissions/{number}",))
