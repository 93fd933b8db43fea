"""What an admin is asked before a role changes, what its undoing brings back, and what stands in
the list of a new doctor.
"""

import re
from typing import Any

import pytest

from tests.console.journey import Journey, Look, looks
from tests.console.test_doctor import send_as, send_for
from tests.console.test_spots import send
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.support.photos import photo_of

ITEMS = """
const [settings, answer] = arguments;
import("/console/views/overview.js").then((it) => answer(settings.map(it.itemOfUnassigned)));
"""

DAMAGED = """
const [failed, answer] = arguments;
import("/console/views/overview.js").then((it) => answer(failed.map(it.itemOfFailed)));
"""


def row_of(admin: Caller, account: Caller) -> Any:
    [row] = admin.call("GET", f"/accounts?q={account.email}").json
    return row


def named(account: Caller) -> str:
    return f"Ada ({account.email})"


def figures(journey: Journey, account: Any) -> dict[str, str]:
    waiting = account["waiting"]
    many = journey.say("many_findings", count=str(waiting["findings"]))
    return {"findings": many, "urgent": str(waiting["urgent"])}


@pytest.mark.parametrize("look", looks(1), ids=str)
def test_a_change_of_role_names_what_waits_and_is_undone_with_the_doctor(
    visitor: Visitor, seeder: Seeder, doctor: Caller, patient: Caller, look: Look
) -> None:
    for key in ("melanoma", "melanocytic_nevus"):
        send(patient, key)
    admin = seeder.person("admin")
    before = row_of(admin, patient)
    assert before["waiting"]["findings"] == 2
    journey = Journey(visitor, "admin", look)
    visitor.enter(admin, "admin")
    visitor.go(f"accounts?status=all&q={patient.email}")
    visitor.press_in_row(patient.email, journey.say("manage") if not journey.on_phone else "⋯")
    visitor.choose("new-role", "doctor")
    visitor.await_stillness()
    assert row_of(admin, patient) == before, "a choice is no act"
    journey.press("changeRole", within="managed")
    journey.see("roleTakes", who=named(patient), doctor="Ada", **figures(journey, before))
    journey.step("role-ask")
    visitor.press("dialog .danger")
    journey.see("roleChanged", who=named(patient), role=journey.say("role_doctor"))
    assert row_of(admin, patient)["role"] == "doctor"
    journey.press("undo")
    journey.see("roleChanged", who=named(patient), role=journey.say("role_user"))
    after = row_of(admin, patient)
    assert (after["role"], after["doctor"]) == ("user", doctor.email)
    journey.step("role-undone")


@pytest.mark.parametrize("look", looks(2), ids=str)
def test_who_is_approved_as_a_doctor_is_asked_about_first(
    visitor: Visitor, seeder: Seeder, doctor: Caller, patient: Caller, look: Look
) -> None:
    """A patient who was suspended and asks to be a doctor, with findings that wait."""
    send(patient, "melanoma")
    seeder.services.store.collection("accounts").update(
        {"id": patient.id}, {"$set": {"status": "waiting", "wanted_role": "doctor"}}
    )
    admin = seeder.person("admin")
    before = row_of(admin, patient)
    journey = Journey(visitor, "admin", look)
    visitor.enter(admin, "admin")
    visitor.go(f"accounts?q={patient.email}")
    visitor.press_in_row(patient.email, journey.say("approve"))
    journey.see("doctorReads")
    one = journey.say("one_findings", count="1")
    urgent = str(before["waiting"]["urgent"])
    journey.see("roleTakes", who=named(patient), doctor="Ada", findings=one, urgent=urgent)
    journey.step("approve-as-ask")
    visitor.press("dialog .primary")
    journey.see("approved", who=named(patient), role=journey.say("role_doctor"))
    visitor.go("overview")
    said = {"findings": one, "urgent": urgent, "role": journey.say("role_doctor")}
    journey.see("staffFindings", who=named(patient), **said)
    journey.step("findings-of-no-patient")


@pytest.mark.parametrize("look", looks(3), ids=str)
def test_an_approval_as_a_doctor_is_undone_with_the_doctor_in_charge(
    visitor: Visitor, seeder: Seeder, doctor: Caller, patient: Caller, look: Look
) -> None:
    """Of one who is approved already, chosen among others."""
    admin = seeder.person("admin")
    journey = Journey(visitor, "admin", look)
    visitor.enter(admin, "admin")
    visitor.go(f"accounts?status=all&q={patient.email}")
    visitor.press(".accounts tbody [type=checkbox]")
    visitor.choose("approve-role", "doctor")
    visitor.press(".actions .primary")
    journey.see("roleNothing", who=named(patient))
    visitor.press("dialog .primary")
    journey.see("approved", who=named(patient), role=journey.say("role_doctor"))
    journey.press("undo")
    visitor.await_truth(lambda: row_of(admin, patient)["doctor"] == doctor.email, "the undoing")
    assert row_of(admin, patient)["role"] == "user"


