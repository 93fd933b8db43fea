from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from skinapi.platform.storage.ids import now
from tests.console.test_review import sign
from tests.console.test_spots import send
from tests.console.visitor import PHONE, Visitor
from tests.served.people import Caller, Seeder

NEXT = ".send button:last-child"
HEADING_HAS_THE_FOCUS = "return document.activeElement === document.querySelector('h1')"
# The number of photos that this browser keeps, and whether one begins as a JPEG does.
KEPT = """
const done = arguments[arguments.length - 1];
const request = indexedDB.open("skinapi.unsent", 1);
request.onupgradeneeded = () => request.result.createObjectStore("photos").createIndex("at", "at");
request.onsuccess = () => {
  const all = request.result.transaction("photos").objectStore("photos").getAll();
  all.onsuccess = () => {
    request.result.close();
    done(all.result.map(({bytes}) => new DataView(bytes).getUint16(0) === 0xffd8));
  };
};
"""


def choose(visitor: Visitor, caller: Caller, photo: Path) -> None:
    visitor.look(PHONE)
    visitor.enter(caller, "user")
    visitor.press_button("New photo")
    visitor.hand_in("camera", photo)
    visitor.find("figure.crop canvas[width='960']")


def kept(visitor: Visitor) -> list[bool]:
    found: list[bool] = visitor.run_async(KEPT)
    return found


def findings(caller: Caller) -> int:
    return len(caller.call("GET", "/submissions").json)


def test_on_a_phone_one_question_is_asked_at_a_time_and_back_asks_the_one_before(
    visitor: Visitor, ada: Caller, mole: Path
) -> None:
    choose(visitor, ada, mole)
    visitor.see("Step 1 of 6")
    visitor.run(
        "const next = document.querySelector(arguments[0]); next.click(); next.click();", NEXT
    )
    visitor.see("Step 2 of 6")  # and not the third
    assert visitor.run("return history.state.asked") == 1, "each step is one for Back"
    visitor.await_truth(lambda: visitor.run(HEADING_HAS_THE_FOCUS), "the question to be read")
    visitor.see("Is any of this true of the spot?")
    visitor.press(NEXT)
    visitor.see("Where is the spot?")
    visitor.choose("body_site", "back")
    visitor.press(NEXT)
    visitor.see("How was the photo taken?")  # which spot it is is not asked where there is none
    visitor.press("[name=modality][value=clinical]")
    visitor.keys(Keys.ENTER)
    visitor.see("About you")  # and nothing was sent
    visitor.run("history.back()")
    visitor.see("How was the photo taken?")
    visitor.await_truth(lambda: visitor.run(HEADING_HAS_THE_FOCUS), "the question to be read")
    visitor.press("[aria-label='Back to the question before']")
    visitor.see("Where is the spot?")
    assert visitor.find("[name=body_site]").get_attribute("value") == "back"
    visitor.run("history.back()")
    visitor.see("Is any of this true of the spot?")
    visitor.run("history.back()")
    visitor.see("Step 1 of 6")
    visitor.run("history.back()")
    visitor.see("No spots yet")
    visitor.run("history.forward()")
    visitor.see("were not sent yet")
    visitor.answer("keep_photo", "true")
    visitor.press_button("Send the photo")
    visitor.find(".verdict h1")
    visitor.run("history.back()")
    visitor.see("Your spots")  # and none of the questions
    visitor.await_truth(lambda: visitor.run("return location.hash") == "#/spots", "home")
    assert findings(ada) == 1
    visitor.assert_quiet()


def test_a_photo_that_is_taken_from_a_spot_belongs_to_it(
    visitor: Visitor, ada: Caller, mole: Path
) -> None:
    place = {"site": "back", "side": "rear", "x": 42, "y": 60}
    spot = ada.call("POST", "/lesions", json={"place": place}).json["id"]
    visitor.look(PHONE)
    visitor.enter(ada, "user")
    visitor.open_view(f"spot/{spot}")
    visitor.press(f"a[href='#/check/{spot}']")
    visitor.hand_in("camera", mole)
    visitor.answer("keep_photo", "true")
    visitor.press_button("Send the photo")
    visitor.find(".verdict h1")
    [found] = ada.call("GET", "/submissions").json
    assert found["lesion"] == spot


