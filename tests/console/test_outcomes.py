"""A doctor and an admin read what was said before the laboratory's result."""

import pytest

from tests.console.journey import Journey, Look, looks
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import as_form, post
from tests.support.photos import photo_of


def send(caller: Caller) -> int:
    body, kind = as_form(photo_of("melanoma"), "image")
    headers = {"Authorization": f"Bearer {caller.token}", "Content-Type": kind}
    return int(post(caller.port, "/predict", body, headers).json["id"])


@pytest.mark.parametrize("look", looks(1), ids=str)
def test_a_doctor_reads_the_outcomes_and_an_admin_those_of_the_doctor(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    doctor, ada, admin = seeder.person("doctor"), seeder.person(), seeder.person("admin")
    seeder.services.admin.assign_doctor(email=ada.email, doctor=doctor.email, by="admin")
    journey = Journey(visitor, "outcomes", look)
    visitor.enter(doctor, "doctor")
    visitor.press("a[href='#/outcomes']")
    journey.see("outcomesEmpty")
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
    visitor.enter(admin, "admin")
    visitor.go("accounts")
    journey.press("all", within="tabs")
    visitor.find("#search").send_keys(doctor.email)
    visitor.await_truth(lambda: visitor.count("details.outcomes > summary") == 1, "the doctor")
    visitor.press("details.outcomes > summary")
    visitor.find("details section dl")
    journey.step("of-the-doctor")
