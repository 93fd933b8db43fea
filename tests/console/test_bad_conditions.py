"""A slow line, a lost line, two tabs, two taps, the way back, an ended session: what was typed or
taken stays, and is sent once.
"""

from pathlib import Path

import pytest
from selenium import webdriver

from tests.console.journey import file_of
from tests.console.test_spots import begin, send
from tests.console.visitor import PHONE, Visitor
from tests.served.people import Caller, Seeder
from tests.served.wire import ask
from tests.support.backends import PASSWORD
from tests.support.photos import photo_of

TYPED = "It has grown since the summer."


@pytest.fixture
def ada(seeder: Seeder) -> Caller:
    return seeder.person()


@pytest.fixture
def treated(seeder: Seeder, ada: Caller) -> tuple[Caller, Caller, str]:
    """A patient, the doctor in charge, and a spot of the patient."""
    doctor = seeder.person("doctor")
    seeder.services.decisions.assign_doctor(email=ada.email, doctor=doctor.email, by="admin")
    return ada, doctor, begin(ada, {"site": "back", "laterality": "left"}, "by the belt")


def messages(caller: Caller, spot: str) -> list[str]:
    return [one["text"] for one in caller.call("GET", f"/lesions/{spot}/messages").json]


def findings(caller: Caller) -> int:
    return len(caller.call("GET", "/submissions").json)


def type_message(visitor: Visitor, caller: Caller, spot: str) -> None:
    visitor.enter(caller, "user")
    visitor.go(f"spot/{spot}")
    visitor.type(message=TYPED)


def has_typed(visitor: Visitor) -> bool:
    return visitor.find("[name=message]").get_attribute("value") == TYPED


def choose_photo(visitor: Visitor, caller: Caller, folder: Path) -> None:
    visitor.look(PHONE)
    visitor.enter(caller, "user")
    visitor.go("check")
    photo = photo_of("melanocytic_nevus", (600, 450))
    visitor.hand_in("camera", file_of(folder, "mole.jpg", photo))
    visitor.ask("body_site")
    visitor.choose("body_site", "hand")
    visitor.answer("body_laterality", "left")
    visitor.answer("keep_photo", "false")


def test_on_a_slow_line_two_taps_send_a_photo_once(
    visitor: Visitor, ada: Caller, tmp_path: Path
) -> None:
    choose_photo(visitor, ada, tmp_path)
    visitor.on_3g()
    visitor.double_click(".send .primary")
    visitor.find(".verdict h1")
    assert findings(ada) == 1
    visitor.go_offline(False)
    visitor.assert_quiet()


def test_a_photo_whose_answer_was_lost_is_there_once_and_its_answers_stay(
    visitor: Visitor, ada: Caller, tmp_path: Path
) -> None:
    choose_photo(visitor, ada, tmp_path)
    visitor.go_offline(True)
    visitor.press_button("Send the photo")
    visitor.see("cannot be reached")
    visitor.find("[name=body_laterality][value=left]:checked")
    visitor.go_offline(False)
    visitor.lose_answer_of_photo()
    visitor.press_button("Try again")
    visitor.await_truth(lambda: findings(ada) == 1, "the finding to be filed")
    visitor.see("cannot be reached")
    visitor.press_button("Try again")
    visitor.find(".verdict h1")
    assert findings(ada) == 1
    [found] = ada.call("GET", "/submissions").json
    told = ada.call("GET", f"/submissions/{found['id']}").json["context"]
    assert (told["body_site"], told["body_laterality"]) == ("hand", "left")


def test_a_message_typed_offline_survives_back_and_reload_and_is_sent_once(
    visitor: Visitor, treated: tuple[Caller, Caller, str]
) -> None:
    ada, _, spot = treated
    visitor.look(PHONE)
    type_message(visitor, ada, spot)
    visitor.go_offline(True)
    visitor.press("form:has([name=message]) button")
    visitor.see("cannot be reached")
    visitor.go_offline(False)
    visitor.go("account")
    visitor.await_truth(lambda: visitor.count("[name=message]") == 0, "another page")
    visitor.run("history.back()")
    assert has_typed(visitor)
    visitor.run("location.reload()")
    visitor.await_truth(lambda: has_typed(visitor), "what was typed")
    visitor.lose_answer(f"/lesions/{spot}/messages")
    visitor.press("form:has([name=message]) button")
    visitor.see("cannot be reached")
    assert messages(ada, spot) == [TYPED]
    visitor.run("location.reload()")
    visitor.await_truth(lambda: has_typed(visitor), "what was typed")
    visitor.double_click("form:has([name=message]) button")
    visitor.await_truth(lambda: not has_typed(visitor), "the field to be empty")
    assert messages(ada, spot) == [TYPED]


