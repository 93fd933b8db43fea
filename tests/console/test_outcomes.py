"""A doctor and an admin read what was said before the laboratory's result."""

import pytest

from skinapi.storage.ids import now
from tests.console.journey import Journey, Look, looks
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import as_form, post
from tests.support.photos import photo_of


def send(caller: Caller) -> int:
    body, kind = as_form(photo_of("melanoma"), "image")
    headers = {"Authorization": f"Bearer {caller.token}", "Content-Type": kind}
    return int(post(caller.port, "/predict", body, headers).json["id"])


COUNTS = "outcome_counts"


def count_results(seeder: Seeder, version: str) -> None:
    """Of that model's findings at the cautious point: 35 cancers and 73 moles of dermoscope
    pictures, and of 21 lesions whose kind of picture was in doubt.
    """
    derm, both = "at_cautious_dermoscopic", "at_cautious_both"
    for truth, said, sent, at in (
        ("melanoma", "melanoma", True, {f"{derm}_urgent": 28, f"{derm}_later": 6}),
        ("melanoma", "melanocytic_nevus", False, {f"{derm}_later": 1}),
        (
            "melanocytic_nevus",
            "melanocytic_nevus",
            True,
            {f"{derm}_urgent": 14, f"{derm}_later": 38},
        ),
        (
            "melanocytic_nevus",
            "melanocytic_nevus",
            False,
            {f"{derm}_later": 21, f"{both}_later": 4},
        ),
        ("melanocytic_nevus", "melanoma", True, {f"{both}_urgent": 8, f"{both}_later": 9}),
    ):
        month = f"{now():%Y-%m}"
        facts = {"kind": "model", "subject": version, "month": month, "truth": truth}
        identifier = f"{month}/{version}/{truth}/{said}/{int(sent)}"
        row = {"id": identifier, "schema": 1, **facts, "said": said, "sent": sent}
        steps = {"$inc": {"n": sum(at.values()), **at}}
        seeder.services.store.collection(COUNTS).update(row, steps, upsert=True)


@pytest.mark.parametrize("look", looks(1), ids=str)
def test_a_doctor_reads_the_outcomes_and_an_admin_those_of_the_doctor(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    doctor, ada, admin = seeder.person("doctor"), seeder.person(), seeder.person("admin")
    seeder.services.decisions.assign_doctor(email=ada.email, doctor=doctor.email, by="admin")
    seeder.services.store.collection(COUNTS).delete({"kind": "model"})
    journey = Journey(visitor, "outcomes", look)
    visitor.enter(doctor, "doctor")
    visitor.press("a[href='#/outcomes']")
    journey.see("outcomesEmpty")
    visitor.see("20")
    assert visitor.count("svg.curve .mark") == 3
    journey.step("empty")
    number = send(ada)
    opinion = {"label": "melanocytic_nevus", "certainty": "sure"}
    result = {**opinion, "label": "melanoma", "histology": "confirmed"}
    for said in (opinion, {**result, "histology_result": "melanoma"}):
        assert doctor.call("POST", f"/submissions/{number}/review", json=said).status == 201
    visitor.go("queue")
    visitor.press("a[href='#/outcomes']")
    visitor.find("section dl")
    assert visitor.find("section dl dd:nth-of-type(2) strong").text.startswith("0")
    journey.step("outcomes")
    version = admin.call("GET", "/models/operating-point").json["model_version"]
    count_results(seeder, version)
    visitor.enter(admin, "admin")
    visitor.go("outcomes")
    visitor.find("svg.curve .mark.own")
    assert visitor.count("svg.curve") == visitor.count("svg.curve .mark.own") == 1
    assert visitor.count("svg.curve .line-own") == 2
    sent = visitor.find("table.stacked tbody tr:first-of-type td strong").text
    assert sent.startswith("97")
    journey.step("of-the-clinic")
    visitor.press("a.button[href='#/triage']")
    visitor.press("a.button[href='#/outcomes']")
    visitor.find("svg.curve .mark.own")
    visitor.go("accounts")
    journey.press("all", within="tabs")
    visitor.find("#search").send_keys(doctor.email)
    visitor.await_truth(lambda: visitor.count(".accounts tbody tr") == 1, "the doctor")
    visitor.press(".accounts .manage")
    visitor.find(".managed section dl")
    journey.step("of-the-doctor")
