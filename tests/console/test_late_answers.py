"""Answers that come late: after the person went on to another page, or changed the same again."""

from pathlib import Path

import pytest
from selenium.webdriver.support.ui import Select

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
# The first such request reaches the server when `answer()` is called.
HOLD_FIRST_REQUEST = """
const [method, end] = arguments;
const ask = window.fetch;
let first = true;
window.held = [];
window.fetch = async (asked, options) => {
  const mine = options?.method === method && asked.endsWith(end) && first;
  if (mine) first = false;
  if (mine) await new Promise((resolve) => window.held.push(resolve));
  return ask(asked, options);
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
    assert "hold_until" not in visitor.run("return window.body"), "older servers refuse it"
    answer(visitor)
    assert "was not signed" in visitor.find(".toast").text


def test_two_changes_of_an_account_are_shown_together(visitor: Visitor, seeder: Seeder) -> None:
    """The answer that came last drew the account as it was before the other change."""
    admin, account = seeder.person("admin"), seeder.person(status="suspended")
    visitor.look()
    visitor.enter(admin, "admin")
    visitor.go("accounts")
    visitor.press_button("All", within="tabs")
    visitor.find("#search").send_keys(account.email)
    visitor.await_truth(lambda: visitor.count(".accounts tbody tr") == 1, "the account alone")
    hold_answers(visitor, "PUT", "/role")
    visitor.press(".accounts .manage")
    Select(visitor.find(".managed select")).select_by_value("researcher")
    visitor.press_in_row(account.email, "Approve")
    visitor.choose("approve-doctor", "none")
    visitor.press("dialog .primary")
    visitor.find(f"[aria-label='Suspend {account.email}']")
    answer(visitor)
    row = ".accounts tbody tr td:nth-child(3)"
    visitor.await_truth(lambda: visitor.find(row).text == "researcher", "the role")
    assert "approved" in visitor.find(".accounts .standing").text


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


def test_no_other_photo_is_chosen_while_one_is_under_way(
    visitor: Visitor, seeder: Seeder, tmp_path: Path
) -> None:
    """The countdown of a busy server, which answered to the first, sent the second by itself."""
    send_to_a_busy_server(visitor, seeder, tmp_path)
    assert not visitor.find("figure.crop + button").is_enabled()
    answer(visitor)
    visitor.press("figure.crop + button")
    visitor.find("input[name=photo]")
    assert visitor.run("return window.sent.length") == 1


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


def test_a_box_is_kept_as_it_was_ticked_last(visitor: Visitor, seeder: Seeder) -> None:
    """The first of two requests came last: kept was what the page did not show."""
    ada = seeder.person()
    visitor.look()
    visitor.enter(ada, "user")
    visitor.go("account")
    box = visitor.find(".tick input")
    visitor.run(HOLD_FIRST_REQUEST, "PUT", "/me/notices")
    box.click()
    box.click()
    visitor.run("return new Promise((sent) => setTimeout(sent, 300))")
    answer(visitor)
    visitor.find(".toast")
    visitor.await_truth(lambda: ada.call("GET", "/me").json["notices"] is True, "the last word")
    assert box.is_selected()


def test_no_figures_of_another_period_stand_under_the_chosen_one(
    visitor: Visitor, seeder: Seeder
) -> None:
    visitor.look()
    visitor.enter(seeder.person("admin"), "admin")
    visitor.go("usage")
    visitor.find(".charts")
    hold_answers(visitor, "GET", "?days=365")
    visitor.press(".tabs button:last-child")
    visitor.find(".loading")
    assert visitor.count(".charts") == 0
    answer(visitor)
    visitor.find(".charts")
