import pytest

from skinapi.platform.storage.ids import new_id
from tests.console.journey import Journey, Look, looks
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.support.backends import PASSWORD

# What happens, first for pictures taken through a dermoscope, and its figures at each point.
READ_ROWS = """
return Object.fromEntries([...document.querySelectorAll(".triage tbody tr")].reverse()
  .map((row) => [...row.cells].map((cell) => cell.textContent.trim()))
  .map(([what, ...figures]) => [what, figures]));
"""


@pytest.mark.parametrize("look", looks(3), ids=str)
def test_accounts_are_approved_and_everything_is_seen(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    admin, waiting = seeder.person("admin"), seeder.person(status="waiting")
    journey = Journey(visitor, "admin", look)
    visitor.enter(admin, "admin")
    begin_with_what_waits(journey)
    approve(journey, waiting)
    add_a_doctor(journey, admin)
    care_for_the_account(journey, waiting)
    read_the_trail(journey, waiting)
    choose_the_operating_point(journey, admin)
    see_how_the_server_is(journey)


@pytest.mark.parametrize("look", looks(1), ids=str)
def test_all_spots_are_moved_once_both_accounts_were_seen(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    admin, emptied, other = seeder.person("admin"), seeder.person(), seeder.person()
    for item, year in ((emptied, 1950), (other, 1981)):
        assert item.call("PATCH", "/me", json={"birth_year": year}).status == 200
    journey = Journey(visitor, "admin", look)
    visitor.enter(admin, "admin")
    visitor.go(f"accounts?status=all&q={emptied.email}")
    visitor.press(".accounts .manage")
    journey.press("moveSpots", within="managed")
    visitor.type(into=other.email)
    journey.step("move-to-whom")
    visitor.press("dialog .primary")
    journey.see("moveYearsDiffer")
    visitor.type(ownPassword=PASSWORD)
    journey.step("move-both")
    visitor.press("dialog .danger")
    journey.see("spotsMoved", who=named(emptied), into=other.email)
    journey.see("is_closed")
    journey.step("moved")


@pytest.mark.parametrize("look", looks(1), ids=str)
def test_a_key_of_the_clinic_says_to_whose_patients_its_program_shows_findings(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    admin, journey = seeder.person("admin"), Journey(visitor, "admin", look)
    visitor.enter(admin, "admin")
    visitor.go("integrations")
    visitor.press("details.card > summary")
    visitor.type(keyName="our record", ownPassword=PASSWORD)
    assert visitor.count("[name=keyShows]") == 0  # it reads nothing yet
    visitor.press("fieldset .tick:nth-of-type(2)")
    visitor.type(keyShows=" urn:oid:2.999.1 \n\nHOSPITAL, dicom")
    journey.step("key-shows")
    visitor.press("form .primary")
    journey.see("keyMade")
    key = admin.call("GET", "/admin/keys?limit=200").json[-1]
    assert (key["scopes"], key["shows_patients_of"]) == (
        ["findings:read"],
        ["urn:oid:2.999.1", "HOSPITAL", "dicom"],
    )
    visitor.press("dialog .primary")
    visitor.see("HOSPITAL")
    journey.step("keys")


def named(caller: Caller) -> str:
    return f"Ada ({caller.email})"


def begin_with_what_waits(journey: Journey) -> None:
    visitor = journey.visitor
    journey.see("noBackup")
    visitor.find(".overview .to-do")
    journey.step("overview")
    visitor.press(".overview a[href='#/accounts']")
    journey.see("title_accounts")


def search(visitor: Visitor, account: Caller) -> None:
    """Return once the other rows have left the list, because the rows below them move."""
    found = f".accounts tbody [title*='{account.email}']"
    shown = ".accounts tbody > tr"
    visitor.find("#search").send_keys(account.email)
    visitor.await_truth(lambda: visitor.count(found) == visitor.count(shown) == 1, "this one alone")


def approve(journey: Journey, waiting: Caller) -> None:
    visitor = journey.visitor
    search(visitor, waiting)  # whom others left waiting may fill the page
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
    search(visitor, account)
    visitor.press_in_row(account.email, journey.say("suspend"))
    journey.see("suspendAskText")
    journey.step("suspend-ask")
    visitor.press("dialog .danger")
    journey.see("suspended", who=named(account))
    visitor.press(".accounts .manage")
    journey.step("managed")
    journey.press("passwordLink")
    journey.step("ask")
    visitor.press("dialog .danger")
    visitor.find(".secret")
    journey.step("new-password")
    visitor.press("dialog .primary")


def read_the_trail(journey: Journey, account: Caller) -> None:
    visitor = journey.visitor
    visitor.press(".top a[href='#/audit']")
    visitor.find("tbody tr")
    # A list of 110 actions is too long to read, so search first.
    assert visitor.find(".trail-filter :is(input, select)").get_attribute("name") == "who"
    assert visitor.count(".trail-filter option") == 6
    tops = "return new Set([...document.querySelectorAll('.trail-filter :is(input, select)')]"
    tops += ".map((one) => Math.round(one.getBoundingClientRect().height))).size"
    assert visitor.run(tops) == 1
    journey.step("audit")
    visitor.type(who="nobody@nowhere.example")
    visitor.press(".filter .primary")
    journey.see("noSuchAccount")
    journey.step("no-such-account")
    visitor.type(who=account.email)
    visitor.choose("group", "people")
    visitor.choose("action", "account.suspend")
    visitor.press(".filter .primary")
    journey.see("wholeTrail")
    admin = visitor.run("return JSON.parse(sessionStorage['skinapi.session']).email")
    journey.see("did_account_suspend", by=f"Ada ({admin})", target=named(account))
    journey.step("filtered")
    assert "action=account.suspend" in visitor.run("return location.hash")
    journey.press("exportCsv")
    visitor.await_answer(f"account={account.id}")
    visitor.go("audit?action=Nothing")
    journey.see("badFilter")
    visitor.go("audit")
    visitor.type(who=account.email)
    visitor.choose("group", "people")
    visitor.press(".filter .primary")
    visitor.await_truth(lambda: "group=people" in visitor.run("return location.hash"), "asked")
    journey.see("did_account_suspend", by=f"Ada ({admin})", target=named(account))
    visitor.choose("group", "lab")
    visitor.press(".filter .primary")
    journey.see("auditEmpty")
    visitor.go("audit?until=2020-01-01")
    journey.see("auditEmpty")


def choose_the_operating_point(journey: Journey, admin: Caller) -> None:
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
    journey.see("choosePointTitle", name=names["standard"].capitalize())
    assert f"{spared['n']} ({spared['range']})" in visitor.read("dialog")  # and what held before
    assert admin.call("GET", place).json["operating_point"] == "cautious"
    journey.step("another-point")
    visitor.press("dialog .primary")
    visitor.find(".triage thead th:nth-child(3):focus")
    journey.step("point-chosen")
    assert admin.call("GET", place).json["operating_point"] == "standard"
    visitor.press(".top a[href='#/audit']")
    visitor.see(f"({names['cautious']} → {names['standard']})")
    back = {"operating_point": "cautious"}
    assert admin.call("PUT", place, json=back).status == 200


def test_the_buttons_of_a_question_stay_in_reach_in_a_low_window(
    visitor: Visitor, seeder: Seeder
) -> None:
    visitor.look((1366, 480))
    visitor.enter(seeder.person("admin"), "admin")
    visitor.go("triage")
    visitor.press(".triage tfoot button")
    visitor.find("dialog .triage")
    reached = "return document.querySelector('dialog .primary').getBoundingClientRect().bottom"
    assert visitor.run("return innerHeight") >= visitor.run(reached)
    high = "const at = document.querySelector('dialog'); return at.scrollHeight > at.clientHeight"
    assert visitor.run(high), "else nothing is shown by this"


def see_how_the_server_is(journey: Journey) -> None:
    visitor = journey.visitor
    visitor.press("footer a[href='#/model']")
    journey.see("table_per_class")
    journey.step("model")
