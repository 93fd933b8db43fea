"""The picture archive in the console: an admin sees what it took, and sends what it did not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver

from tests.console.journey import Journey, Look, looks
from tests.console.test_spots import send
from tests.console.test_webhooks import refresh_until
from tests.console.visitor import Visitor
from tests.served.people import Seeder
from tests.served.server import Server, serving
from tests.standards.dicom.fake_archive import FakeArchive, Mood, fake_archive
from tests.support.backends import change_account


@pytest.fixture
def archive() -> Iterator[FakeArchive]:
    with fake_archive() as archive:
        yield archive


@pytest.fixture
def server(archive: FakeArchive, tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path, {"ARCHIVE_URL": archive.url}, workers=1) as server:
        yield server


@pytest.mark.parametrize("look", [*looks(1), *looks(2)], ids=str)
def test_an_admin_sees_what_the_archive_did_not_take_and_sends_it_again(
    browser: webdriver.Chrome, server: Server, seeder: Seeder, archive: FakeArchive, look: Look
) -> None:
    visitor = Visitor(browser, server.port)
    journey = Journey(visitor, "archive", look)
    visitor.enter(seeder.person("admin"), "admin")
    visitor.go("integrations/archive")
    journey.see("deliveriesEmpty")
    visitor.see(archive.url)
    archive.mood = Mood.TAKES_NO_PHOTOS
    number = review(seeder)
    refresh_until(journey, "delivery_failed")
    journey.see("deliveryOfFinding", number=str(number))
    journey.see("faultNamed", code="0122")
    archive.mood = Mood.FORGETS
    journey.step("failed")
    journey.press("deliveryAgain")
    refresh_until(journey, "fault_not_stored")
    archive.mood = Mood.WORKS
    refresh_until(journey, "delivery_delivered")
    journey.step("delivered")
    assert len(archive.kept) == 4


def review(seeder: Seeder) -> int:
    """A doctor's review of a finding with its photo; the number of that."""
    doctor, patient = seeder.person("doctor"), seeder.person()
    change_account(seeder.services, patient.id, doctor_id=doctor.id)
    number: int = send(patient, "melanoma")
    body = {
        "label": "melanoma",
        "certainty": "sure",
        "agrees_with_label": True,
        "told_by": "server",
    }
    answer = doctor.call("POST", f"/submissions/{number}/review", json=body)
    assert answer.status == 201, answer.json
    return number
