"""A patient's way through the console, in a real browser against a real server."""

from pathlib import Path

import pytest

from tests.console.visitor import DESKTOP, PHONE, Visitor
from tests.photos import photo_in, photo_of
from tests.served.people import Town

PASSWORD = "a long enough passphrase"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "lesion.jpg"
    path.write_bytes(photo_of("melanoma", (600, 450)))
    return path


def send_photo(visitor: Visitor, photo: Path, **choices: str) -> None:
    visitor.go("check")
    visitor.hand_in("photo", photo)
    visitor.find("figure.crop canvas")
    for name, value in choices.items():
        visitor.choose(name, value)
    visitor.press_button("Send the photo")


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_from_registering_to_a_report(
    visitor: Visitor, town: Town, photo: Path, size: tuple[int, int]
) -> None:
    email = f"ada-{size[0]}@town.example"
    visitor.look(size)
    visitor.go("register")
    visitor.type(name="Ada", email=email, password=PASSWORD)
    visitor.press_button("Create an account", within="narrow")
    visitor.see("Your account waits for approval")
    visitor.assert_accessible()

    visitor.go("login")
    visitor.type(email=email, password=PASSWORD)
    visitor.press("form .primary")
    visitor.see("Account not approved by admin")

    town.services.admin.approve_account(email=email, role=None, by="admin")
    visitor.press("form .primary")
    visitor.see("Choose a photo")
    visitor.assert_accessible()
    visitor.hand_in("photo", photo)
    visitor.find("figure.crop canvas")
    visitor.assert_accessible()
    visitor.assert_nothing_overflows()
    visitor.choose("body_site", "back")
    visitor.press("input[name=age_band][value='45-59']")
    visitor.press("input[name=keep_photo]")
    visitor.press_button("Send the photo")

    visitor.see("Urgent referral")
    visitor.see("For information only. Not a medical diagnosis.")
    visitor.see("Melanoma")
    visitor.find(".heat-photo canvas")
    visitor.assert_accessible()
    visitor.assert_nothing_overflows()
    visitor.press_button("PDF in English")
    visitor.press_button("Français")
    visitor.see("Avis spécialisé urgent")
    visitor.press_button("English")

    visitor.go("history")
    visitor.see("Urgent referral")
    visitor.find("img.thumb")
    visitor.assert_accessible()
    visitor.press(".list button")
    visitor.press("button.danger")
    visitor.see("No findings yet")
    visitor.assert_quiet(expected=("/login",))


def test_consents_and_password_are_changed_on_the_account_page(
    visitor: Visitor, town: Town
) -> None:
    ada = town.person()
    visitor.look()
    visitor.enter(ada, "user")
    visitor.go("account")
    visitor.see("Keep my photos with my findings")
    visitor.press("section.card label.tick")
    visitor.see("Saved")
    assert ada.call("GET", "/me").json["consents"]["photos"] is True
    visitor.type(current="wrong", fresh=PASSWORD, again=f"{PASSWORD}!")
    visitor.press("form .primary")
    visitor.see("The two new passwords differ")
    visitor.assert_accessible()
    visitor.assert_quiet()


def test_a_refused_photo_tells_how_to_take_a_better_one(
    visitor: Visitor, town: Town, tmp_path: Path
) -> None:
    dark = tmp_path / "dark.png"
    dark.write_bytes(photo_of_nothing())
    visitor.look()
    visitor.enter(town.person(), "user")
    visitor.go("check")
    visitor.hand_in("photo", dark)
    visitor.see("It is dark. Use daylight.")
    visitor.press_button("Send the photo")
    visitor.see("No finding can be made from this photo")
    visitor.see("Use daylight or a bright, even light")
    visitor.assert_accessible()
    visitor.press_button("Take another photo", within="message")
    visitor.see("Choose a photo")
    visitor.assert_quiet(expected=("/predict",))


def test_a_file_that_is_no_picture_is_told_so_before_it_is_sent(
    visitor: Visitor, town: Town, tmp_path: Path
) -> None:
    text = tmp_path / "letter.jpg"
    text.write_text("Dear doctor")
    visitor.look()
    visitor.enter(town.person(), "user")
    visitor.go("check")
    visitor.hand_in("photo", text)
    visitor.see("This file cannot be read as a picture")
    visitor.see("Choose a photo")
    visitor.assert_quiet()


def test_a_photo_is_sent_after_logging_in_again_when_the_session_has_ended(
    visitor: Visitor, town: Town, photo: Path
) -> None:
    email = "ended@town.example"
    visitor.look()
    visitor.go("register")
    visitor.type(name="Ada", email=email, password=PASSWORD)
    visitor.press_button("Create an account", within="narrow")
    visitor.see("Your account waits for approval")
    town.services.admin.approve_account(email=email, role=None, by="admin")
    visitor.go("login")
    visitor.type(email=email, password=PASSWORD)
    visitor.press("form .primary")
    visitor.see("Choose a photo")
    visitor.hand_in("photo", photo)
    visitor.find("figure.crop canvas")
    account = town.services.accounts.by_email(email)
    assert account
    town.services.sessions.forget(account.id)
    visitor.press_button("Send the photo")
    visitor.see("Your session has ended")
    visitor.assert_accessible()
    visitor.find(".veil [name=password]").send_keys(PASSWORD)
    visitor.press(".veil form .primary")
    visitor.see("Urgent referral")
    visitor.assert_quiet(expected=("/predict",))


def test_a_server_that_is_gone_is_told_so_and_the_photo_stays(
    visitor: Visitor, town: Town, photo: Path
) -> None:
    visitor.look()
    visitor.enter(town.person(), "user")
    visitor.go("check")
    visitor.hand_in("photo", photo)
    visitor.find("figure.crop canvas")
    visitor.go_offline(True)
    visitor.press_button("Send the photo")
    visitor.see("The server cannot be reached")
    visitor.go_offline(False)
    visitor.press_button("Try again")
    visitor.see("Urgent referral")


def test_the_sample_shows_what_an_answer_looks_like_to_anybody(visitor: Visitor) -> None:
    visitor.look(PHONE, dark=True, language="fr")
    visitor.go("sample")
    visitor.see("Cette image est dessinée")
    visitor.see("À titre d'information seulement")
    visitor.find(".heat-photo canvas")
    visitor.assert_accessible()
    visitor.assert_nothing_overflows()
    visitor.assert_quiet()


def photo_of_nothing() -> bytes:
    return photo_in((12, 10, 9))
