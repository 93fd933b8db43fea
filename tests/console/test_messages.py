import pytest
from selenium import webdriver

from tests.console.journey import Journey, Look, looks
from tests.console.test_sessions import log_in
from tests.console.test_spots import begin, send
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder

MARKUP = "<b>Does it itch?</b>"
# The list of messages. Other tests leave urgent findings without a doctor in the queue.
UNREAD = ".unread:not([title])"
UNSENT = "Please photograph it again in daylight"


@pytest.fixture
def people(seeder: Seeder) -> tuple[Caller, Caller]:
    doctor, patient = seeder.person("doctor"), seeder.person()
    seeder.services.decisions.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
    return doctor, patient


@pytest.mark.parametrize("look", looks(1), ids=str)
def test_patient_and_doctor_exchange_messages(
    visitor: Visitor, browser: webdriver.Chrome, people: tuple[Caller, Caller], look: Look
) -> None:
    doctor, patient = people
    spot = begin(patient, {"site": "back"})
    number = send(patient, "melanoma", lesion=spot)
    journey = Journey(visitor, "messages", look)
    visitor.enter(patient, "user")
    visitor.go(f"spot/{spot}")
    write(journey, "It has grown.")
    patients_tab = browser.current_window_handle
    browser.switch_to.new_window("tab")
    journey = Journey(visitor, "messages", look)
    visitor.enter(doctor, "doctor")
    visitor.find(UNREAD)
    visitor.find(".notes a")
    journey.step("queue")
    visitor.press(f".notes a[href='#/case/{number}?at=messages']")
    visitor.see("It has grown.")
    journey.see("messageWaits")
    path = f"/conversations/{spot}/messages"
    visitor.await_truth(lambda: bool(patient.call("GET", path).json[0]["read_at"]), "it is read")
    visitor.find(UNREAD)
    journey.step("read")
    write(journey, MARKUP)
    visitor.await_truth(lambda: visitor.count(UNREAD) == 0, "it is answered")
    assert patient.call("POST", path, json={"text": "Thank you!"}).status == 201
    visitor.find(UNREAD)
    journey.press("messagesDone")
    visitor.await_truth(lambda: visitor.count(f"{UNREAD}, .end-messages") == 0, "it is done")
    journey.step("doctor")
    talk_in_the_case(journey, number)
    browser.switch_to.window(patients_tab)
    visitor.see(MARKUP)  # without loading the page again
    visitor.find(f".conversation a[href='#/finding/{number}']")
    journey.see("messageRead")
    visitor.run("document.querySelector('[name=message]').scrollIntoView()")
    visitor.await_truth(lambda: patient.call("GET", "/messages").json == [], "it is read")
    journey.step("patient")
    visitor.find("[name=message]").send_keys(UNSENT)
    for person in (None, patient):
        log_in(visitor, person, leave=True)
    visitor.go(f"spot/{spot}")
    visitor.see(MARKUP)
    assert visitor.find("[name=message]").get_attribute("value") == ""


def talk_in_the_case(journey: Journey, number: int) -> None:
    visitor = journey.visitor
    visitor.go(f"case/{number}")
    visitor.find("[name=message]").send_keys(UNSENT)
    visitor.go("queue")
    visitor.find("[name=which-list]")
    visitor.go(f"case/{number}")
    visitor.see(MARKUP)
    assert visitor.find("[name=message]").get_attribute("value") == UNSENT
    journey.step("case")
    write(journey, ".")


def write(journey: Journey, text: str) -> None:
    journey.visitor.find("[name=message]").send_keys(text)
    journey.press("messageSend")
    journey.visitor.see(text)


@pytest.mark.parametrize("look", looks(2), ids=str)
def test_a_patient_writes_at_once_and_is_answered_without_a_spot(
    visitor: Visitor, browser: webdriver.Chrome, people: tuple[Caller, Caller], look: Look
) -> None:
    doctor, patient = people
    journey = Journey(visitor, "general-message", look)
    visitor.enter(patient, "user")
    visitor.press("a[href='#/messages']")
    journey.see("messageText")
    journey.step("write")
    write(journey, "May I swim?")
    patients_tab = browser.current_window_handle
    browser.switch_to.new_window("tab")
    journey = Journey(visitor, "general-message", look)
    visitor.enter(doctor, "doctor")
    visitor.find(f".notes a[href='#/patients/{patient.id}?at=messages']")
    journey.see("generalMessage")
    journey.step("queue")
    visitor.press(f".notes a[href='#/patients/{patient.id}?at=messages']")
    visitor.see("May I swim?")
    path = f"/conversations/{patient.id}/messages"
    visitor.await_truth(lambda: bool(patient.call("GET", path).json[0]["read_at"]), "it is read")
    journey.step("patient")
    write(journey, "Yes, you may.")
    visitor.await_truth(lambda: visitor.count(UNREAD) == 0, "it is answered")
    browser.switch_to.window(patients_tab)
    visitor.go("check")
    visitor.go("spots")
    visitor.press(".task a[href='#/messages']")
    visitor.see("Yes, you may.")
    visitor.await_truth(lambda: patient.call("GET", "/messages").json == [], "it is read")
    journey.step("answered")
