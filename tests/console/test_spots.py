from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.keys import Keys

from skinapi.platform.storage.ids import now
from tests.care.test_comparisons import visit
from tests.console.journey import Journey, Look, file_of, looks
from tests.console.visitor import PHONE, Visitor
from tests.model.comparison.pictures import spot, with_disc
from tests.model.photos import encoded
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import as_form, post
from tests.support.photos import COLOURS, LIKE_NO_SKIN, photo_in, photo_of
from tests.support.size import in_drill

DESK = (1366, 768)
BACK = {"site": "back", "side": "rear", "x": 43.0, "y": 60.0}
AT_400_PERCENT = Look((320, 256), dark=False, language="en")
UNCHANGED = {
    "en": "The area, outline and colours of the spot and the skin beside it have not changed",
    "fr": "La surface, le contour et les couleurs de la tache et de la peau voisine n'ont pas",
}
DARKER = {
    "en": "A part of the spot, or of the skin beside it, has become darker",
    "fr": "Une partie de la tache, ou de la peau voisine, est devenue plus foncée",
}
GROWN = {"en": "The spot has grown by about", "fr": "La tache a grandi d'environ"}
PHOTO_BEGINS = "return document.querySelector('.compared img').getBoundingClientRect().top"
TURNED = "return getComputedStyle(document.querySelector('.later img')).transform.split('(')[0]"
CUT = "return document.querySelector('.later').style.clipPath"
ZOOMED = "return [...document.querySelectorAll('.looked')].map((one) => one.style.transform)"


@pytest.fixture
def ada(seeder: Seeder) -> Caller:
    ada = seeder.person()
    assert ada.call("PUT", "/me/consents", json={"photos": True}).status == 200
    return ada


def send(caller: Caller, key: str, **told: str) -> int:
    return send_photo(caller, photo_of(key, (600, 450)), **told)


def send_photo(caller: Caller, photo: bytes, **told: str) -> int:
    body, kind = as_form(photo, "image", **{"keep_photo": "true", **told})
    headers = {"Authorization": f"Bearer {caller.token}", "Content-Type": kind}
    return int(post(caller.port, "/predict", body, headers).json["id"])


def in_benign_colours(picture: Image.Image) -> bytes:
    """The model of the tests distinguishes conditions by their colour."""
    pixels = np.asarray(picture, np.float64)
    moved = pixels + COLOURS["dermatofibroma"] - pixels.mean(axis=(0, 1))
    return encoded(Image.fromarray(moved.clip(0, 255).astype(np.uint8)), quality=90)


def begin(caller: Caller, place: dict[str, Any], name: str | None = None) -> str:
    created = caller.call("POST", "/lesions", json={"place": place, "name": name})
    return str(created.json["id"])


HOLD_COMPARISON = """
const send = window.fetch;
window.fetch = (path, ...rest) =>
  `${path}`.includes("/comparison") ? new Promise(() => {}) : send(path, ...rest);
"""
OVERLAP = """
const [photo, menu] = [".thumb", ".menu-button"].map((one) =>
  document.querySelector(`.own-findings li ${one}`).getBoundingClientRect());
return photo.bottom > menu.top && photo.right > menu.left;
"""


def test_nothing_covers_or_hides_the_photos_of_a_spot(visitor: Visitor, patient: Caller) -> None:
    spot = begin(patient, BACK)
    for key in ("melanocytic_nevus", "melanoma"):
        send(patient, key, lesion=spot)
    visitor.enter(patient, "user")
    visitor.open_view(f"spot/{spot}")
    visitor.find(".own-findings .thumb")
    visitor.run("document.querySelector('.own-findings').scrollIntoView()")  # loads them
    visitor.find(".own-findings img")
    assert visitor.run(OVERLAP) is False
    visitor.run(HOLD_COMPARISON)
    visitor.go(f"visits/{spot}")
    visitor.await_truth(lambda: visitor.count(".beside img") == 2, "both photos")


def spots_of(caller: Caller) -> dict[str, int]:
    return {item["name"]: item["findings"] for item in caller.call("GET", "/lesions").json}


