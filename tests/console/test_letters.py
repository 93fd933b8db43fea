"""A doctor's letter in the console: drafted, changed and signed by keyboard alone, below what was
decided; the patient reads it, until a later decision supersedes it or its doctor withdraws it.
"""

import pytest
from selenium.webdriver.common.keys import Keys

from tests.console.journey import LOOKS, Journey, Look, looks
from tests.console.test_late_answers import answer, hold_answers
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import ANGULAR
from tests.support.photos import photo_of

HARMLESS = {
    "en": "The spot is harmless [see <b>] (12.5%).",
    "fr": "La tache est anodine [voir <b>] (12,5 %).",
}
FOCUSED = "return document.activeElement.textContent.trim()"


@pytest.fixture
def people(seeder: Seeder) -> tuple[Caller, Caller]:
    """A doctor and a patient with a finding."""
    doctor, patient = seeder.person("doctor"), seeder.person()
    seeder.services.decisions.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
    assert patient.call("PUT", "/me/consents", json={"photos": True}).status == 200
    photo = photo_of("melanoma", (600, 450))
    assert ANGULAR.send(seeder.server.port, photo, token=patient.token).status == 200
    return doctor, patient


@pytest.mark.parametrize("look", looks(0), ids=str)
def test_a_letter_is_signed_by_keyboard_and_read_by_the_patient(
    visitor: Visitor, people: tuple[Caller, Caller], look: Look
) -> None:
    doctor, patient = people
    (number,) = [one["id"] for one in doctor.call("GET", "/queue").json]
    journey = Journey(visitor, "letter", look)
    review(doctor, number, "melanoma")
    visitor.enter(doctor, "doctor")
    hold_answers(visitor, "GET", "/letters")
    visitor.go(f"case/{number}")
    visitor.find(".next-case")
    visitor.keys("l")  # before it is known whether there are letters
    visitor.run("window.released = true")  # those that come after it
    answer(visitor)
    visitor.find("[name=letter]:focus")
    journey.see("letterBegins")
    begins = visitor.find(".letter-decision").text
    journey.step("draft")
    visitor.keys(Keys.CONTROL, Keys.END, Keys.NULL)
    visitor.keys(Keys.ENTER, Keys.ENTER, HARMLESS[journey.language])
    reach(journey, journey.say("letterStore"))
    visitor.keys(Keys.ENTER)
    journey.see("letterStored")
    assert patient.call("GET", f"/submissions/{number}/letters").json == []
    visitor.keys("l")
    visitor.find("[name=letter]:focus")
    reach(journey, sign_of(journey))
    visitor.keys(Keys.ENTER)
    journey.see("letterIsSigned_patient")
    visitor.find(".letter-text")
    journey.step("signed")
    visitor.enter(patient, "user")
    visitor.go(f"finding/{number}")
    visitor.find(".letter-text")
    assert visitor.find(".letter h2").text == journey.say("letterToYou")
    assert_it_begins_with(visitor, begins, HARMLESS[journey.language])
    look_at_letter(journey, "patient")
    review(doctor, number, "melanocytic_nevus", urgency="routine")
    visitor.go("home")
    visitor.go(f"finding/{number}")
    (letter,) = patient.call("GET", f"/submissions/{number}/letters").json
    assert letter["superseded"]
    assert visitor.find(".struck summary").text.startswith(before(journey, "letterSuperseded"))
    assert not visitor.find(".struck .letter-text").is_displayed()
    visitor.press(".struck summary")
    look_at_letter(journey, "superseded")


def assert_it_begins_with(visitor: Visitor, decision: str, written: str) -> None:
    shown = visitor.find(".letter").text
    assert 0 < shown.find(decision) < shown.find(written)


def review(doctor: Caller, number: int, label: str, **said: str) -> None:
    body = {"label": label, "certainty": "sure", "told_by": "server", **said}
    assert doctor.call("POST", f"/submissions/{number}/review", json=body).status == 201


def look_at_letter(journey: Journey, name: str) -> None:
    journey.visitor.run("document.querySelector('.letter').scrollIntoView({block: 'center'})")
    journey.step(name)


def before(journey: Journey, key: str) -> str:
    """The words before the first hole."""
    return journey.say(key, date="{", decided="", name="{", reason="").partition("{")[0]