def test_what_was_typed_is_gone_with_its_person(
    visitor: Visitor, treated: tuple[Caller, Caller, str]
) -> None:
    ada, _, spot = treated
    visitor.look()
    type_message(visitor, ada, spot)
    assert TYPED in visitor.run("return JSON.stringify(sessionStorage)")
    visitor.press_button("Log out")
    visitor.see("Create an account")
    assert visitor.run("return sessionStorage.length") == 0


def test_a_message_waits_for_the_new_login_of_an_ended_session(
    visitor: Visitor, seeder: Seeder, tmp_path: Path
) -> None:
    email = f"anna-{tmp_path.name}@example.org"
    body = {"name": "Anna", "email": email, "password": PASSWORD}
    assert ask(seeder.server.port, "POST", "/register", json=body).status == 201
    seeder.services.decisions.approve_account(email=email, role=None, by="admin")
    account = seeder.services.data.accounts.find_by_email(email)
    assert account
    anna = seeder.caller(account.id, email)
    doctor = seeder.person("doctor")
    seeder.services.decisions.assign_doctor(email=email, doctor=doctor.email, by="admin")
    spot = begin(anna, {"site": "back", "laterality": "left"})
    visitor.look(PHONE)
    type_message(visitor, anna, spot)
    seeder.services.data.sessions.forget(anna.id)
    visitor.press("form:has([name=message]) button")
    visitor.find(".veil [name=password]").send_keys(PASSWORD)
    visitor.press(".veil form .primary")
    visitor.await_truth(lambda: visitor.count(".veil") == 0, "the login to close")
    visitor.await_truth(lambda: not has_typed(visitor), "the message to be sent")
    assert messages(seeder.caller(account.id, email), spot) == [TYPED]


def test_a_review_whose_answer_was_lost_is_signed_once_after_a_reload(
    visitor: Visitor, treated: tuple[Caller, Caller, str]
) -> None:
    ada, doctor, spot = treated
    assert ada.call("PUT", "/me/consents", json={"photos": True}).status == 200
    number = send(ada, "melanoma", lesion=spot)
    visitor.look()
    visitor.enter(doctor, "doctor")
    visitor.go(f"case/{number}")
    visitor.press("#review input[value=agree]")
    visitor.press("[name=teller][value=server]")
    visitor.type(note="Irregular border")
    visitor.lose_answer(f"/submissions/{number}/review")
    visitor.press("[form=review]")
    visitor.see("cannot be reached")
    visitor.run("location.reload()")
    visitor.find("#review input[value=agree]:checked")
    assert visitor.find("[name=note]").get_attribute("value") == "Irregular border"
    visitor.press("[form=review]")
    visitor.find(".toast")
    [review] = doctor.call("GET", f"/submissions/{number}/reviews").json
    assert review["note"] == "Irregular border"


def test_two_tabs_that_change_a_spot_do_not_undo_each_other(
    visitor: Visitor, browser: webdriver.Chrome, treated: tuple[Caller, Caller, str]
) -> None:
    ada, _, spot = treated
    visitor.look()
    visitor.enter(ada, "user")
    visitor.go(f"spot/{spot}")
    visitor.press(".spot-head .menu-button")
    visitor.press_button("Change name or place")
    visitor.find("dialog [name=spot_name]")
    first = browser.current_window_handle
    browser.switch_to.new_window("tab")
    visitor.enter(ada, "user")
    visitor.go(f"spot/{spot}")
    visitor.press(".spot-head .menu-button")
    visitor.press_button("Change name or place")
    visitor.type(spot_name="under the belt")
    visitor.press("dialog .primary")
    visitor.see("under the belt")
    browser.close()
    browser.switch_to.window(first)
    visitor.press("dialog [name=body_laterality][value=right]")
    visitor.press("dialog .primary")
    visitor.see("under the belt")
    stored = ada.call("GET", f"/lesions/{spot}").json
    assert (stored["name"], stored["place"]["laterality"]) == ("under the belt", "right")