@pytest.mark.parametrize("look", looks(0), ids=str)
def test_findings_are_moved_to_spots_which_can_be_changed_and_deleted(
    visitor: Visitor, ada: Caller, look: Look
) -> None:
    left = begin(ada, BACK, "left of the spine")
    send(ada, "melanocytic_nevus", lesion=left)
    second, third = (send(ada, key, body_site="back") for key in ("melanoma", "dermatofibroma"))
    journey = Journey(visitor, "spots", look)
    visitor.enter(ada, "user")
    sort(journey, ada, second, left)
    assert spots_of(ada) == {"left of the spine": 2, None: 1}
    visitor.open_view(f"spot/{left}")
    change(journey)
    assert spots_of(ada) == {"beside the spine": 2, None: 1}
    open_menu(journey)
    journey.press("deleteSpot")
    visitor.press("dialog .danger")
    journey.see("title_spots")
    journey.step("deleted")
    assert spots_of(ada) == {"beside the spine": 0, None: 1}
    [kept] = ada.call("GET", "/submissions").json
    assert kept["id"] == third
    visitor.go(f"spot/{left}")  # as a mail of before names it
    journey.see("photosDeleted")
    journey.step("photos-deleted")
    nowhere = "0" * 32
    visitor.go(f"spot/{nowhere}")
    journey.see("spotGone")
    journey.step("gone", expected=(f"/lesions/{nowhere}",))


def test_an_urgent_spot_stays_on_the_home_page_when_its_photos_are_deleted(
    visitor: Visitor, doctor: Caller, patient: Caller
) -> None:
    number = send(patient, "melanoma", lesion=begin(patient, BACK, "left of the spine"))
    instruction = patient.call("GET", f"/submissions/{number}").json["instruction"]
    [spot] = patient.call("GET", "/lesions").json
    journey = Journey(visitor, "removed", Look(DESK, dark=False, language="en"))
    visitor.enter(patient, "user")
    visitor.open_view(f"spot/{spot['id']}")
    open_menu(journey)
    journey.press("deleteSpot")
    visitor.see("No doctor has looked at this answer yet.")
    visitor.see("Once the photo is deleted, no doctor here can.")
    [warning] = visitor.read_all("dialog .message")
    assert instruction["action"] in warning
    visitor.press("dialog .danger")
    row = ".spot-row"
    visitor.await_truth(lambda: visitor.count(row) == 1, "the spot in the list")
    [said] = visitor.read_all(row)
    assert "left of the spine" in said
    assert "Photo of " in said
    assert " removed" in said
    assert visitor.count(f"{row} .due") == 1
    assert visitor.count(".body-map [class~=band-urgent_referral]") == 1
    [visit_first] = visitor.read_all(".visit h2")
    assert instruction["action"] in visit_first
    visitor.press(f"{row} a[href='#/spot/{spot['id']}']")
    journey.see("photosDeleted")
    assert visitor.count(f"main a[href$='/{number}']") == 0
    visitor.enter(doctor, "doctor")
    visitor.go(f"course/{spot['id']}")
    journey.see("deletedPhoto")
    assert visitor.count(f"main a[href$='/{number}']") == 0


def sort(journey: Journey, ada: Caller, number: int, chosen: str) -> None:
    visitor = journey.visitor
    spot = ada.call("GET", f"/submissions/{number}").json["lesion"]
    visitor.open_view(f"spot/{spot}")
    journey.see("course", count="1")
    journey.step("spots")
    visitor.press(f".menu-button[popovertarget='menu-{number}']")
    visitor.press(f"#menu-{number} button:not(.danger)")
    visitor.find("select[name=spot] optgroup")
    visitor.find(".alike figure:last-child img")
    assert visitor.find("select[name=spot]").get_attribute("value"), "the one that looks alike"
    visitor.choose("spot", chosen)
    journey.step("sort")
    visitor.press("dialog .primary")
    visitor.await_truth(lambda: visitor.count("dialog") == 0, "the dialog to close")


def open_menu(journey: Journey) -> None:
    journey.visitor.find(".spot-head .menu-button").send_keys(Keys.ENTER)
    journey.see("changeSpot")