@pytest.mark.parametrize("look", looks(1), ids=str)
def test_what_a_doctor_writes_is_signed_and_a_signed_letter_is_withdrawn(
    visitor: Visitor, people: tuple[Caller, Caller], look: Look
) -> None:
    doctor, patient = people
    (number,) = [one["id"] for one in doctor.call("GET", "/queue").json]
    path = f"/submissions/{number}/letters"
    review(doctor, number, "melanoma")
    draft = doctor.call("POST", path, json={"reader": "patient", "language": look.language}).json
    journey = Journey(visitor, "withdrawal", look)
    text = f"{draft['text']}\n\n{HARMLESS[journey.language]}"
    body = {"text": text, "version": draft["version"]}
    assert doctor.call("PUT", f"/letters/{draft['_id']}", json=body).status == 200
    visitor.enter(doctor, "doctor")
    visitor.go(f"case/{number}")
    visitor.find("[name=letter]")
    visitor.press_button(sign_of(journey), "letter")
    journey.see("letterIsSigned_patient")
    journey.press("letterWithdraw", "letter")
    visitor.press("dialog .danger")
    journey.see("letterReasonMissing")
    visitor.type(withdrawal="12.5 %")
    journey.step("reason")
    visitor.press("dialog .danger")
    journey.see("letterIsWithdrawn")
    assert "12.5 %" in visitor.find(".struck summary").text
    look_at_letter(journey, "withdrawn")
    (letter,) = patient.call("GET", path).json
    assert (letter["text"], letter["withdrawn"]["reason"]) == (text, "12.5 %")


def sign_of(journey: Journey) -> str:
    """The label of the button that signs a letter to a patient with a melanoma."""
    cancer = {"en": "a melanoma", "fr": "un mélanome"}[journey.language]
    return journey.say("letterSignTells", name="Ada", cancer=cancer)


def reach(journey: Journey, wanted: str) -> None:
    """Tab on from the text until this button has the focus."""
    for _ in range(5):
        journey.visitor.keys(Keys.TAB)
        if journey.visitor.run(FOCUSED) == wanted:
            return
    raise AssertionError(f"{wanted} is not reached by Tab")


def test_a_text_that_was_changed_in_another_window_is_not_written_over(
    visitor: Visitor, people: tuple[Caller, Caller]
) -> None:
    doctor, _ = people
    (number,) = [one["id"] for one in doctor.call("GET", "/queue").json]
    path = f"/submissions/{number}/letters"
    draft = doctor.call("POST", path, json={"reader": "patient"}).json
    journey = Journey(visitor, "letter", LOOKS[0])
    visitor.look((320, 256))  # a small window at 400 %
    visitor.enter(doctor, "doctor")
    visitor.go(f"case/{number}")
    journey.see("error_letter_unreviewed")
    visitor.find("[name=letter]").send_keys(" One more word.")
    body = {"text": "Please see a doctor this week.", "version": draft["version"]}
    assert doctor.call("PUT", f"/letters/{draft['_id']}", json=body).status == 200
    journey.press("letterStore")
    journey.see("error_letter_changed")
    journey.step("changed", expected=(f"/letters/{draft['_id']}",))
    journey.press("letterReload")
    visitor.await_truth(
        lambda: visitor.find("[name=letter]").get_property("value") == body["text"], "its text"
    )


def test_a_decision_that_came_since_is_read_before_it_is_signed(
    visitor: Visitor, people: tuple[Caller, Caller]
) -> None:
    doctor, patient = people
    (number,) = [one["id"] for one in doctor.call("GET", "/queue").json]
    review(doctor, number, "melanocytic_nevus", urgency="routine")
    journey = Journey(visitor, "letter", LOOKS[0])
    visitor.enter(doctor, "doctor")
    visitor.go(f"case/{number}")
    visitor.find(".next-case")
    visitor.keys("l")
    visitor.find("[name=letter]:focus").send_keys(" One more word.")
    review(doctor, number, "melanoma")
    visitor.find("[name=letter]").send_keys(Keys.CONTROL, Keys.ENTER)
    journey.see("error_letter_decision")
    journey.step("another-decision", expected=("/sign",))
    assert patient.call("GET", f"/submissions/{number}/letters").json == []
    journey.press("letterReload")
    visitor.await_truth(
        lambda: "elanoma" in visitor.find(".letter-decision").text, "with what it begins"
    )
    assert "One more word." in str(visitor.find("[name=letter]").get_property("value"))
