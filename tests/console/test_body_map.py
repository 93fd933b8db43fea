"""Where a spot is: on the body map with a finger, by the keyboard, or in the list beneath it."""

from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.console.journey import Journey, Look
from tests.console.visitor import DESKTOP, PHONE, Visitor
from tests.served.people import Caller, Seeder

LOOKS = [
    Look(PHONE, dark=False, language="en"),
    Look((1366, 900), dark=True, language="fr"),
    Look((320, 256), dark=False, language="fr"),
]
# A tap at a point of the drawing, in its units, on the figure of that side.
TAP = """
const [side, x, y] = arguments;
const svg = document.querySelector(`.asking svg[data-side=${side}]`);
const at = new DOMPoint(x, y).matrixTransform(svg.getScreenCTM());
const told = {bubbles: true, clientX: at.x, clientY: at.y};
document.elementFromPoint(at.x, at.y)?.dispatchEvent(new MouseEvent("click", told));
"""
# Of each figure: its side, the words wholly left of its middle, those wholly right of it, and on
# how many lines these stand.
LABELS = """
return [...document.querySelectorAll(".where .body-map figure")].map((figure) => {
  const box = figure.querySelector("svg").getBoundingClientRect();
  const middle = box.left + box.width / 2;
  const words = [...figure.querySelectorAll("figcaption > span")].map((one) => {
    const range = document.createRange();
    range.selectNodeContents(one);
    return { text: one.textContent, box: range.getBoundingClientRect() };
  });
  const on = (test) => words.filter(({box}) => test(box)).map(({text}) => text).join();
  return [figure.querySelector("svg").dataset.side, on((one) => one.right <= middle),
    on((one) => one.left >= middle), new Set(words.map((one) => one.box.top)).size];
});
"""
ARM = {"site": "upper_extremity", "side": "front", "laterality": "left"}


@pytest.fixture
def ada(seeder: Seeder) -> Caller:
    return seeder.person()


def tap(visitor: Visitor, side: str, x: float, y: float) -> None:
    shown = f".asking svg[data-side={side}]"
    visitor.await_truth(lambda: visitor.find(shown).is_displayed(), f"the body from the {side}")
    visitor.run("arguments[0].scrollIntoView({block: 'center'})", visitor.find(shown))
    visitor.run(TAP, side, x, y)


def begin_spot(journey: Journey, ada: Caller) -> None:
    visitor = journey.visitor
    visitor.enter(ada, "user")
    journey.press("newSpot")
    visitor.find("dialog .body-map")


def places(ada: Caller) -> list[dict[str, Any]]:
    return [one["place"] for one in ada.call("GET", "/lesions").json]


def near(one: dict[str, Any], x: float, y: float) -> bool:
    return bool(abs(one["x"] - x) < 1 and abs(one["y"] - y) < 1)


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_one_tap_sets_the_point_and_another_corrects_it(
    visitor: Visitor, ada: Caller, look: Look
) -> None:
    journey = Journey(visitor, "body-map", look)
    begin_spot(journey, ada)
    journey.step("whole")
    tap(visitor, "front", 88.5, 82)  # a finger beside the arm
    arm = journey.say("seen_front", place=journey.say("site_upper_extremity"))
    arm = journey.say("at_left", site=arm)
    visitor.see(arm)
    visitor.find(".body-map.near g.point")
    journey.step("near")
    tap(visitor, "front", 80, 75)
    visitor.press("dialog .primary")
    visitor.await_truth(lambda: len(places(ada)) == 1, "the spot")
    [place] = places(ada)
    assert {**place, **ARM} == place
    assert near(place, 80, 75)
    visitor.find(".place .placed")
    visitor.see(arm)
    journey.step("spot")


def test_by_keyboard_a_place_is_chosen_in_the_list_and_moved_by_arrows(
    visitor: Visitor, ada: Caller
) -> None:
    journey = Journey(visitor, "body-map", Look(DESKTOP, dark=False, language="en"))
    begin_spot(journey, ada)
    visitor.choose("body_site", "upper_extremity")
    visitor.press("dialog .primary")
    visitor.see("whether it is on the left or on the right")
    visitor.press("dialog [name=body_laterality][value=left]")
    visitor.press("dialog [name=body_side][value=front]")
    visitor.press_button("Show the exact place")
    visitor.find(".near:focus")
    visitor.keys(Keys.ARROW_UP, Keys.ARROW_UP)
    visitor.see("the point is set")
    visitor.assert_accessible()
    visitor.press("dialog .primary")
    visitor.await_truth(lambda: len(places(ada)) == 1, "the spot")
    [place] = places(ada)
    assert {**place, **ARM} == place
    assert near(place, 79, 75)
