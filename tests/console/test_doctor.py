"""A doctor's way through the console: the queue, a case, its review, the next one."""

import pytest

from tests.console.visitor import DESKTOP, PHONE, Visitor
from tests.photos import photo_of
from tests.served.people import Caller, Town
from tests.served.photo_clients import ANGULAR


@pytest.fixture
def doctor(town: Town) -> Caller:
    """With two patients, whose findings differ in urgency."""
    doctor = town.person("doctor")
    for key in ("melanocytic_nevus", "melanoma"):
        patient = town.person()
        town.services.admin.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
        consent = patient.call("PUT", "/me/consents", json={"photos": True})
        assert consent.status == 200
        sent = ANGULAR.send(town.server.port, photo_of(key, (600, 450)), token=patient.token)
        assert sent.status == 200
    return doctor


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_most_urgent_finding_is_reviewed_and_the_next_one_opened(
    visitor: Visitor, doctor: Caller, size: tuple[int, int]
) -> None:
    visitor.look(size)
    visitor.enter(doctor, "doctor")
    visitor.see("Urgent referral")
    assert visitor.text().index("Urgent referral") < visitor.text().index("Doctor's review")
    visitor.assert_accessible()
    visitor.assert_nothing_overflows()

    visitor.press(".list > li a")
    visitor.see("Sign the review")
    visitor.find(".heat-photo canvas")
    visitor.assert_accessible()
    visitor.assert_nothing_overflows()
    visitor.press("input[name=agreement][value=agree]")
    visitor.find("textarea[name=note]").send_keys("Excision advised.")
    visitor.press_button("Sign the review")
    visitor.see("Review signed")
    visitor.see("Excision advised.")
    visitor.press_button("Next case")
    visitor.see("Doctor's review")
    visitor.see_none("Excision advised.")
    visitor.assert_quiet()
    assert [row["reviewed"] for row in doctor.call("GET", "/queue").json] == [False, True]


def test_the_queue_is_worked_off_by_keyboard(visitor: Visitor, doctor: Caller) -> None:
    visitor.look()
    visitor.enter(doctor, "doctor")
    visitor.see("Urgent referral")
    visitor.find(".list > li.current")
    visitor.keys("o")
    visitor.see("Sign the review")
    visitor.keys("a")
    visitor.press_button("Sign the review")
    visitor.see("Review signed")
    visitor.assert_quiet()


def test_patients_in_care_are_listed_with_what_waits(visitor: Visitor, doctor: Caller) -> None:
    visitor.look(language="fr")
    visitor.enter(doctor, "doctor")
    visitor.go("patients")
    visitor.see("Avis spécialisé urgent")
    visitor.assert_accessible()
    visitor.assert_quiet()


def test_an_empty_queue_says_what_will_be_there(visitor: Visitor, town: Town) -> None:
    visitor.look()
    visitor.enter(town.person("doctor"), "doctor")
    visitor.see("Nothing waits for a review")
    visitor.assert_accessible()
    visitor.assert_quiet()
