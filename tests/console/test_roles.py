from typing import Any

import pytest

from tests.console.journey import Journey, Look, looks
from tests.console.test_spots import send
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder


def row_of(admin: Caller, account: Caller) -> Any:
    [row] = admin.call("GET", f"/accounts?q={account.email}").json
    return row


def named(account: Caller) -> str:
    return f"Ada ({account.email})"


@pytest.mark.parametrize("look", looks(1), ids=str)
def test_a_change_of_role_is_asked_about_and_changes_no_doctor(
    visitor: Visitor, seeder: Seeder, doctor: Caller, patient: Caller, look: Look
) -> None:
    send(patient, "melanoma")
    admin = seeder.person("admin")
    before = row_of(admin, patient)
    journey = Journey(visitor, "admin", look)
    visitor.enter(admin, "admin")
    visitor.go(f"accounts?status=all&q={patient.email}")
    visitor.press_in_row(patient.email, journey.say("manage") if not journey.on_phone else "⋯")
    visitor.choose("new-role", "doctor")
    visitor.await_stillness()
    assert row_of(admin, patient) == before, "a choice is no act"
    journey.press("changeRole", within="managed")
    journey.see("doctorReads")
    journey.step("role-ask")
    visitor.press("dialog .danger")
    journey.see("roleChanged", who=named(patient), role=journey.say("role_doctor"))
    after = row_of(admin, patient)
    assert (after["role"], after["doctor"]) == ("doctor", doctor.email)


@pytest.mark.parametrize("look", looks(2), ids=str)
def test_who_is_approved_as_a_doctor_is_asked_about_first(
    visitor: Visitor, seeder: Seeder, patient: Caller, look: Look
) -> None:
    seeder.services.store.collection("accounts").update(
        {"id": patient.id}, {"$set": {"status": "waiting", "wanted_role": "doctor"}}
    )
    admin = seeder.person("admin")
    journey = Journey(visitor, "admin", look)
    visitor.enter(admin, "admin")
    visitor.go(f"accounts?q={patient.email}")
    visitor.press_in_row(patient.email, journey.say("approve"))
    journey.see("doctorReads")
    journey.step("approve-as-ask")
    visitor.press("dialog .primary")
    journey.see("approved", who=named(patient), role=journey.say("role_doctor"))


MAKE_ITEMS = """
const [settings, asks, answer] = arguments;
import("/console/views/overview.js").then((it) =>
  answer([...settings.map((one) => it.itemOfUnassigned(one)),
    it.itemOfUnassigned(settings[0], asks)]));
"""


def test_the_overview_asks_for_a_first_doctor(visitor: Visitor, seeder: Seeder) -> None:
    visitor.enter(seeder.person("admin"), "admin")
    words = visitor.words("en")
    visitor.find("main .overview")  # the words of staff are there, too
    counted = {"patients": 1, "findings": 1, "urgent": 1, "listed": False, "has_doctor": False}
    has, none_waits = {**counted, "has_doctor": True}, {"patients": 0}
    settings = [counted, {**counted, **none_waits}, has, {**has, **none_waits}]
    asks = {"name": "Dr Weber", "email": "weber@example.org"}
    first, new, unlisted, nobody, approve = visitor.run_async(MAKE_ITEMS, settings, asks)
    assert "Dr Weber" in approve["text"]
    assert approve["place"] == "accounts?q=weber%40example.org"
    for item in (first, new):
        assert (item["text"], item["place"]) == (words["addFirstDoctor"], "accounts")
    assert (new["act"], new["more"]) == (True, [])
    assert "UNASSIGNED_PATIENTS" not in f"{first}"
    assert "UNASSIGNED_PATIENTS" in f"{unlisted}"
    assert nobody["act"] is False


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
    """Mails are switched off on purpose, and nobody can change that on this page."""
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
