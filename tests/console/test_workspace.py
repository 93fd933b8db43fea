"""A doctor's workspace: the list and the case beside each other, what stands in the address, and
how many keys a case takes.
"""

import re

import pytest
from selenium import webdriver
from selenium.webdriver.common.keys import Keys

from tests.console.journey import Journey, Look
from tests.console.test_spots import begin, send
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.support.backends import change_account

DESK = (1366, 768)
NAMES = ("Ada Lovelace", "Ben Okri", "Cyd Charisse", "Dan Brown")
HEIGHTS = """
const heights = [...document.querySelectorAll(".finding-row")].map((row) => row.offsetHeight);
return [Math.min(...heights), Math.max(...heights)];
"""
# Which share of the case's width the photo has, whether it stays where it is as one reads on, and
# whether all of it is in sight.
PHOTO = """
const [frame, pane, photo] = [".photo-frame", ".case", ".photo-frame img"]
  .map((one) => document.querySelector(one).getBoundingClientRect());
return [frame.width / pane.width, frame.top, photo.height <= frame.height + 1];
"""


@pytest.fixture
def doctor(seeder: Seeder) -> Caller:
    """With four patients; the first has a spot of three visits, and another finding."""
    doctor = seeder.person("doctor")
    for name in NAMES:
        patient = seeder.person()
        change_account(seeder.services, patient.id, name=name)
        seeder.services.decisions.assign_doctor(
            email=patient.email, doctor=doctor.email, by="admin"
        )
        assert patient.call("PUT", "/me/consents", json={"photos": True}).status == 200
        keys = ["melanoma"]
        if name == NAMES[0]:
            lesion = begin(patient, {"site": "back", "side": "rear", "x": 43.0, "y": 60.0}, "left")
            for key in ("melanocytic_nevus", "melanocytic_nevus", "melanoma"):
                send(patient, key, lesion=lesion, age_band="45-59")
            keys.append("dermatofibroma")
        for key in keys:
            send(patient, key, body_site="hand")
    return doctor


@pytest.mark.parametrize(
    "look",
    [Look(DESK, dark, language) for dark, language in ((False, "en"), (True, "fr"))],
    ids=str,
)
def test_on_a_desk_the_case_stands_beside_the_list(
    visitor: Visitor, doctor: Caller, look: Look
) -> None:
    journey = Journey(visitor, "workspace", look)
    visitor.enter(doctor, "doctor")
    visitor.find(".finding-row.current")
    journey.see("noCaseOpen")
    journey.step("list")
    low, high = visitor.run(HEIGHTS)
    assert 40 <= low <= high <= 56
    visitor.keys("o")
    visitor.find(".case .photo-frame img")
    visitor.find(".strip")
    journey.step("case")
    share, top, whole = visitor.run(PHOTO)
    assert share >= 0.6
    assert whole
    visitor.run("document.querySelector('.case-read').scrollBy(0, 400)")
    assert visitor.run(PHOTO)[1] == top
    first = visitor.run("return location.hash")
    visitor.keys("j")
    visitor.await_truth(lambda: visitor.run("return location.hash") != first, "the next case")
    visitor.find(".case .photo-frame img")
    visitor.keys("k")
    visitor.await_truth(lambda: visitor.run("return location.hash") == first, "the case before")


