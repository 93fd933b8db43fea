"""What a person sees when something is not as wished: each state has its own words and a way on."""

from pathlib import Path

import pytest

from tests.console.journey import Journey, Look, file_of, looks
from tests.console.visitor import Visitor
from tests.served.people import Seeder
from tests.served.wire import ask
from tests.support.photos import photo_of

PASSWORD = "a long enough passphrase"
TOO_LARGE = b"\xff\xd8" + bytes(10 * 1024 * 1024)
# The answer to the first photo is given by the page: a full queue, to be asked again in a minute.
# What is sent again is answered by the server, under the same Idempotency-Key.
QUEUE_FULL = """
const open = XMLHttpRequest.prototype.open;
XMLHttpRequest.prototype.open = function (...asked) {
  XMLHttpRequest.prototype.open = open;
  open.apply(this, asked);
  const body = JSON.stringify({ code: "unavailable", detail: "The service is busy" });
  Object.defineProperty(this, "status", { get: () => 503 });
  Object.defineProperty(this, "response", { get: () => new Blob([body]) });
  this.getResponseHeader = () => "60";
};
"""
# As if the minute went by at once: a countdown waits for a second at a time.
HURRY = """
const wait = setTimeout;
window.setTimeout = (act, ms) => wait(act, ms === 1000 ? 0 : ms);
"""


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return file_of(tmp_path, "lesion.jpg", photo_of("melanoma", (600, 450)))


@pytest.fixture
def ada(seeder: Seeder, look: Look) -> str:
    """The e-mail of somebody with a password of their own."""
    email = f"grace-{look}@example.org"
    body = {"name": "Grace Hopper", "email": email, "password": PASSWORD}
    assert ask(seeder.server.port, "POST", "/register", json=body).status == 201
    seeder.services.decisions.approve_account(email=email, role=None, by="admin")
    return email


@pytest.mark.parametrize("look", looks(0), ids=str)
def test_whatever_goes_wrong_has_words_and_a_way_on(
    visitor: Visitor, seeder: Seeder, photo: Path, ada: str, look: Look
) -> None:
    journey = Journey(visitor, "states", look)
    log_in(journey, seeder, ada)
    choose_what_is_no_photo(journey, photo)
    wait_for_a_full_queue(journey, photo)
    look_for_what_is_not_there(journey)
    lose_the_session(journey, seeder, photo, ada)
    lose_the_server(journey)


def log_in(journey: Journey, seeder: Seeder, email: str) -> None:
    visitor = journey.visitor
    visitor.open("/")
    seeder.services.admin.suspend_account(email=email, by="admin")
    visitor.type(email=email, password=PASSWORD)
    visitor.press("form .primary")
    journey.see("suspendedTitle")
    journey.step("suspended", expected=("/login",))
    visitor.open("/")
    visitor.type(email=email, password=PASSWORD)
    seeder.services.decisions.approve_account(email=email, role=None, by="admin")
    visitor.press("form .primary")
    journey.see("spotsEmpty")
    visitor.go("check")


def choose_what_is_no_photo(journey: Journey, photo: Path) -> None:
    visitor = journey.visitor
    visitor.hand_in("photo", file_of(photo.parent, "letter.jpg", b"Dear doctor"))
    journey.see("notAPicture")
    journey.step("not-a-picture")
    visitor.hand_in("photo", file_of(photo.parent, "large.jpg", TOO_LARGE))
    journey.see("notAPicture")


def wait_for_a_full_queue(journey: Journey, photo: Path) -> None:
    visitor = journey.visitor
    visitor.hand_in("photo", photo)
    visitor.run(QUEUE_FULL)
    visitor.answer("keep_photo", "true")
    journey.press("sendPhoto")
    journey.see("serverBusy")
    journey.step("queue-full")
    visitor.run(HURRY)
    visitor.find(".band-urgent_referral h1")  # after the countdown, by itself


def look_for_what_is_not_there(journey: Journey) -> None:
    journey.visitor.go("finding/987654")
    journey.see("error_not_found")
    journey.step("no-such-finding", expected=("/submissions/987654",))
    journey.press("toStart")
    journey.see("title_spots")


def lose_the_session(journey: Journey, seeder: Seeder, photo: Path, email: str) -> None:
    visitor = journey.visitor
    visitor.go("check")
    visitor.hand_in("photo", photo)
    visitor.find("figure.crop canvas")
    visitor.answer("keep_photo", "true")
    account = seeder.services.data.accounts.find_by_email(email)
    assert account
    visitor.hold_uploads()
    journey.press("sendPhoto")
    seeder.services.data.sessions.forget(account.id)
    visitor.let_go()
    journey.see("sessionEndedText")
    # The view asks whose it is as it opens, which may be answered only now; and so may be what the
    # page asked for of the finding that is not there.
    late = ("/me ", "/submissions/987654")
    journey.step("session-ended", still=False, expected=("/predict", *late))
    visitor.find(".veil [name=password]").send_keys(PASSWORD)
    visitor.press(".veil form .primary")
    visitor.find(".band-urgent_referral h1")


def lose_the_server(journey: Journey) -> None:
    visitor = journey.visitor
    visitor.delay_answers(4000)
    visitor.go("spots")
    journey.see("loading")
    journey.step("loading", still=False)
    visitor.delay_answers(0)
    visitor.find(".list > li")
    visitor.go("my-data")
    visitor.find("[name=agree-llm]")
    visitor.await_stillness()  # nothing is asked any more that being offline would refuse
    visitor.go_offline(True)
    visitor.press("[name=agree-llm]")
    journey.see("offline")
    visitor.find("[name=agree-llm]")
    visitor.press(".top a[href='#/spots']")
    visitor.find(".message.bad")
    journey.step("offline", expected=("/me",))
    visitor.go_offline(False)
    journey.press("tryAgain")
    visitor.find(".list > li")
