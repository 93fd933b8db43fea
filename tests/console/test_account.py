"""A person's own account: what is stored about it, as words and as a file, and its end."""

import json
import zipfile
from pathlib import Path

import pytest
from selenium import webdriver

from skinapi.accounts.auth.passwords import Passwords
from skinapi.app.composition.privacy_services import open_file_maker
from skinapi.platform.jobs.job_queue import Jobs
from tests.console.journey import Journey, Look, looks
from tests.console.test_spots import BACK, begin, send
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.support.backends import PASSWORD, change_account

# A tab that is opened again asks whether its session stands. Done when two later questions were
# answered.
LOOK_AGAIN = """
const [done] = arguments, ask = () => fetch("/conditions");
document.dispatchEvent(new Event("visibilitychange"));
ask().then(ask).then(() => requestAnimationFrame(() => requestAnimationFrame(done)));
"""


@pytest.fixture
def treated(seeder: Seeder) -> tuple[Caller, Caller]:
    """A patient who knows a password, with a spot, a finding and a message; and the doctor."""
    ada, doctor = seeder.person(), seeder.person("doctor")
    hashed = Passwords().hash(PASSWORD)
    change_account(seeder.services, ada.id, password_hash=hashed, doctor_id=doctor.id)
    assert ada.call("PUT", "/me/consents", json={"photos": True}).status == 200
    spot = begin(ada, BACK, "by the belt")
    send(ada, "melanoma", lesion=spot)
    answer = ada.call("POST", f"/lesions/{spot}/messages", json={"text": "It itches."})
    assert answer.status == 201
    return ada, doctor


@pytest.mark.parametrize("look", [*looks(0), *looks(2), *looks(3)], ids=str)
def test_a_person_reads_what_is_stored_and_deletes_the_account(
    visitor: Visitor, seeder: Seeder, treated: tuple[Caller, Caller], look: Look
) -> None:
    ada, doctor = treated
    journey = Journey(visitor, "account", look)
    visitor.enter(ada, "user")
    visitor.go("my-data")
    journey.see("one_spots", count="1")
    journey.see("one_messages", count="1")
    journey.see("agreedPhotos")
    visitor.assert_at_most_one_primary()
    journey.step("account")
    visitor.press("section.card button.danger")
    journey.see("deleteOwnGoes")
    journey.see("deleteOwnStays")
    journey.step("asked")
    visitor.type(ownPassword="not this one")
    visitor.press("dialog button.danger")
    journey.see("error_wrong_password")
    journey.step("refused", expected=("403",))
    visitor.type(ownPassword=PASSWORD)
    visitor.press("dialog button.danger")
    journey.see("ownAccountDeleted")
    journey.see("receiptText")
    visitor.run_async(LOOK_AGAIN)
    assert visitor.count("dialog.veil") == 0
    journey.step("receipt")
    visitor.press("dialog button.primary")
    journey.see("startTitle")
    assert ada.call("GET", "/me").status == 401
    assert doctor.call("GET", "/patients").json == []
    journey.step("left")


@pytest.mark.parametrize("look", looks(0), ids=str)
def test_everything_is_made_fetched_once_and_deleted(
    browser: webdriver.Chrome,
    visitor: Visitor,
    seeder: Seeder,
    treated: tuple[Caller, Caller],
    jobs: Jobs,
    tmp_path: Path,
    look: Look,
) -> None:
    ada, _ = treated
    journey = Journey(visitor, "my-file", look)
    visitor.enter(ada, "user")
    visitor.go("my-data")
    download = {"behavior": "allow", "downloadPath": str(tmp_path)}
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", download)
    _ask_for_file(visitor, journey)
    visitor.press_button(journey.say("fileStop"))
    _ask_for_file(visitor, journey)
    _make_file(seeder, ada, tmp_path)
    visitor.find("#my-file button + button")  # without a reload
    journey.step("ready")
    visitor.press("#my-file button")
    saved = tmp_path / "skinapi-my-data.zip"
    visitor.await_truth(saved.exists, "the file")
    with zipfile.ZipFile(saved) as archive:
        messages = json.loads(archive.read("messages.json"))["messages"]
        assert json.loads(archive.read("account.json"))["email"] == ada.email
    assert [one["text"] for one in messages] == ["It itches."]
    journey.see("fileSaved")
    visitor.await_truth(
        lambda: ada.call("GET", "/me/file").json["state"] == "fetched", "its end at the server"
    )
    journey.step("fetched")
    _ask_for_file(visitor, journey)
    queued = seeder.services.store.collection("jobs")
    for job in queued.find({"owner": ada.id}):
        queued.update({"id": job["id"]}, {"$set": {"place": f"{0:032x}"}})
    visitor.see(journey.say("fileNoWorkers", since="…").partition(". ")[2])
    journey.step("no workers")


def _ask_for_file(visitor: Visitor, journey: Journey) -> None:
    visitor.press_button(f"{journey.say('fileMake')}…")
    journey.step("asked")
    visitor.type(filePassword=PASSWORD)
    visitor.press("dialog .primary")
    journey.see("fileWaits")


def _make_file(seeder: Seeder, person: Caller, folder: Path) -> None:
    """As a worker would."""
    file = seeder.services.data.person_files.find(person.id)
    assert file is not None
    open_file_maker(seeder.server.settings(), seeder.services).make(
        account=seeder.accounts.get(person.id),
        file=file.file,
        attempt=1,
        folder=folder,
        progress=lambda *_: None,
    )
