"""An admin's way through the console: accounts, doctors, the audit trail, the server, the model."""

from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from skinapi.platform.storage.ids import new_id
from tests.console.journey import Journey, Look, looks
from tests.console.visitor import PHONE, Visitor
from tests.served.people import Caller, Seeder
from tests.support.backends import erase

# E-mails in the table that are cut.
HIDDEN_ADDRESSES = """
const right = (one) => one.getBoundingClientRect().right;
return [...document.querySelectorAll(".accounts .address")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0
    || right(one) > right(one.closest(".person")) + 1)
  .map((one) => one.textContent);
"""
# What happens, first for pictures taken through a dermoscope, and its figures at each point.
READ_ROWS = """
return Object.fromEntries([...document.querySelectorAll(".triage tbody tr")].reverse()
  .map((row) => [...row.cells].map((cell) => cell.textContent.trim()))
  .map(([what, ...figures]) => [what, figures]));
"""
PASSPHRASE = "a long enough passphrase"


@pytest.mark.parametrize("look", looks(3), ids=str)
def test_accounts_are_approved_and_everything_is_seen(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    admin, waiting = seeder.person("admin"), seeder.person(status="waiting")
    journey = Journey(visitor, "admin", look)
    visitor.enter(admin, "admin")
    begin_with_what_waits(journey)
    approve_and_undo(journey, waiting)
    add_a_doctor(journey, admin)
    care_for_the_account(journey, waiting)
    read_the_trail(journey, waiting)
    gone = seeder.person()
    erase(seeder.services, seeder.services.data.accounts.get(gone.id))
    find_who_was_erased(journey, gone.id)
    choose_the_operating_point(journey, admin)
    see_how_the_server_is(journey)


def named(caller: Caller) -> str:
    """As the console names an account."""
    return f"Ada ({caller.email})"


def begin_with_what_waits(journey: Journey) -> None:
    visitor = journey.visitor
    journey.see("noBackup")
    visitor.find(".overview .to-do")
    journey.step("overview")
    visitor.press(".overview a[href='#/accounts']")
    journey.see("title_accounts")


def approve_and_undo(journey: Journey, waiting: Caller) -> None:
    visitor = journey.visitor
    visitor.find("#search").send_keys(waiting.email)  # whom others left waiting may fill the page
    visitor.see(waiting.email)
    journey.step("waiting")
    visitor.press_in_row(waiting.email, journey.say("approve"))
    visitor.press("dialog .primary")
    journey.see("doctorNeeded")
    visitor.choose("approve-doctor", "none")
    journey.step("who-is-in-charge")
    visitor.press("dialog .primary")
    journey.see("approved", who=named(waiting), role=journey.say("role_user"))
    assert waiting.call("GET", "/me").json["status"] == "approved"
    journey.step("approved")
    journey.press("undo")
    journey.see("waiting", who=named(waiting))
    visitor.await_stillness()
    visitor.await_truth(lambda: waiting.call("GET", "/me").status != 200, "the undoing")
    journey.step("undone")


def add_a_doctor(journey: Journey, admin: Caller) -> None:
    visitor = journey.visitor
    journey.press("addDoctor")
    email = f"{new_id()[-10:]}@clinic.example"
    visitor.type(name="Dr Grey", email=email)
    journey.step("new-doctor")
    visitor.press(".new-doctor form .primary")
    visitor.find(".secret")
    journey.step("one-time-password")
    visitor.press("dialog .primary")
    journey.see("added", email=email)
    visitor.see(email)
    visitor.press(".accounts .manage")
    journey.step("doctors")
    assert any(row["email"] == email for row in admin.call("GET", "/doctors").json)


def care_for_the_account(journey: Journey, account: Caller) -> None:
    visitor = journey.visitor
    journey.press("all", within="tabs")
    visitor.choose("role", "")
    visitor.find("#search").send_keys(account.email)
    visitor.see_none("admin-")
    visitor.press_in_row(account.email, journey.say("approve"))
    visitor.choose("approve-doctor", "none")
    visitor.press("dialog .primary")
    visitor.press_in_row(account.email, journey.say("suspend"))
    journey.see("suspendAskText")
    journey.step("suspend-ask")
    visitor.press("dialog .danger")
    journey.see("suspended", who=named(account))
    visitor.press(".accounts .manage")
    journey.step("managed")
    journey.press("resetPassword")
    journey.see("resetAsk")
    journey.step("ask")
    visitor.press("dialog .danger")
    visitor.find(".secret")
    journey.step("new-password")
    visitor.press("dialog .primary")


def read_the_trail(journey: Journey, account: Caller) -> None:
    visitor = journey.visitor
    visitor.press(".top a[href='#/audit']")
    visitor.find("tbody tr")
    visitor.find(".trail-filter select")
    tops = "return new Set([...document.querySelectorAll('.trail-filter :is(input, select)')]"
    tops += ".map((one) => Math.round(one.getBoundingClientRect().height))).size"
    assert visitor.run(tops) == 1
    journey.step("audit")
    visitor.type(who="nobody@nowhere.example")
    visitor.press(".filter .primary")
    journey.see("noSuchAccount")
    journey.step("no-such-account")
    visitor.type(who=account.email)
    visitor.choose("action", "account.suspend")
    visitor.press(".filter .primary")
    journey.see("wholeTrail")
    admin = visitor.run("return JSON.parse(sessionStorage['skinapi.session']).email")
    journey.see("did_account_suspend", by=f"Ada ({admin})", target=named(account))
    journey.step("filtered")
    assert "action=account.suspend" in visitor.run("return location.hash")
    journey.press("exportCsv")
    visitor.await_answer("format=csv")
    visitor.go("audit?action=Nothing")
    journey.see("badFilter")
    visitor.go("audit?until=2020-01-01")
    journey.see("auditEmptyText")


def find_who_was_erased(journey: Journey, account: str) -> None:
    visitor = journey.visitor
    visitor.go("audit")
    visitor.type(who=account)
    visitor.press(".filter .primary")
    visitor.find("tbody tr")
    journey.step("of-who-was-erased")


def choose_the_operating_point(journey: Journey, admin: Caller) -> None:
    """With its price before the choice, and its trace after it."""
    visitor, place = journey.visitor, "/models/operating-point"
    names = {point: journey.say(f"point_{point}") for point in ("cautious", "standard")}
    spared = {"n": "54", "range": journey.say("fromTo", low="51", high="57")}
    visitor.press(".top a[href='#/triage']")
    journey.see("rowMelanomas")
    rows = visitor.run(READ_ROWS)
    cells = rows[journey.say("rowSpared")]
    assert (cells[1], len(cells)) == (f"{spared['n']} ({spared['range']})", 3)
    assert journey.say("fromTo", low="0", high="5") in rows[journey.say("rowMelanomas")], rows
    journey.step("triage")
    visitor.press(".triage tfoot td:nth-child(3) button")
    journey.see("choosePointTitle", name=names["standard"])
    assert journey.say("priceSpared", **spared) in visitor.read("dialog")
    assert admin.call("GET", place).json["operating_point"] == "cautious"
    journey.step("another-point")
    visitor.press("dialog .primary")
    visitor.find(".triage thead th:nth-child(3):focus")
    visitor.press("main details summary")
    journey.see("pointByAdmin")
    journey.step("point-chosen")
    assert admin.call("GET", place).json["operating_point"] == "standard"
    visitor.press(".top a[href='#/audit']")
    visitor.see(f"({names['cautious']} → {names['standard']})")
    back = {"operating_point": "cautious"}
    assert admin.call("PUT", place, json=back).status == 200


def see_how_the_server_is(journey: Journey) -> None:
    visitor = journey.visitor
    visitor.press(".top a[href='#/overview']")
    visitor.press(".row a[href='#/server']")
    journey.see("healthy")
    visitor.find(".bars li")
    journey.step("server")
    visitor.press("footer a[href='#/model']")
    journey.see("byClassText")
    journey.step("model")


def test_no_second_click_and_no_key_does_what_was_not_meant(
    visitor: Visitor, seeder: Seeder
) -> None:
    """The second click of a double click on "Manage" suspended, and Escape hid a password for good.
    A waiting account that became a doctor's was in no list that one looks through.
    """
    admin, ada = seeder.person("admin"), seeder.person()
    doctor, next_one = seeder.person(status="waiting"), seeder.person(status="waiting")
    visitor.look()
    visitor.enter(admin, "admin")
    visitor.go("accounts")
    visitor.see(next_one.email)
    visitor.double_click(f"[aria-label='Approve {doctor.email}']")
    visitor.choose("approve-doctor", "none")
    visitor.press("dialog .primary")
    visitor.press_button("Undo")
    visitor.press(f"[aria-label='Manage {doctor.email}']")
    Select(visitor.find(".managed select")).select_by_value("doctor")
    visitor.see("role is now doctor")
    visitor.press_button("Approved", within="tabs")
    visitor.press_button("Waiting", within="tabs")
    visitor.see(doctor.email)
    visitor.see(next_one.email)
    visitor.press_button("All", within="tabs")
    visitor.find("#search").send_keys(ada.email)
    visitor.await_truth(lambda: visitor.count(".accounts tbody tr") == 1, "the account alone")
    visitor.double_click(".accounts .manage")
    visitor.find(".managed")
    visitor.press_button("New one-time password")
    visitor.press("dialog .danger")
    password = visitor.read(".secret")
    for _ in range(2):  # the second time, a browser closes a dialog whatever its page says
        visitor.keys(Keys.ESCAPE)
    assert visitor.read("dialog[open] .secret") == password
    statuses = {caller.id: seeder.accounts.get(caller.id).status for caller in (ada, next_one)}
    assert statuses == {ada.id: "approved", next_one.id: "waiting"}
    visitor.assert_quiet()


def test_whom_one_approves_and_suspends_is_said_with_what_follows(
    visitor: Visitor, seeder: Seeder
) -> None:
    """By name, with the role, and with the patients who are left without their doctor."""
    prefix, doctor = f"many-{new_id()[-6:]}", seeder.person("doctor")
    patient = seeder.person()
    seeder.services.decisions.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
    long_name = "Jean-Baptiste de la Rochefoucauld-Montmorency van den Bergh"
    wanted_roles: tuple[Any, ...] = ("doctor", None, None)
    for number, wanted in enumerate(wanted_roles):
        seeder.accounts.add(
            id=new_id(),
            email=f"{prefix}-{number}@a-long-name-of-a-clinic.example.org",
            name=long_name,
            password_hash="none",
            role="user",
            status="waiting",
            wanted_role=wanted,
        )
    visitor.enter(seeder.person("admin"), "admin")
    visitor.go(f"accounts?q={prefix}")
    for size in ((1366, 768), PHONE):
        visitor.look(size)
        visitor.see(f"{prefix}-2@a-long-name-of-a-clinic.example.org")
        assert visitor.run(HIDDEN_ADDRESSES) == []
    visitor.press(".accounts tr:first-child .manage")
    visitor.see('Asks for the role "doctor"')
    for row in visitor.run(
        "return [...document.querySelectorAll('.accounts tbody tr[id]')].map((one) => one.id)"
    ):
        visitor.run("document.querySelector(arguments[0]).click()", f"#{row} input")
    visitor.find(".actions")
    visitor.press_button("Approve 3: 2 patients, 1 doctor")
    visitor.see("3 accounts are approved: 2 patients, 1 doctor")
    visitor.go(f"accounts?status=approved&q={doctor.email}")
    visitor.press_in_row(doctor.email, "Suspend")
    visitor.see(f"Suspend Ada ({doctor.email})?")
    visitor.see("1 patient stays assigned to this doctor")
    visitor.assert_quiet()


@pytest.mark.parametrize("look", looks(1), ids=str)
def test_many_are_decided_on_by_keys_and_who_is_refused_reads_why(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    journey = Journey(visitor, "decisions", look)
    admin, doctor = seeder.person("admin"), seeder.person("doctor")
    refused = f"{new_id()}@example.org"
    visitor.open("/#/register")
    visitor.type(name="Eve", email=refused, password=PASSPHRASE)
    visitor.press("form .primary")
    journey.see("waitingTitle")
    people = [seeder.person(status="waiting") for _ in range(2)]
    visitor.enter(admin, "admin")
    visitor.go("accounts?q=user-")
    visitor.see(people[1].email)
    for (
        person
    ) in people:  # the bar at the lower edge may lie over a line, not over what is in focus
        visitor.run("document.querySelector(arguments[0]).focus()", f"#account-{person.id} input")
        visitor.keys("x")
    visitor.choose("doctor", doctor.email)
    journey.step("chosen")
    visitor.press(".actions .primary")
    journey.see("manyApproved", count="2", roles=journey.say("many_user", count="2"))
    visitor.see_none(people[0].email)
    found = [seeder.accounts.get(person.id) for person in people]
    assert [(one.status, one.doctor_id) for one in found] == [("approved", doctor.id)] * 2
    journey.press("undo")
    visitor.see(people[0].email)
    visitor.go(f"accounts?q={refused[:12]}")
    visitor.see(refused)
    visitor.keys("j", "r")
    visitor.choose("reason", "other")
    visitor.press("dialog .danger")
    journey.see("noteNeeded")
    visitor.type(note="Ask the ward first.")
    journey.step("refuse")
    visitor.press("dialog .danger")
    journey.see("refusedNow", who=f"Eve ({refused})")
    visitor.see_none("Eve")
    visitor.go(f"accounts?status=refused&q={refused[:12]}")
    journey.see("refusedFor", reason=journey.say("refusal_other"))
    journey.step("refused")
    visitor.run("sessionStorage.clear()")
    visitor.open("/#/login")
    visitor.type(email=refused, password="a wrong passphrase")
    visitor.press("form .primary")
    visitor.find("form .message.bad")
    assert "ward" not in visitor.text()
    visitor.type(password=PASSPHRASE)
    visitor.press("form .primary")
    visitor.see("Ask the ward first.")
    journey.step("told", expected=("/login",))