def change(journey: Journey) -> None:
    visitor = journey.visitor
    journey.see("course", count="2")
    journey.step("spot")
    open_menu(journey)
    journey.press("changeSpot")
    visitor.type(spot_name="beside the spine")
    visitor.press("dialog .body-map figure:last-child path:nth-of-type(3)")
    journey.step("change")
    visitor.press("dialog .primary")
    visitor.see("Beside the spine")


@pytest.mark.parametrize("look", [*looks(1), *in_drill(AT_400_PERCENT)], ids=str)
def test_two_visits_lie_over_each_other_and_what_cannot_be_compared_beside_each_other(
    visitor: Visitor, ada: Caller, look: Look
) -> None:
    lesion = begin(ada, BACK, "left of the spine")
    other = send_photo(ada, encoded(spot(2), quality=90), lesion=lesion)
    first, second, _ = (
        send_photo(ada, encoded(picture, quality=90), lesion=lesion)
        for picture in (spot(1), visit(spot(1)), visit(with_disc(spot(1), 265, 200, 24)))
    )
    journey = Journey(visitor, "visits", look)
    visitor.enter(ada, "user")
    visitor.find(f"ol.list a[href='#/spot/{lesion}']")
    journey.step("spots")
    visitor.press(f"ol.list a[href='#/spot/{lesion}']")
    visitor.find(f"a[href='#/visits/{lesion}']")
    journey.step("spot")
    journey.press("sideBySide")
    visitor.see(DARKER[look.language])
    journey.step("changed")
    assert visitor.run(PHOTO_BEGINS) < look.size[1] / 2, "the photos come first"
    visitor.choose("first", str(first))
    visitor.choose("second", str(second))
    visitor.see(UNCHANGED[look.language])
    assert visitor.count(".compared section li") == 4  # area, colour, asymmetry and any part
    assert visitor.run(TURNED) == "matrix"
    visitor.slide(".aligned [type=range]", Keys.ARROW_RIGHT)
    visitor.await_truth(lambda: "51%" in visitor.run(CUT), "the slider to uncover")
    journey.step("unchanged")
    look_at_both(journey)
    visitor.choose("first", str(other))
    visitor.find(".beside figure img")
    assert visitor.count(".aligned") == 0
    visitor.slide("[name=zoom]", Keys.ARROW_RIGHT)
    visitor.await_truth(lambda: visitor.run(ZOOMED) == ["scale(1.5)"] * 2, "both to be larger")
    journey.step("not-comparable")


@pytest.mark.parametrize(
    "look", [Look(PHONE, True, "fr"), *in_drill(Look(DESK, False, "en"))], ids=str
)
def test_a_doctor_reads_how_much_it_has_grown_before_the_review_and_in_the_queue(
    visitor: Visitor, doctor: Caller, patient: Caller, look: Look
) -> None:
    """Its photo alone asks for no less than the comparison."""
    lesion = begin(patient, BACK)
    before, after = (
        send_photo(patient, in_benign_colours(picture), skin_tone="dark", lesion=where)
        for picture, where in ((spot(1), begin(patient, BACK)), (visit(spot(1, area=1.35)), lesion))
    )
    own = patient.call("GET", f"/submissions/{after}").json
    assert own["band"] == "doctor_review"
    journey = Journey(visitor, "grown", look)
    visitor.look(look.size, dark=look.dark, language=look.language)
    visitor.enter(doctor, "doctor")
    visitor.go(f"case/{after}")
    visitor.find(".case .photo-frame img")
    visitor.see_none(GROWN[look.language])
    visitor.keys("a")
    visitor.find("[value=agree]:checked:focus")
    path = f"/submissions/{before}/lesion"
    assert patient.call("PUT", path, json={"lesion": lesion}).status == 200
    case = f"/submissions/{after}/case"
    visitor.await_truth(lambda: "changes" in doctor.call("GET", case).json, "the comparison")
    visitor.keys(Keys.ENTER)
    journey.see("spotChanged")
    visitor.see(GROWN[look.language])
    [said] = doctor.call("GET", case).json["changes"]
    visitor.see(said["sentence"][look.language])
    visitor.see(said["compared"][look.language])
    assert doctor.call("GET", f"/submissions/{after}/reviews").json == []
    journey.step("case", still=False, expected=(f"/submissions/{after}/review",))
    visitor.go("")
    row = f"li:has([data-number='{after}']) .said"
    visitor.await_truth(
        lambda: said["sentence"][look.language] in visitor.read_all(row)[0], "the row to say it"
    )
    journey.step("queue", still=False)


