"""A patient without a doctor: what patient, doctor and admin read, and who takes the patient."""

import pytest

from tests.console.test_spots import send
from tests.console.visitor import Visitor
from tests.served.people import Seeder
from tests.support.backends import change_account

SIZES = [(1366, 768), (390, 844)]


@pytest.fixture
def alone(seeder: Seeder) -> None:
    """Patients of other tests are on the same server, and would fill the first page of the list."""
    other = seeder.person("doctor")
    waiting = seeder.services.records.unassigned.page(urgency=None, after=None, limit=1000)
    for owner in {one.owner.id for one in waiting.items}:
        change_account(seeder.services, owner, doctor_id=other.id)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_patient_without_a_doctor_is_taken_from_the_list(
    visitor: Visitor, seeder: Seeder, size: tuple[int, int]
) -> None:
    doctor, admin, ada = seeder.person("doctor"), seeder.person("admin"), seeder.person()
    change_account(seeder.services, ada.id, name="Ada Lovelace")
    assert ada.call("PUT", "/me/consents", json={"photos": True}).status == 200
    number = send(ada, "melanoma", body_site="hand")
    visitor.look(size)
    visitor.enter(ada, "user")
    visitor.open_view(f"finding/{number}")
    visitor.see("The clinic's doctors will look at this.")
    visitor.enter(admin, "admin")
    visitor.see("no doctor")
    visitor.see_none("Nothing to do")
    visitor.enter(doctor, "doctor")
    visitor.press(".without-doctor")
    visitor.see("Ada Lovelace")
    visitor.open_view(f"case/{number}?list=unassigned")
    visitor.see("No doctor is in charge of this patient.")
    assert visitor.count("[name=note]") == 0
    visitor.press(".take-patient")
    visitor.see("The patient is in your care")
    visitor.find("[name=note]")
    visitor.assert_nothing_overflows()


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("en", "Dr Grey is in charge of"), ("fr", "Dr Grey est désormais responsable de")],
)
def test_who_is_too_late_for_a_patient_reads_who_has_taken_the_patient(
    visitor: Visitor, seeder: Seeder, language: str, sentence: str
) -> None:
    grey, house, ada = seeder.person("doctor"), seeder.person("doctor"), seeder.person()
    change_account(seeder.services, grey.id, name="Dr Grey")
    number = send(ada, "melanoma", body_site="hand")
    visitor.look(language=language)
    visitor.enter(house, "doctor")
    visitor.open_view(f"case/{number}?list=unassigned")
    visitor.find(".take-patient")
    assert grey.call("PUT", f"/patients/{ada.id}/doctor", json={}).status == 200
    visitor.press(".take-patient")
    visitor.see(sentence)
    assert visitor.count(".take-patient") == 0