@pytest.mark.parametrize("look", looks(0), ids=str)
def test_a_server_without_a_doctor_asks_for_one_and_blames_no_setting(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    """Patients wait there, and the setting that says who sees them is right."""
    admin = seeder.person("admin")
    journey = Journey(visitor, "admin", look)
    visitor.enter(admin, "admin")
    journey.see("title_overview")
    counted = {"patients": 1, "findings": 1, "urgent": 1, "listed": False, "has_doctor": False}
    has, none_waits = {**counted, "has_doctor": True}, {"patients": 0}
    settings = [counted, {**counted, **none_waits}, has, {**has, **none_waits}]
    first, new, unlisted, nobody = visitor.run_async(ITEMS, settings)
    for item in (first, new):
        assert (item["text"], item["place"]) == (journey.say("addFirstDoctor"), "accounts")
    assert (new["act"], new["more"]) == (True, [])
    assert "UNASSIGNED_PATIENTS" not in f"{first}"
    assert "UNASSIGNED_PATIENTS" in f"{unlisted}"
    assert nobody["act"] is False


@pytest.mark.parametrize("look", looks(0), ids=str)
def test_a_record_that_no_list_shows_comes_with_the_command_that_restores_it(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    """It stops no list: the admin must know that something is missing there."""
    journey = Journey(visitor, "admin", look)
    visitor.enter(seeder.person("admin"), "admin")
    journey.see("title_overview")
    item, since = "submissions/" + "0" * 32, "2026-11-28T05:00:00Z"
    failed = {"work": "record", "item": item, "attempts": 1, "reason": "x", "created_at": since}
    unread, unsent = visitor.run_async(DAMAGED, [failed, {**failed, "work": "mail"}])
    assert unread["text"] == journey.say("recordDamaged", item=item)
    assert re.search(f"python -m skinapi restore-record [A-Z]+ {item}", unread["more"][0])
    assert unsent["text"] == journey.say("itemFailed", work=journey.say("work_mail"), item=item)


MAILS_OFF = """
const send = window.fetch;
window.fetch = async (path, ...rest) => {
  const answer = await send(path, ...rest);
  if (path !== "/admin/overview") return answer;
  const { status, headers } = answer;
  const body = { ...await answer.json(), late_mails: null };
  return new Response(JSON.stringify(body), { status, headers });
};
"""


def test_what_is_as_the_clinic_wants_it_is_put_aside(visitor: Visitor, seeder: Seeder) -> None:
    """Mails are switched off, about which nobody does anything on that page."""
    visitor.enter(seeder.person("admin"), "admin")
    visitor.open_view("accounts")
    visitor.run(MAILS_OFF)
    visitor.open_view("overview")
    words = visitor.words("en")
    assert words["noMails"] in visitor.read(".overview .to-do:has(.aside)")
    visitor.press(".overview .to-do .aside")
    visitor.await_truth(lambda: visitor.count(".overview .to-do .aside") == 0, "it to go")
    visitor.open_view("accounts")
    visitor.open_view("overview")
    assert visitor.count(".overview .to-do .aside") == 0
    visitor.press("main details:last-of-type > summary")
    visitor.see(words["noMails"])


def test_what_is_urgent_and_nobodys_stands_in_the_list_of_a_new_doctor(
    visitor: Visitor, seeder: Seeder
) -> None:
    """Behind what is urgent among the own patients', and before all else there."""
    nobodys, doctor = seeder.person(), seeder.person("doctor")
    send_as(nobodys, seeder, photo_of("melanoma", (600, 450)))
    [number] = [item["id"] for item in nobodys.call("GET", "/submissions").json]
    visitor.enter(doctor, "doctor")
    visitor.go("queue")
    visitor.find(f".finding-row [data-number='{number}']")
    visitor.see(visitor.words("en")["withoutDoctor"])
    for photo in (photo_of("melanocytic_nevus", (600, 450)), photo_of("melanoma", (600, 450))):
        send_for(doctor, seeder, photo)
    own = [item["id"] for item in doctor.call("GET", "/queue").json]
    visitor.open("/#/queue")
    visitor.find(f".finding-row [data-number='{own[-1]}']")
    shown = (
        "return [...document.querySelectorAll('[data-number]')].map((one) => one.dataset.number)"
    )
    rows = [int(item) for item in visitor.run(shown)]
    assert (rows[0], rows[-1]) == (own[0], own[-1])
    assert number in rows[1:-1]