@pytest.mark.parametrize("from_home", [True, False], ids=["home", "finding"])
def test_another_photo_that_a_doctor_wants_is_of_one_spot_with_the_first_one(
    visitor: Visitor, patient: Caller, doctor: Caller, mole: Path, from_home: bool
) -> None:
    told = {} if from_home else {"body_site": "back", "body_laterality": "left"}
    first = send(patient, "melanoma", **told)
    sign(doctor, first, photo_wanted=True)
    visitor.look(PHONE)
    visitor.enter(patient, "user")
    if not from_home:
        visitor.open_view(f"finding/{first}")
    spot = patient.call("GET", f"/submissions/{first}").json["lesion"]
    visitor.press(f"a[href='#/check/{spot}']")
    visitor.hand_in("camera", mole)
    visitor.answer("keep_photo", "true")
    visitor.lose_answer_of_photo()
    visitor.press_button("Send the photo")
    visitor.see("cannot be reached")
    visitor.reload()
    visitor.see("This photo was sent, and no answer came")
    visitor.answer("keep_photo", "true")
    visitor.press_button("Send the photo")
    visitor.see("Since then: a new photo")
    before, after = patient.call("GET", "/submissions").json
    assert before["lesion"] == after["lesion"] is not None
    [spot] = patient.call("GET", "/lesions").json
    assert spot["instruction"]["band"] == "doctor_review", "the more urgent of review and photo"
    assert not spot["instruction"]["photo_wanted"]
    visitor.assert_quiet(expected=("/predict",))


def test_who_goes_to_the_photo_that_is_wanted_has_not_read_the_decision(
    visitor: Visitor, patient: Caller, doctor: Caller
) -> None:
    number = send(patient, "melanoma")
    sign(doctor, number, label="melanoma", certainty="sure")
    visitor.look(PHONE)
    visitor.enter(patient, "user")
    visitor.find(".new-decision")
    visitor.open_view(f"check/finding-{number}")
    visitor.see(f"Finding {number}")
    visitor.open_view("spots")
    visitor.find(".new-decision")
    assert doctor.call("GET", f"/submissions/{number}/case").json.get("opened_at") is None


def test_a_reload_loses_neither_photo_nor_crop_nor_answers_and_the_photo_is_filed_once(
    visitor: Visitor, ada: Caller, mole: Path
) -> None:
    choose(visitor, ada, mole)
    visitor.slide(".crop input", *[Keys.ARROW_RIGHT] * 10)
    visitor.answer("checklist", "oozing")
    visitor.ask("body_site")
    visitor.choose("body_site", "hand")
    visitor.answer("body_laterality", "left")
    visitor.answer("birth_year", str(now().year - 50))
    visitor.keys(Keys.TAB)
    visitor.await_truth(lambda: kept(visitor) == [False], "the photo, encrypted")
    visitor.reload()
    visitor.see("were not sent yet")
    visitor.see("About you")
    visitor.find("[name=checklist][value=oozing][aria-pressed=true]")
    visitor.find("[name=age][value='49']")
    assert visitor.find(".crop input").get_attribute("value") == "2"
    visitor.answer("keep_photo", "true")
    visitor.lose_answer_of_photo()
    visitor.press_button("Send the photo")
    visitor.see("cannot be reached")
    assert findings(ada) == 1
    visitor.reload()
    visitor.see("it is filed only once")
    visitor.press_button("Send the photo")
    visitor.find(".verdict h1")
    [found] = ada.call("GET", "/submissions").json
    whole = ada.call("GET", f"/submissions/{found['id']}").json
    assert (whole["context"]["body_site"], whole["context"]["age"]) == ("hand", 49)
    assert whole["checklist_score"] == 1
    me = ada.call("GET", "/me").json
    assert (me["birth_year"], me.get("sex")) == (now().year - 50, None), "kept in the account"
    visitor.await_truth(lambda: kept(visitor) == [], "the photo to be forgotten")
    visitor.go("check")
    visitor.find("[name=camera]")  # and nothing of it is there
    visitor.go(f"finding/{found['id']}")
    visitor.press(".own-facts summary")
    visitor.press_button("Correct it")
    visitor.press("button[value=none]")
    visitor.find("[value=oozing][aria-pressed=false]")
    visitor.press_button("Judge again")
    visitor.see("because what was told was corrected: Signs.")
    [newest] = ada.call("GET", "/submissions").json
    assert (newest["id"], newest["version"]) == (found["id"], 2)
    assert ada.call("GET", f"/submissions/{newest['id']}").json["checklist_score"] == 0


