from pathlib import Path

import pytest

from skinapi.accounts.auth.passwords import Passwords
from skinapi.app.composition.person_data import open_file_maker
from skinapi.base.subject import Allowances, Unlimited
from tests.console.journey import Journey, Look, looks
from tests.console.test_review import sign
from tests.console.test_spots import send
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.support.backends import PASSWORD, change_account


def consents_of(person: Caller) -> dict[str, bool]:
    given: dict[str, bool] = person.call("GET", "/me").json["consents"]
    return given


@pytest.mark.parametrize("look", looks(0), ids=str)
def test_a_person_agrees_takes_back_and_deletes_the_kept_photos(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    ada = seeder.person()
    journey = Journey(visitor, "my-data", look)
    visitor.enter(ada, "user")
    visitor.go("my-data")
    journey.see("consentNotAsked")
    journey.see("sharingNotAsked")
    journey.step("not-asked")
    visitor.press("[name=agree-photos]")
    visitor.find("[name=refuse-photos]:not(.quiet)")
    number = send(ada, "melanoma")
    visitor.reload()
    visitor.press("[name=refuse-photos]")
    journey.see("eraseKeptAsk")
    journey.step("asked")
    visitor.press("dialog .primary + button")
    visitor.find("[name=erase]")
    assert ada.call("GET", f"/submissions/{number}/photo").status == 200
    visitor.press("[name=erase]")
    visitor.press("dialog .primary")
    visitor.await_truth(lambda: visitor.count("[name=erase]") == 0, "the end of the photos")
    assert ada.call("GET", f"/submissions/{number}/photo").status == 404
    visitor.see_none(journey.say("one_photos", count="1"))
    visitor.press("[name=refuse-sharing]")
    visitor.find("[name=agree-sharing]:not([disabled])")
    visitor.await_truth(lambda: consents_of(ada).get("sharing") is False, "the refusal")
    visitor.press("main details summary")
    journey.step("history")
    assert consents_of(ada) == {"photos": False, "sharing": False}


@pytest.mark.parametrize("look", looks(0), ids=str)
def test_a_person_has_the_file_made_and_downloads_it(
    visitor: Visitor, seeder: Seeder, tmp_path: Path, look: Look
) -> None:
    ada, services = seeder.person(), seeder.services
    change_account(services, ada.id, password_hash=Passwords().hash(PASSWORD))
    journey = Journey(visitor, "my-file", look)
    visitor.enter(ada, "user")
    visitor.go("my-data")
    visitor.press("#my-file button")
    journey.step("asked")
    visitor.type(filePassword=PASSWORD)
    visitor.press("dialog button.primary")
    journey.see("fileWaits")
    journey.step("waits")
    services.container.put({Allowances: Unlimited()})
    services.container.build(open_file_maker).make(
        account=services.data.accounts.get(ada.id),
        file=services.data.person_files.get(ada.id).file,
        folder=tmp_path,
        progress=lambda *_: None,
    )
    visitor.reload()
    visitor.press("#my-file .row button")
    journey.see("fileSaved")
    journey.see("fileMake")
    files = services.data.person_files
    visitor.await_truth(lambda: files.find(ada.id) is None, "the end of the file")


@pytest.mark.parametrize("look", looks(0), ids=str)
def test_who_is_still_to_be_told_reads_it_before_closing_and_is_in_the_doctors_lists(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    doctor, patient = seeder.person("doctor"), seeder.person()
    decisions, services = seeder.services.decisions, seeder.services
    decisions.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
    change_account(services, patient.id, password_hash=Passwords().hash(PASSWORD))
    assert patient.call("PUT", "/me/consents", json={"photos": True}).status == 200
    number = send(patient, "melanoma")
    sign(doctor, number, label="melanoma", certainty="sure")
    journey = Journey(visitor, "to-reach", look)
    visitor.enter(patient, "user")
    visitor.go("my-data")
    visitor.press("section.card button.danger")
    journey.see("unsettledOwn")
    journey.see("unsettledWaits")
    journey.step("dialog")
    visitor.type(ownPassword=PASSWORD)
    visitor.press("dialog button.danger")
    journey.see("ownAccountClosed")
    journey.see("receiptText")
    visitor.press("dialog .primary")
    visitor.enter(doctor, "doctor")
    visitor.go("queue?list=telling")
    visitor.see(patient.email)
    visitor.go("patients")
    visitor.see(patient.email)
    journey.step("done")
