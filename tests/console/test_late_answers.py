"""Answers that come late: after the person went on to another page, or changed the same again."""

from pathlib import Path

import pytest

from tests.console.journey import file_of
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import ANGULAR
from tests.support.photos import photo_of

# The server gets such requests at once; their answers come when `answer()` is called.
HOLD_ANSWERS = """
const [method, end, fails] = arguments;
const ask = window.fetch;
window.held = [];
window.fetch = async (asked, options) => {
  const held = !window.released && options?.method === method && asked.endsWith(end);
  if (!held) return ask(asked, options);
  window.body = options.body;
  const answer = fails
    ? new Response(JSON.stringify({ code: "unavailable" }), { status: 503 })
    : await ask(asked, options);
  await new Promise((resolve) => window.held.push(resolve));
  return answer;
};
"""
# Each photo that is sent is told that the server is busy, when `answer()` is called.
BUSY_UPLOADS = """
window.held = [];
window.sent = [];
window.keys = [];
window.XMLHttpRequest = class {
  upload = {};
  status = 503;
  response = new Blob([JSON.stringify({ code: "unavailable" })]);
  open() {}
  setRequestHeader = (name, value) => name === "Idempotency-Key" && window.keys.push(value);
  getResponseHeader = (name) => (name === "Retry-After" ? "60" : null);
  abort() {}
  send(body) {
    window.sent.push(body.get("image").size);
    window.held.push(() => this.onload());
  }
};
"""
REVIEW = "/review"


@pytest.fixture
def doctor(seeder: Seeder) -> Caller:
    """With two patients, of whom each has a finding."""
    doctor = seeder.person("doctor")
    for key in ("melanoma", "melanocytic_nevus"):
        patient = seeder.person()
        assert patient.call("PUT", "/me/consents", json={"photos": True}).status == 200
        decisions = seeder.services.decisions
        decisions.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
        sent = ANGULAR.send(seeder.server.port, photo_of(key), token=patient.token)
        assert sent.status == 200
    return doctor


def hold_answers(visitor: Visitor, method: str, end: str, *, fail: bool = False) -> None:
    visitor.run(HOLD_ANSWERS, method, end, fail)


def answer(visitor: Visitor) -> None:
    """Let the answers that are held come, and the page draw what it makes of them."""
    visitor.await_truth(lambda: bool(visitor.run("return window.held.length")), "an answer to come")
    visitor.run("window.held.forEach((come) => come()); window.held = []")
    visitor.run("return new Promise((drawn) => setTimeout(drawn, 300))")


def sign_and_go_on(visitor: Visitor, doctor: Caller) -> str:
    """Sign a review of the first finding, and open the next one at once. Returns its number."""
    first, second = (str(row["id"]) for row in doctor.call("GET", "/queue").json)
    visitor.go(f"case/{first}")
    visitor.find(".next-case")
    visitor.await_answer("/queue?reviewed=false&limit=40")
    visitor.press("input[value=agree]")
    visitor.press("[name=teller][value=server]")
    visitor.press("[form=review]")
    visitor.press(".next-case")
    visitor.await_truth(lambda: visitor.run("return location.hash") == f"#/case/{second}", "next")
    visitor.await_truth(lambda: visitor.count("[name=agreement]:checked") == 0, "its own form")
    visitor.find(".case textarea")
    return second


def test_a_review_that_is_signed_late_leaves_the_next_one_alone(
    visitor: Visitor, doctor: Caller
) -> None:
    """It took the focus; the next space in a note then left the case, and the note was gone."""
    visitor.look()
    visitor.enter(doctor, "doctor")
    hold_answers(visitor, "POST", REVIEW)
    second = sign_and_go_on(visitor, doctor)
    visitor.press("input[value=disagree]")
    visitor.press("input[name=label][value=melanoma]")
    visitor.press("textarea[name=note]")
    visitor.keys("Irregular")
    answer(visitor)
    visitor.find(".toast")
    visitor.keys(" and dark")
    assert visitor.run("return location.hash") == f"#/case/{second}"
    assert visitor.run("return document.querySelector('textarea').value") == "Irregular and dark"
    visitor.find("[value=disagree]:checked")


def test_a_review_that_fails_late_is_told_on_the_next_page(
    visitor: Visitor, doctor: Caller
) -> None:
    visitor.look()
    visitor.enter(doctor, "doctor")
    hold_answers(visitor, "POST", REVIEW, fail=True)
    sign_and_go_on(visitor, doctor)
    assert "hold_until" not in visitor.run("return window.body")
    answer(visitor)
    assert "was not signed" in visitor.find(".toast").text


def send_to_a_busy_server(visitor: Visitor, seeder: Seeder, folder: Path) -> None:
    visitor.look()
    visitor.enter(seeder.person(), "user")
    visitor.run(BUSY_UPLOADS)
    visitor.go("check")
    visitor.hand_in("photo", file_of(folder, "lesion.jpg", photo_of("melanoma", (600, 450))))
    visitor.find("figure.crop canvas")
    visitor.press("[name=keep_photo][value=true]")
    visitor.press_button("Send the photo")
    visitor.find(".sending")


def test_a_photo_that_fails_late_is_told_on_another_page(
    visitor: Visitor, seeder: Seeder, tmp_path: Path
) -> None:
    """Nobody was told that it has no finding."""
    send_to_a_busy_server(visitor, seeder, tmp_path)
    visitor.go("spots")
    visitor.see("Your spots")
    visitor.await_truth(lambda: visitor.count(".sending") == 0, "the other page")
    answer(visitor)
    assert "not sent" in visitor.find(".toast").text


def test_a_photo_with_the_same_answers_has_one_key_however_it_is_sent(
    visitor: Visitor, seeder: Seeder, tmp_path: Path
) -> None:
    """ "Send" beside "Try again" filed it a second time."""
    send_to_a_busy_server(visitor, seeder, tmp_path)
    answer(visitor)
    for button in ("Try again", "Send the photo"):
        visitor.press_button(button)
        answer(visitor)
    visitor.press("[name=sex][value=other]")
    visitor.press_button("Try again")
    answer(visitor)
    *same, other = visitor.run("return window.keys")
    assert len(same) == 3
    assert {*same} == {same[0]} != {other}