def test_a_logout_forgets_the_photo_that_was_not_sent(
    visitor: Visitor, seeder: Seeder, ada: Caller, mole: Path
) -> None:
    choose(visitor, ada, mole)
    visitor.await_truth(lambda: kept(visitor) == [False], "the photo")
    visitor.go("account")
    visitor.press_button("Log out")
    visitor.see("Create an account")
    assert visitor.run("return sessionStorage['skinapi.typed.photos']") is None
    visitor.await_truth(lambda: kept(visitor) == [], "the photo to be forgotten")
    visitor.enter(seeder.person(), "user")
    visitor.go("check")
    visitor.find("[name=camera]")
    visitor.assert_quiet()


def test_whether_a_photo_is_kept_is_the_consent_of_the_account(
    visitor: Visitor, ada: Caller, mole: Path
) -> None:
    choose(visitor, ada, mole)
    visitor.press(NEXT)
    visitor.see("You may leave out these answers")
    visitor.answer("keep_photo", "true")
    visitor.press_button("Send the photo")
    visitor.find(".verdict h1")
    assert ada.call("GET", "/me").json["consents"].get("photos") is None
    visitor.go("check")
    visitor.hand_in("camera", mole)
    visitor.ask("keep_photo")
    assert visitor.count("[name=keep_photo]:checked") == 0
    visitor.answer("keep_photo", "false")
    visitor.press("[name=keep_always]")
    shown = ada.call("GET", "/me/consents?lang=en").json["consents"][0]["newest"]
    visitor.see(shown["text"])
    visitor.press_button("Send the photo")
    visitor.find(".verdict h1")
    assert ada.call("GET", "/me").json["consents"] == {"photos": False}
    change = ada.call("GET", "/me/consents").json["history"][0]
    assert (change["way"], change["version"], change["language"]) == ("console", 1, "en")
    visitor.go("check")
    visitor.hand_in("camera", mole)
    visitor.find("[name=keep_photo][value=false]:checked")
    assert visitor.count("[name=keep_always]") == 0
    visitor.assert_quiet()


def test_bleeding_and_change_are_asked_first_and_of_every_spot_and_skipping_is_no_advice(
    visitor: Visitor, ada: Caller, mole: Path
) -> None:
    choose(visitor, ada, mole)
    visitor.press(NEXT)
    visitor.see("may miss a skin cancer")
    skip = visitor.find(".send button:nth-last-child(2)")
    assert (skip.text, skip.get_attribute("class")) == ("Skip the questions", "quiet")
    visitor.see("It is wet or bleeding")
    signs = "return [...document.querySelectorAll('[name=checklist]')].map((one) => one.value)"
    asked = visitor.run(signs)
    assert set(asked[:3]) == {"change_in_size", "oozing", "change_in_sensation"}
    before = "return document.querySelector('.every-spot').nextElementSibling.textContent"
    assert visitor.run(before) == "Only for a brown, black or dark spot."
    visitor.press_button("Skip the questions")
    visitor.see("Without the photo no doctor can look at the spot")
