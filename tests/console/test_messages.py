"""A patient and the doctor in charge write to each other, each in a tab of their own."""

import pytest
from selenium import webdriver

from tests.console.journey import Journey, Look, looks
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder

MARKUP = "<b>Does it itch?</b>"


@pytest.fixture
def people(seeder: Seeder) -> tuple[Caller, Caller]:
    doctor, patient = seeder.person("doctor"), seeder.person()
    seeder.services.admin.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
    return doctor, patient


@pytest.mark.parametrize("look", looks(1), ids=str)
def test_patient_and_doctor_exchange_messages(
    visitor: Visitor, browser: webdriver.Chrome, people: tuple[Caller, Caller], look: Look
) -> None:
    doctor, patient = people
    spot = patient.call("POST", "/lesions", json={"place": {"site": "back"}}).json["id"]
    journey = Journey(visitor, "messages", look)
    visitor.enter(patient, "user")
    visitor.go(f"spot/{spot}")
    write(journey, "It has grown.")
    patients_tab = browser.current_window_handle
    browser.switch_to.new_window("tab")
    journey = Journey(visitor, "messages", look)
    visitor.enter(doctor, "doctor")
    journey.see("messagesNew")
    visitor.find(".unread")
    journey.step("queue")
    visitor.press(f"a[href='#/course/{spot}']")
    visitor.see("It has grown.")
    visitor.await_truth(lambda: visitor.count(".unread") == 0, "it is read")
    write(journey, MARKUP)
    journey.step("doctor")
    browser.switch_to.window(patients_tab)
    visitor.see(MARKUP)  # without loading the page again
    journey.see("messageRead")
    visitor.run("document.querySelector('[name=message]').scrollIntoView()")
    visitor.await_truth(lambda: patient.call("GET", "/messages").json == [], "it is read")
    journey.step("patient")
    journey.press("abuseReport")
    visitor.choose("abuse", "insult")
    journey.step("report")
    visitor.press("dialog .danger")
    journey.see("messageReported")


def write(journey: Journey, text: str) -> None:
    journey.visitor.find("[name=message]").send_keys(text)
    journey.press("messageSend")
    journey.visitor.see(text)