def test_a_review_is_signed_once_in_two_windows(
    visitor: Visitor, browser: webdriver.Chrome, doctor: Caller
) -> None:
    """The same again signs nothing; another one is not signed unseen."""
    number = doctor.call("GET", "/queue").json[0]["id"]
    first = browser.current_window_handle
    windows = [first]
    for _ in range(2):
        browser.switch_to.new_window("tab")
        windows.append(browser.current_window_handle)
    for window in windows:
        browser.switch_to.window(window)
        visitor.look(DESK)
        visitor.enter(doctor, "doctor")
        visitor.go(f"case/{number}")
        opened(visitor)
    for window, key in zip(windows, "aad", strict=True):
        browser.switch_to.window(window)
        visitor.keys(key)
        if key == "d":
            visitor.find("[value=disagree]:checked:focus")
            visitor.keys("2")
            visitor.find("[name=label]:checked")
        visitor.press("[name=teller][value=server]")
        visitor.press(".signing [value=stay]")
        if key == "a":
            visitor.see("Review signed")
    visitor.see("You have signed another review of this finding meanwhile")
    assert len(doctor.call("GET", f"/submissions/{number}/reviews").json) == 1
    visitor.find(".note, .message strong")
    visitor.press(".signing [value=stay]")
    visitor.see("Review signed")
    assert len(doctor.call("GET", f"/submissions/{number}/reviews").json) == 2
    for window in windows[1:]:
        browser.switch_to.window(window)
        browser.close()
    browser.switch_to.window(first)


HASH = "return location.hash"


def opened(visitor: Visitor) -> int:
    """The number of the case that is open, once its photo is there."""
    visitor.find(".case .photo-frame img")
    number = re.match(r"#/case/(\d+)", visitor.run(HASH))
    assert number
    return int(number[1])


def test_a_case_is_reviewed_and_left_with_three_keys_or_four(
    visitor: Visitor, doctor: Caller
) -> None:
    """Each key, and what is waited for after it: a person looks, too."""
    visitor.look(DESK)
    visitor.enter(doctor, "doctor")
    visitor.find(".finding-row.current")
    visitor.keys("o")
    tells = ("v", "[value=server]:checked:focus")
    agreed = press_through(visitor, ("a", "[value=agree]:checked:focus"), tells)
    other = press_through(
        visitor, ("d", "[value=disagree]:checked:focus"), ("2", "[name=label]:checked"), tells
    )
    wanted = press_through(visitor, ("p", "[name=picture]:checked:focus"))
    said = [
        doctor.call("GET", f"/submissions/{number}/reviews").json[0]
        for number in (agreed, other, wanted)
    ]
    told = [(one["agreement"], one["certainty"], one["new_picture_wanted"]) for one in said]
    assert told[0] == ("agree", "sure", False)
    assert told[1] == ("disagree", "sure", False)
    assert told[2][2] is True
    visitor.assert_quiet()


def press_through(visitor: Visitor, *steps: tuple[str, str]) -> int:
    """The keys, and Enter, which opens the next case; the number of the case that was open."""
    number = opened(visitor)
    for key, selector in steps:
        visitor.keys(key)
        visitor.find(selector)
    visitor.keys(Keys.ENTER)
    visitor.await_truth(lambda: f"case/{number}" not in visitor.run(HASH), "the next case")
    return number


def test_the_address_keeps_what_is_listed_and_which_case_is_open(
    visitor: Visitor, doctor: Caller
) -> None:
    visitor.look(DESK)
    visitor.enter(doctor, "doctor")
    visitor.find(".finding-row")
    steps = visitor.run("return history.length") - 1
    visitor.keys("/")
    visitor.find("#search:focus")
    visitor.keys("Lovelace")
    visitor.await_truth(lambda: "q=Lovelace" in visitor.run(HASH), "the search")
    names = "return [...document.querySelectorAll('.cases .cover')].map((one) => one.textContent)"
    visitor.await_truth(lambda: visitor.count(".finding-row") == 5, "the findings of Ada alone")
    assert all("Ada Lovelace" in name for name in visitor.run(names))
    assert visitor.run("return history.length") == steps + 1  # what is typed is no step for Back
    visitor.choose("which-urgency", "doctor_review")
    visitor.await_truth(lambda: visitor.count(".finding-row") < 5, "one urgency")
    visitor.press(".finding-row a")
    number = opened(visitor)
    visitor.run("location.reload()")
    assert opened(visitor) == number
    visitor.find(".finding-row.current")
    assert visitor.find("#search").get_attribute("value") == "Lovelace"
    assert visitor.find("[name=which-urgency]").get_attribute("value") == "doctor_review"
    visitor.run("history.back()")
    visitor.await_truth(lambda: visitor.count(".case") == 0, "the list alone")
