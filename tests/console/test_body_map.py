import pytest
from selenium.webdriver.common.keys import Keys

from tests.console.journey import Journey, Look
from tests.console.test_spots import open_menu, send
from tests.console.visitor import DESKTOP, Visitor
from tests.served.people import Caller

ARM = {"site": "upper_extremity", "side": "front", "laterality": "left"}


def test_by_keyboard_a_place_is_chosen_in_the_list_and_moved_by_arrows(
    visitor: Visitor, ada: Caller
) -> None:
    journey = Journey(visitor, "body-map", Look(DESKTOP, dark=False, language="en"))
    number = send(ada, "melanocytic_nevus")
    spot = ada.call("GET", f"/submissions/{number}").json["lesion"]
    visitor.enter(ada, "user")
    visitor.open_view(f"spot/{spot}")
    open_menu(journey)
    journey.press("changeSpot")
    visitor.find("dialog .body-map")
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
    visitor.see("Left arm")
    place = ada.call("GET", f"/lesions/{spot}").json["place"]
    assert {**place, **ARM} == place
    assert (place["x"], place["y"]) == (pytest.approx(79, abs=1), pytest.approx(75, abs=1))