def test_a_mild_photo_that_has_changed_stands_in_the_queue_as_urgently_as_its_level(
    visitor: Visitor, doctor: Caller, patient: Caller
) -> None:
    """The spot is listed once, at its most urgent photo."""
    lesion = begin(patient, BACK)
    _, after = (
        send_photo(patient, in_benign_colours(picture), modality="dermoscopic", lesion=lesion)
        for picture in (spot(1), visit(spot(1, area=1.35)))
    )
    case = f"/submissions/{after}/case"
    visitor.await_truth(lambda: "changes" in doctor.call("GET", case).json, "the comparison")
    assert patient.call("GET", f"/submissions/{after}").json["band"] == "routine"
    visitor.enter(doctor, "doctor")
    row = f"li:has([data-number='{after}'])"
    visitor.find(f".urgency:has(.band-doctor_review) + {row}")
    sign = visitor.find(f"{row} .sign-of.band-doctor_review").get_attribute("title")
    assert sign
    assert sign.startswith("Doctor's review · Comparison of ")
    urgent = send(patient, "melanoma", lesion=lesion)
    visitor.go("patients")
    visitor.go("queue")
    visitor.find(f".urgency:has(.band-urgent_referral) + li:has([data-number='{urgent}'])")
    assert visitor.count(row) == 0
    visitor.assert_quiet()


def look_at_both(journey: Journey) -> None:
    visitor = journey.visitor
    journey.press("compared_beside")
    visitor.slide("[name=zoom]", Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    visitor.await_truth(lambda: visitor.run(ZOOMED) == ["scale(2)"] * 2, "both to be larger")
    visitor.find(".movable").send_keys(Keys.ARROW_LEFT)
    visitor.await_truth(
        lambda: visitor.count(".looked[style*='translate: 5%']") == 2, "both to move"
    )
    journey.step("beside")
    journey.press("compared_blink")
    visitor.await_truth(lambda: "100%" in visitor.run(CUT), "the earlier photo alone")
    visitor.press("figcaption button")
    visitor.await_truth(lambda: "100%" not in visitor.run(CUT), "the later photo alone")
    journey.step("in-turn")


@pytest.mark.parametrize(
    "look", [Look(PHONE, False, "en"), *in_drill(Look((1366, 900), True, "fr"))]
)
def test_a_photo_that_does_not_look_like_skin_is_asked_about_where_it_is_shown(
    visitor: Visitor, seeder: Seeder, ada: Caller, tmp_path: Path, look: Look
) -> None:
    """The program reports dark skin. The patient confirms that the photo shows the spot."""
    dark = file_of(tmp_path, "dark.jpg", photo_in(LIKE_NO_SKIN))
    journey = Journey(visitor, "skin", look)
    field = "camera" if journey.on_phone else "photo"
    visitor.enter(ada, "user")
    journey.press("title_check")
    visitor.hand_in(field, dark)
    visitor.answer("checklist", "oozing")
    visitor.answer("birth_year", str(now().year - 50))
    visitor.answer("keep_photo", "true")
    journey.press("sendPhoto")
    journey.see("skinYes")
    visitor.find("figure.crop canvas")
    assert visitor.run("return document.activeElement.textContent") == journey.say("skinYes")
    journey.step("asked", expected=("/predict",))
    journey.press("otherPhoto")
    visitor.hand_in(field, dark)
    visitor.find("[name=checklist][value=oozing][aria-pressed=true]")
    journey.press("sendPhoto")
    journey.see("skinYes")
    visitor.keys(Keys.ENTER)
    visitor.find(".verdict")
    journey.step("finding", expected=("/predict",))
    [found] = ada.call("GET", "/submissions").json
    whole = ada.call("GET", f"/submissions/{found['id']}").json
    assert whole["reasons"][0] == "not_surely_skin"
    assert (whole["context"]["age_band"], whole["checklist_score"]) == ("45-59", 1)
