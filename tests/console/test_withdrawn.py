"""A doctor lets photos be judged again whose model version was withdrawn."""

import pytest

from skinapi.registry.serving_pointer import PointerChange, ServingPointer
from skinapi.storage.ids import now
from tests.console.journey import Journey, Look, looks
from tests.console.test_doctor import send_for
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.support.photos import photo_of


@pytest.fixture
def doctor(seeder: Seeder) -> Caller:
    """With two findings that a version has made which was rolled back."""
    doctor = seeder.person("doctor")
    for _ in range(2):
        send_for(doctor, seeder, photo_of("melanoma", (600, 450)))
    withdraw_version(seeder, *(one["id"] for one in doctor.call("GET", "/queue").json))
    return doctor


def withdraw_version(seeder: Seeder, *findings: int) -> None:
    """The one that has made these."""
    store = seeder.services.store
    submissions = store.collection("submissions")
    for number in findings:
        [found] = submissions.find({"number": number}, limit=1)
        finding = {**found["finding"], "model_version": "gone-1"}
        change = {"finding": finding, "model_version": "gone-1"}
        submissions.update({"id": found["id"]}, {"$set": change})
    # Another test may have moved the pointer of this server.
    pointer = ServingPointer(store)
    before = pointer.read()
    if "gone-1" not in before.withdrawn:
        move = PointerChange(action="rollback", previous="gone-1", by="-", changed_at=now())
        pointer.set_shadow(before, move, shadow=before.shadow)


@pytest.mark.parametrize("look", looks(1), ids=str)
def test_findings_of_a_withdrawn_version_are_found_marked_and_judged_again(
    visitor: Visitor, doctor: Caller, seeder: Seeder, look: Look
) -> None:
    first = doctor.call("GET", "/queue").json[0]
    journey = Journey(visitor, "withdrawn", look)
    visitor.enter(doctor, "doctor")
    visitor.find(".notes a")
    journey.step("queue")
    visitor.press(".notes a[href='#/withdrawn']")
    journey.press("withdrawnList")
    journey.see("withdrawnText")
    journey.step("list")
    journey.press("judgeAgain")
    visitor.find("a.button[href^='#/case/']")
    journey.step("judged")
    listed = doctor.pages("/withdrawn-models/gone-1/submissions")
    again = [one["judged_again"] for one in listed]
    assert sum(number is not None for number in again) == 1
    old, new = next((one["id"], one["judged_again"]) for one in listed if one["judged_again"])
    visitor.run(f"location.hash = '#/case/{old}'")
    journey.see("judgedAgain", number=str(new))
    journey.step("old")
    visitor.run(f"location.hash = '#/case/{new}'")
    journey.see("againOriginal", number=str(old))
    journey.step("new")
    patient = seeder.caller(first["patient_id"], first["patient_email"])
    visitor.enter(patient, "user")
    visitor.run(f"location.hash = '#/finding/{first['id']}'")
    visitor.await_truth(lambda: "gone-1" in visitor.text(), "the patient is told")
    journey.step("patient")
