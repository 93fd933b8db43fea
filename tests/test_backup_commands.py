"""Backups on a timer: how many stay, the drill that restores one, and what the recipes run."""

import os
import shlex
import signal
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from skinapi.__main__ import REFUSED, _parser, main
from skinapi.app.composition.services import open_services
from skinapi.app.restore_commands import FAULTS_OF_TRAIL
from skinapi.base.settings.settings import Settings
from skinapi.platform.backups.erased_ids import FILE_NAME, read_erased_ids
from skinapi.platform.storage.ids import new_id, now
from tests.care.clinic import patient_in_care
from tests.care.conversation import Talk
from tests.care.test_cases import MELANOMA, Clinic, answer
from tests.care.test_letters import Practice
from tests.care.test_opinions import MOLE
from tests.findings.prediction.photographer import predicted
from tests.integrations.test_keys import made
from tests.integrations.test_patients import program
from tests.platform.storage.test_damaged_text import damage_text
from tests.privacy.test_joining import join
from tests.repository.documents import ROOT
from tests.support.backends import PASSWORD, SECRET, Backend, Person, erase
from tests.support.models import tiny_model

SETTINGS = {name.upper() for name in Settings.model_fields}


def open_for_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **given: Any) -> Backend:
    """A store with a person, which the commands find by the environment."""
    monkeypatch.chdir(tmp_path)
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("INSTANCE_DIR", str(tmp_path / "instance"))
    monkeypatch.setenv("MODEL_PATH", str(tiny_model()))
    monkeypatch.setenv("JWT_SECRET_KEY", SECRET)
    made = Backend(tmp_path / "instance", jwt_secret_key=SECRET, **given)
    made.member("ada@example.org")
    return made


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Backend:
    return open_for_commands(tmp_path, monkeypatch)


def test_of_backups_in_a_folder_the_newest_stay(backend: Backend, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    old = [folder / f"skinapi-2026010{day}T023000Z.tar" for day in range(1, 5)]
    others = [folder / "skinapi-before-the-upgrade.tar", folder / "notes.txt"]
    for path in (*old, *others):
        path.touch()
    others.append(folder / "skinapi-20260101T000000Z.tar")  # a folder, unpacked by somebody
    others[-1].mkdir()
    assert main(["backup", "--keep", "3", str(folder)]) == 0
    assert read_erased_ids(folder / FILE_NAME).complete_until
    left = sorted(path for path in folder.iterdir() if path.name != FILE_NAME)
    assert [path in left for path in old] == [False, False, True, True]
    assert set(others) <= set(left)
    (new,) = set(left) - {*old, *others}
    assert main(["restore", "--verify", str(new)]) == 0


@pytest.mark.parametrize("place", ["-", "nowhere", "notes.txt"])
def test_only_in_a_folder_the_newest_stay(
    backend: Backend, tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").touch()
    assert main(["backup", "--keep", "3", place]) == REFUSED
    assert f"--keep needs a folder, and {place} is none" in capsys.readouterr().err


def test_one_damaged_record_is_said_by_the_backup_and_restored_from_an_older_one(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ada = backend.account("ada@example.org")
    name, older, newer = f"accounts/{ada.id}", tmp_path / "older.tar", tmp_path / "newer.tar"
    assert main(["backup", str(older)]) == 0
    assert main(["restore-record", str(older), name]) == REFUSED  # it is whole
    rows = backend.services.store.collection("accounts")
    rows.update({"id": ada.id}, {"$unset": {"created_at": True}})
    failed = backend.services.data.failed_items
    failed.note_damaged({("accounts", ada.id): "ValidationError"})
    failed.do_each("unassigned", [ada.id], lambda item: int(item, 7))  # a pass that fails at it
    assert main(["backup", str(newer)]) == 1
    assert f"damaged: accounts {ada.id}: damaged: created_at" in capsys.readouterr().err
    assert main(["restore-record", str(newer), name]) == REFUSED
    assert main(["restore-record", str(older), f"accounts/{'0' * 32}"]) == REFUSED
    assert main(["restore-record", str(older), name]) == 0
    assert backend.account("ada@example.org") == ada
    assert backend.services.data.failed_items.list_some() == []
    assert ("store.restore", ada.id) in [(row["action"], row["target"]) for row in backend.audit()]


@pytest.mark.parametrize(
    ("collection", "parent"), [("submissions", "owner"), ("reviews", "submission")]
)
def test_a_record_that_names_nothing_is_not_deleted_and_is_restored(
    backend: Backend, tmp_path: Path, collection: str, parent: str
) -> None:
    """One character of an id is enough; what was erased is on a list."""
    grey = backend.member(role="doctor")
    ada = backend.member(doctor_id=backend.account(grey.email).id)
    number = predicted(ada)["id"]
    judged = {"label": "melanoma", "agreement": "disagree"}
    assert grey.call("POST", f"/submissions/{number}/review", json=judged).status_code == 201
    [before] = backend.stored()[collection]
    backup, name = tmp_path / "b.tar", f"{collection}/{before['id']}"
    assert main(["backup", str(backup)]) == 0
    rows = backend.services.store.collection(collection)
    rows.update({"id": before["id"]}, {"$set": {parent: new_id()}})
    assert main(["check", "--repair"]) == 1
    [kept] = backend.stored()[collection]
    assert kept["id"] == before["id"]
    assert main(["restore-record", str(backup), name]) == 0
    assert backend.stored()[collection] == [before]
    main(["check", "--repair"])
    assert main(["check"]) == 0


@pytest.mark.parametrize(
    ("side", "field"),
    [
        *((None, name) for name in ("version", "earlier", "finding", "band", "context")),
        *(("right", name) for name in ("context", "amendments")),
    ],
)
def test_a_finding_that_was_corrected_since_the_backup_is_mended_by_a_later_one_alone(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str], side: str, field: str
) -> None:
    """Else it would be made of two versions, and one might be milder."""
    ada = backend.member()
    assert ada.call("PUT", "/me/consents", json={"photos": True}).status_code == 200
    number = predicted(ada, body_site="back", body_laterality="left")["id"]
    former, later = tmp_path / "former.tar", tmp_path / "later.tar"
    assert main(["backup", str(former)]) == 0
    told = {"body_laterality": side} if side else {"age_band": "75+", "version": 1}
    answer = ada.call("PUT", f"/submissions/{number}/facts", json=told)
    assert answer.status_code == 200, answer.text
    assert main(["backup", str(later)]) == 0
    [before] = backend.stored()["submissions"]
    name, rows = f"submissions/{before['id']}", backend.services.store.collection("submissions")
    rows.update({"id": before["id"]}, {"$set": {field: 7.5}})
    [damaged] = backend.stored()["submissions"]
    capsys.readouterr()
    assert main(["restore-record", str(former), name]) == REFUSED
    assert "later backup" in capsys.readouterr().err
    assert backend.stored()["submissions"] == [damaged]
    assert main(["restore-record", str(later), name]) == 0
    assert backend.stored()["submissions"] == [before]


@pytest.mark.parametrize(("field", "damaged"), [("band", "nowhere"), ("error", 7)])
def test_what_has_happened_since_the_backup_stays_where_one_field_is_damaged(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str], field: str, damaged: Any
) -> None:
    """Entered in error, sorted, joined, told or refused since: none of it is taken back. Where the
    error itself is damaged, the list of erased ids knows of it.
    """
    grey = backend.member(role="doctor")
    ada = backend.member(doctor_id=backend.account(grey.email).id)
    number, backup = predicted(ada)["id"], tmp_path / "b.tar"
    assert main(["backup", str(backup)]) == 0
    path, wrong = f"/submissions/{number}/entered-in-error", {"reason": "It is of somebody else."}
    assert grey.call("POST", path, json=wrong).status_code == 200
    [before] = backend.stored()["submissions"]
    rows = backend.services.store.collection("submissions")
    rows.update({"id": before["id"]}, {"$set": {field: damaged}})
    assert main(["restore-record", str(backup), f"submissions/{before['id']}"]) == 0
    assert f"As in the backup: {field}" in capsys.readouterr().out
    [after] = backend.stored()["submissions"]
    assert after["error"]
    assert field == "error" or after == before
    assert grey.pages("/queue") == []


@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize("role", ["doctor", "researcher", "admin", "user"])
def test_who_may_have_been_suspended_since_the_backup_does_not_come_back_unseen(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str], role: str, others: int
) -> None:
    for _ in range(others):
        backend.member(role="admin")
    person, backup = backend.member(role=role), tmp_path / "b.tar"
    account = backend.account(person.email)
    assert main(["backup", str(backup)]) == 0
    rows = backend.services.store.collection("accounts")
    rows.update({"id": account.id}, {"$set": {"status": "suspendec"}})
    assert main(["restore-record", str(backup), f"accounts/{account.id}"]) == 0
    said = capsys.readouterr().out
    stays = role == "user" or (role == "admin" and not others)
    assert backend.account(person.email).status == ("approved" if stays else "suspended")
    assert ("an admin looks" if stays else "an admin approves it again") in said
    assert person.call("GET", "/me").status_code == 401


@pytest.mark.parametrize(
    "lost", [("opinion_key",), ("band", "opinion_key"), ()], ids=["opinion", "more", "all"]
)
@pytest.mark.parametrize("asked", [True, False], ids=["asked before", "asked since"])
def test_a_second_opinion_that_has_come_since_the_backup_is_the_doctors_again(
    backend: Backend, tmp_path: Path, lost: tuple[str, ...], asked: bool
) -> None:
    clinic, backup = Clinic(backend), tmp_path / "b.tar"
    answer(clinic.doctor, clinic.number, MOLE)
    for turn in (True, False):
        if asked is turn:
            clinic.ask()
        if turn:
            assert main(["backup", str(backup)]) == 0
    answer(clinic.colleague, clinic.number, MELANOMA)
    rows = backend.services.store.collection("submissions")
    [stored], whole = backend.stored()["submissions"], clinic.case()
    if lost:
        rows.update({"id": stored["id"]}, {"$set": dict.fromkeys(lost, 7)})
    else:  # all but the id
        rows.update({"id": stored["id"]}, {"$unset": dict.fromkeys({*stored} - {"id"}, True)})
    assert main(["restore-record", str(backup), f"submissions/{stored['id']}"]) == 0
    main(["check", "--repair"])
    case = clinic.case()
    assert case["opinion_came_at"]
    assert (case["opinion"], whole["opinion"]) == (None, None)
    [first] = clinic.doctor.pages("/queue?reviewed=false")
    assert first["id"] == clinic.number
    assert clinic.colleague.pages("/queue?reviewed=false") == []


def test_the_drill_restores_the_newest_beside_it_and_leaves_nothing(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "skinapi-20260101T023000Z.tar").write_bytes(b"an older one, which is broken")
    assert main(["backup", "--keep", "2", str(folder)]) == 0
    before = sorted(folder.iterdir())
    made = max(folder.glob("*.tar"))
    assert main(["restore", "--drill", str(folder)]) == 0
    assert capsys.readouterr().out.endswith(f"no faults\n{made.name} can be restored whole\n")
    assert sorted(folder.iterdir()) == before
    assert backend.account("ada@example.org")


def test_a_drill_fails_where_the_backup_is_broken_or_there_is_none(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    assert main(["restore", "--drill", str(folder)]) != 0
    assert "there is none in" in capsys.readouterr().err
    (folder / "skinapi-20260101T023000Z.tar").write_bytes(b"broken")
    assert main(["restore", "--drill", str(folder)]) != 0
    assert backend.account("ada@example.org")


# As `systemctl stop` does in the middle of one, or a cluster that moves it.
TERMINATED = """
import os, signal, sys
from importlib import import_module
from skinapi.__main__ import main
module, name = sys.argv[1].split(".")
end = lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM)
setattr(import_module(f"skinapi.app.{module}"), name, end)
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize(
    ("interrupted", "command"),
    [
        ("backup_commands.write_backup", "backup here.tar"),
        ("restore_commands.restore_backup", "restore --drill first.tar"),
    ],
)
def test_one_that_is_terminated_leaves_no_copy_of_the_records(
    backend: Backend, tmp_path: Path, interrupted: str, command: str
) -> None:
    assert main(["backup", "first.tar"]) == 0
    before = sorted(tmp_path.iterdir())
    ended = subprocess.run(
        [sys.executable, "-c", TERMINATED, interrupted, *command.split()],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert ended.returncode == 128 + signal.SIGTERM
    assert sorted(tmp_path.iterdir()) == before


def test_a_restore_says_what_it_left_out(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    login = {"email": "ada@example.org", "password": PASSWORD, "refresh": True}
    for _ in range(2):
        assert backend.client.post("/login", json=login).status_code == 200
    kept = len(list(backend.services.store.collection("sessions").find()))
    assert kept
    assert main(["backup", "here.tar"]) == 0
    assert main(["restore", "--drill", "here.tar"]) == 0
    said = capsys.readouterr().out
    assert f"left out: {kept} records of sessions: everybody logs in again\n" in said


def test_a_backup_restored_under_another_key_keeps_its_numbers_or_says_that_they_are_lost(
    backend: Backend,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    patient = backend.services.patients.find_or_add("urn:x", "1", by=program(backend))
    assert main(["backup", "here.tar"]) == 0
    monkeypatch.setenv("JWT_SECRET_KEY", SECRET[::-1])
    for folder, former, lost in (("a", SECRET, False), ("b", "", True)):
        monkeypatch.setenv("INSTANCE_DIR", str(tmp_path / folder))
        monkeypatch.setenv("FORMER_JWT_SECRET_KEYS", former)
        main(["restore", "--without-erased-ids", "here.tar"])
        assert ("no longer found by their numbers" in capsys.readouterr().out) == lost
    monkeypatch.setenv("FORMER_JWT_SECRET_KEYS", SECRET)
    restored = open_services(Settings())
    with closing(restored.store):
        assert restored.patients.find_by_number("urn:x", "1", by="-").id == patient.id


def test_once_a_lost_key_is_found_again_a_restored_store_has_no_fault(
    backend: Backend,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Until then a drill says that the backup is whole, and fails in a way of its own."""
    backend.admin()
    backend.services.data.trail.seal()
    assert main(["backup", "here.tar"]) == 0
    monkeypatch.setenv("JWT_SECRET_KEY", SECRET[::-1])
    monkeypatch.setenv("INSTANCE_DIR", str(tmp_path / "after"))
    assert main(["restore", "--without-erased-ids", "here.tar"]) == 1
    assert main(["backup", "again.tar"]) == 0
    assert main(["restore", "--drill", "again.tar"]) == FAULTS_OF_TRAIL
    said = capsys.readouterr().out
    assert said.endswith("again.tar can be restored whole; faults of its audit trail: 2\n")
    monkeypatch.setenv("FORMER_JWT_SECRET_KEYS", SECRET)
    assert main(["check"]) == 0
    assert main(["restore", "--drill", "again.tar"]) == 0
    assert capsys.readouterr().out.endswith("no faults\nagain.tar can be restored whole\n")


def test_once_a_lost_key_is_found_again_a_store_that_took_another_one_has_no_fault(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    second, third, new_admin = SECRET[1:] + "2", SECRET[1:] + "3", "create-admin --email {}"
    for key, former, command, status in (
        (SECRET, "", new_admin.format("one@example.org"), 0),
        (second, SECRET, new_admin.format("two@example.org"), 0),
        (third, f"wrong{second}", "check", REFUSED),
        (third, f"wrong{second}", "accept-key", 0),
        (third, f"wrong{second}", "check", 1),
        (third, f"{second},{SECRET}", "check", 0),
    ):
        monkeypatch.setenv("JWT_SECRET_KEY", key)
        monkeypatch.setenv("FORMER_JWT_SECRET_KEYS", former)
        assert main(command.split()) == status, (command, capsys.readouterr())


def test_a_drill_of_a_damaged_record_says_that_it_is_not_whole(
    backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = backend.services.store.collection("accounts")
    assert rows.update({"email": "ada@example.org"}, {"$unset": {"created_at": True}})
    main(["backup", "here.tar"])
    assert main(["restore", "--drill", "here.tar"]) == 1
    assert capsys.readouterr().out.endswith("here.tar CANNOT be restored whole\n")


def test_create_admin_says_what_it_did(
    backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[list[str]] = []
    for email in ("new@example.org", "new@example.org", "ada@example.org"):
        assert main(["create-admin", "--email", email]) == 0
        said.append(capsys.readouterr().out.splitlines())
    created, nothing, promoted = said
    assert created[0] == "new@example.org is an admin: the account was created"
    assert created[1].startswith("one-time password: ")
    assert nothing == ["new@example.org is an admin: nothing was changed, it was one already"]
    assert promoted[0] == (
        "ada@example.org is an admin: promoted, it was a user (approved); it has a new password, "
        "and its sessions have ended"
    )


def cron_job() -> dict[str, Any]:
    documents = yaml.safe_load_all((ROOT / "deploy/kubernetes/base/backup.yaml").read_text())
    (found,) = (document for document in documents if document["kind"] == "CronJob")
    pod: dict[str, Any] = found["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return pod


def render_cron() -> dict[str, Any]:
    services = yaml.safe_load((ROOT / "render.yaml").read_text())["services"]
    (found,) = (service for service in services if service["type"] == "cron")
    made: dict[str, Any] = found
    return made


def commands_of_the_recipes() -> list[list[str]]:
    pod = cron_job()
    found = [item["command"] for item in (*pod["initContainers"], *pod["containers"])]
    steps = render_cron()["startCommand"].split(" && ")
    return [*found, *(shlex.split(step) for step in steps if step.startswith("python"))]


def test_each_recipe_makes_a_backup_and_then_restores_it() -> None:
    kinds = []
    for interpreter, *arguments in commands_of_the_recipes():
        assert (interpreter, arguments[:2]) == ("python", ["-m", "skinapi"])
        options = _parser().parse_args(arguments[2:])
        kinds.append("drill" if "--drill" in arguments else "backup")
        assert options.file.name.startswith(("backups", "skinapi-backup"))
    assert kinds == ["backup", "drill"] * 2


def test_the_job_of_kubernetes_is_confined_and_has_the_servers_settings() -> None:
    pod = cron_job()
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    for container in (*pod["initContainers"], *pod["containers"]):
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["envFrom"] == [{"configMapRef": {"name": "skinapi"}}]
        # Without the former keys each drill would fail once the key is changed.
        names = {"MONGO_URI", "JWT_SECRET_KEY", "FORMER_JWT_SECRET_KEYS"}
        assert {item["name"] for item in container["env"]} == names


def test_the_cron_job_of_render_has_the_settings_that_production_requires() -> None:
    given = {item["key"]: item for item in render_cron()["envVars"]}
    others = {"PYTHON_VERSION", "WEBDAV_FOLDER"}
    assert given.keys() - others <= SETTINGS
    names = {"ENVIRONMENT", "JWT_SECRET_KEY", "FORMER_JWT_SECRET_KEYS", "PUBLIC_URL", "MONGO_URI"}
    assert names <= given.keys()
    assert not any("value" in given[name] for name in ("JWT_SECRET_KEY", "MONGO_URI"))


@pytest.mark.parametrize("ended", [True, False])
def test_a_hold_that_was_ended_since_the_backup_stays_ended(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, ended: bool
) -> None:
    grey = backend.member(role="doctor")
    ada = backend.member(doctor_id=backend.account(grey.email).id)
    path, backup = f"/submissions/{predicted(ada)['id']}", tmp_path / "b.tar"
    said = {"label": "melanoma", "certainty": "sure", "told_by": "doctor"}
    assert grey.call("POST", f"{path}/review", json=said).status_code == 201
    assert main(["backup", str(backup)]) == 0
    if ended:
        assert grey.call("DELETE", f"{path}/hold").status_code == 200
    [review] = backend.stored()["reviews"]
    damage_text(backend, review["id"], b'"hold_ends_at":"2', b'"hold_ends_at":"x')
    assert main(["restore-record", str(backup), f"reviews/{review['id']}"]) == 0
    assert "what has changed since: hold_ends_at" in capsys.readouterr().out
    assert main(["check", "--repair"]) == 0
    read = ada.call("GET", path).get_json()["decision"]
    assert (read and read["label"]) == ("melanoma" if ended else None)


def test_a_finding_comes_back_to_the_account_that_stays(backend: Backend, tmp_path: Path) -> None:
    root, ada, old = backend.member(role="admin"), backend.member(), backend.member()
    predicted(old)
    [before], backup = backend.stored()["submissions"], tmp_path / "b.tar"
    assert main(["backup", str(backup)]) == 0
    assert join(root, old.email, ada.email).status_code == 200
    rows = backend.services.store.collection("submissions")
    rows.update({"id": before["id"]}, {"$set": {"owner": new_id()}})
    assert main(["restore-record", str(backup), f"submissions/{before['id']}"]) == 0
    assert [item["owner"] for item in backend.stored()["submissions"]] == [
        backend.account(ada.email).id
    ]


def damage(backend: Backend, name: str, field: str) -> None:
    """Store no value that the field can have."""
    collection, identifier = name.split("/")
    if field.endswith("_at"):
        damage_text(backend, identifier, b'"%s":"2' % field.encode(), b'"%s":"x' % field.encode())
    else:
        backend.services.store.collection(collection).update(
            {"id": identifier}, {"$set": {field: 7}}
        )


def patient_with_decision(backend: Backend) -> tuple[Person, int]:
    """A patient, and the number of the finding of which a doctor has signed a held decision."""
    grey, ada = patient_in_care(backend)
    number = predicted(ada)["id"]
    signed = {"label": "melanoma", "certainty": "sure", "told_by": "doctor"}
    assert grey.call("POST", f"/submissions/{number}/review", json=signed).status_code == 201
    return ada, number


KEPT_FIELDS = ("former_identity", "email", "consents", "status", "name")


@pytest.mark.parametrize("anew", [False, True], ids=["", "registered anew"])
@pytest.mark.parametrize("field", KEPT_FIELDS)
def test_what_a_deletion_has_left_is_restored_as_such_from_a_backup_of_before(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    field: str,
    anew: bool,
) -> None:
    backend = open_for_commands(tmp_path, monkeypatch, record_retention=10)
    ada, number = patient_with_decision(backend)
    account = backend.account(ada.email)
    backup, name = tmp_path / "b.tar", f"accounts/{account.id}"
    assert main(["backup", str(backup)]) == 0
    erase(backend.services, account)
    rows = backend.services.store.collection("accounts")
    left = rows.get(account.id)
    again = backend.member(ada.email, role="doctor") if anew else None
    damage(backend, name, field)
    assert main(["restore-record", str(backup), name]) == 0
    assert "an admin" not in capsys.readouterr().out
    assert rows.get(account.id) == left
    if again:
        assert again.call("GET", f"/submissions/{number}").status_code == 404


def test_the_addresses_of_joined_accounts_are_in_a_backup_of_before_the_deletion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = open_for_commands(tmp_path, monkeypatch, record_retention=10)
    root, old = (backend.member(role=role) for role in ("admin", "user"))
    ada, _ = patient_with_decision(backend)
    assert join(root, old.email, ada.email).status_code == 200
    account = backend.account(ada.email)
    backup, name = tmp_path / "b.tar", f"accounts/{account.id}"
    assert main(["backup", str(backup)]) == 0
    erase(backend.services, account)
    left = backend.services.data.accounts.get(account.id)
    damage(backend, name, "former_identity")
    assert main(["restore-record", str(backup), name]) == 0
    assert backend.services.data.accounts.get(account.id) == left
    assert len(left.former_identity) == 2


@pytest.mark.parametrize("field", ["joined", "joined_to"])
def test_a_join_since_the_backup_is_found_in_what_the_other_account_says(
    backend: Backend, tmp_path: Path, field: str
) -> None:
    root, old, ada = (backend.member(role=role) for role in ("admin", "user", "user"))
    backup = tmp_path / "b.tar"
    assert main(["backup", str(backup)]) == 0
    assert join(root, old.email, ada.email).status_code == 200
    gone, stays = (backend.account(item.email).id for item in (old, ada))
    name = f"accounts/{stays if field == 'joined' else gone}"
    damage(backend, name, field)
    assert main(["restore-record", str(backup), name]) == 0
    accounts = backend.services.data.accounts
    assert (accounts.get(stays).joined, accounts.get(gone).joined_to) == ((gone,), stays)


@pytest.mark.parametrize("field", ["former_identity", "doctor_id"])
def test_what_is_not_in_a_backup_of_before_a_join_is_not_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    backend = open_for_commands(tmp_path, monkeypatch, record_retention=10)
    root, old = (backend.member(role=role) for role in ("admin", "user"))
    ada, _ = patient_with_decision(backend)
    account = backend.account(ada.email)
    backup, name = tmp_path / "b.tar", f"accounts/{account.id}"
    assert main(["backup", str(backup)]) == 0
    other = backend.member(role="doctor").email
    path = f"/users/{ada.email}/doctor"
    assert root.call("PUT", path, json={"doctor": other}).status_code == 200
    assert join(root, old.email, ada.email).status_code == 200
    erase(backend.services, account)
    damage(backend, name, field)
    refused = field == "former_identity"
    assert main(["restore-record", str(backup), name]) == (REFUSED if refused else 0)
    if not refused:
        assert backend.services.data.accounts.get(account.id).doctor_id is None


@pytest.mark.parametrize("collection", ["submissions", "lesions"])
def test_what_a_kept_record_has_of_a_joined_account_is_not_given_to_that_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, collection: str
) -> None:
    backend = open_for_commands(tmp_path, monkeypatch, record_retention=10)
    talk, ada = Talk(backend), backend.member()
    number = predicted(talk.ada, lesion=talk.lesion)["id"]
    signed = {"label": "melanoma", "certainty": "sure", "told_by": "doctor"}
    path = f"/submissions/{number}"
    assert talk.grey.call("POST", f"{path}/review", json=signed).status_code == 201
    backup = tmp_path / "b.tar"
    assert main(["backup", str(backup)]) == 0
    root = backend.member(role="admin")
    assert join(root, talk.ada.email, ada.email).status_code == 200
    erase(backend.services, backend.account(ada.email))
    [kept] = backend.stored()[collection]
    rows = backend.services.store.collection(collection)
    rows.update({"id": kept["id"]}, {"$set": {"owner": new_id()}})
    assert main(["restore-record", str(backup), f"{collection}/{kept['id']}"]) == REFUSED
    main(["check", "--repair"])
    assert [item["id"] for item in backend.stored()[collection]] == [kept["id"]]
    rows.update({"id": kept["id"]}, {"$set": {"owner": kept["owner"]}})
    assert talk.grey.call("GET", path).status_code == 200


@pytest.mark.parametrize("field", ["text", "signed_at", "withdrawn"])
def test_a_letter_that_was_changed_since_the_backup_is_not_made_of_two_states(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str], field: str
) -> None:
    backup, desk = tmp_path / "b.tar", Practice(backend)
    letter = desk.draft()
    if field == "withdrawn":
        assert desk.sign(letter).status_code == 200
    assert main(["backup", str(backup)]) == 0
    if field == "withdrawn":
        assert desk.withdraw(letter).status_code == 200
    else:
        assert desk.sign(letter).status_code == 200
    name = f"letters/{letter['_id']}"
    damage(backend, name, field)
    [damaged] = backend.stored()["letters"]
    assert main(["restore-record", str(backup), name]) == REFUSED
    assert "later backup" in capsys.readouterr().err
    assert backend.stored()["letters"] == [damaged]


@pytest.mark.parametrize("field", ["role", "password_hash", "group_role"])
def test_nobody_is_let_in_by_what_an_account_might_do_at_the_backup(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str], field: str
) -> None:
    root, fred, backup = (
        backend.member(role="admin"),
        backend.member(role="admin"),
        tmp_path / "b.tar",
    )
    name = f"accounts/{backend.account(fred.email).id}"
    assert main(["backup", str(backup)]) == 0
    demoted = root.call("PUT", f"/users/{fred.email}/role", json={"role": "user"})
    assert demoted.status_code == 200, demoted.text
    damage(backend, name, field)
    capsys.readouterr()
    assert main(["restore-record", str(backup), name]) == 0
    assert "account.role_user" in capsys.readouterr().out
    assert backend.account(fred.email).status == "suspended"
    body = {"email": fred.email, "password": PASSWORD}
    assert backend.client.post("/login", json=body).status_code == 403


def test_an_account_that_nobody_changed_since_the_backup_comes_back_as_it_was(
    backend: Backend, tmp_path: Path
) -> None:
    grey, backup = backend.member(role="doctor"), tmp_path / "b.tar"
    before = backend.account(grey.email)
    assert main(["backup", str(backup)]) == 0
    for field in ("role", "password_hash", "locale"):
        damage(backend, f"accounts/{before.id}", field)
        assert main(["restore-record", str(backup), f"accounts/{before.id}"]) == 0
        assert backend.account(grey.email) == before


def test_a_deletion_that_was_taken_back_since_the_backup_is_not_planned_again(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ada, backup = backend.member(), tmp_path / "b.tar"
    account = backend.account(ada.email)
    due = {"deletion_asked_at": now(), "deletion_due_at": now() + timedelta(days=3)}
    rows = backend.services.store.collection("accounts")
    rows.update({"id": account.id}, {"$set": due})
    assert main(["backup", str(backup)]) == 0
    assert ada.call("DELETE", "/me/deletion").status_code == 200
    rows.update({"id": account.id}, {"$unset": {"queue_key": True}})
    capsys.readouterr()
    assert main(["restore-record", str(backup), f"accounts/{account.id}"]) == 0
    assert "no longer planned" in capsys.readouterr().out
    after = backend.account(ada.email)
    assert (after.deletion_due_at, after.status) == (None, "approved")


@pytest.mark.parametrize("field", ["held_at", "held_by", "held_because"])
def test_a_hold_on_data_that_came_since_the_backup_stays(
    backend: Backend, tmp_path: Path, field: str
) -> None:
    root, ada, backup = backend.member(role="admin"), backend.member(), tmp_path / "b.tar"
    account = backend.account(ada.email).id
    assert main(["backup", str(backup)]) == 0
    held = root.call("PUT", f"/retention/holds/{account}", json={"reason": "A court asks."})
    assert held.status_code == 200, held.text
    rows = backend.services.store.collection("accounts")
    rows.update({"id": account}, {"$unset": {field: True, "queue_key": True}})
    assert main(["restore-record", str(backup), f"accounts/{account}"]) == 0
    [shown] = root.call("GET", "/retention").get_json()["held"]
    assert shown["account"] == account
    assert all(shown.values())


def test_a_picture_of_a_data_set_comes_back_from_the_backup(
    backend: Backend, tmp_path: Path
) -> None:
    """Its `lesion` is no id of a spot."""
    backup, rows = tmp_path / "b.tar", backend.services.store.collection("images")
    texts = ("dataset", "sha256", "name", "image_id", "label", "written", "lesion", "format")
    figures = dict.fromkeys(("width", "height", "size"), 1)
    identifier = new_id()
    facts = {"schema": 1, "created_at": now(), "facts": {}}
    before = {"id": identifier, **facts, **figures, **dict.fromkeys(texts, "x")}
    rows.insert(before)
    assert main(["backup", str(backup)]) == 0
    damage(backend, f"images/{identifier}", "label")
    assert main(["restore-record", str(backup), f"images/{identifier}"]) == 0
    assert rows.get(identifier) == before


def test_a_key_that_was_revoked_since_the_backup_stays_so(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ada, backup = backend.member(), tmp_path / "b.tar"
    program, key = made(ada, scopes=["findings:read"])
    assert main(["backup", str(backup)]) == 0
    assert ada.call("DELETE", f"/keys/{key['_id']}").status_code == 200
    damage(backend, f"keys/{key['_id']}", "revoked_at")
    assert main(["restore-record", str(backup), f"keys/{key['_id']}"]) == 0
    assert "the key is revoked" in capsys.readouterr().out
    assert program.call("GET", "/submissions").status_code == 401


@pytest.mark.parametrize("act", ["sort", "join"])
def test_a_photo_that_was_sorted_since_the_backup_does_not_go_back_to_its_former_spot(
    backend: Backend, tmp_path: Path, act: str
) -> None:
    ada, backup = backend.member(), tmp_path / "b.tar"
    number, place = predicted(ada)["id"], {"place": {"site": "back"}}
    first, second = (ada.call("POST", "/lesions", json=place).get_json()["id"] for _ in "12")

    def ask(method: str, path: str, **told: Any) -> None:
        answer = ada.call(method, path, json=told)
        assert answer.status_code == 200, answer.text

    ask("PUT", f"/submissions/{number}/lesion", lesion=first)
    assert main(["backup", str(backup)]) == 0
    if act == "sort":
        ask("PUT", f"/submissions/{number}/lesion", lesion=second)
    else:
        ask("POST", f"/lesions/{second}/join", lesion=first)
    [finding] = backend.stored()["submissions"]
    name = f"submissions/{finding['id']}"
    damage(backend, name, "lesion")
    assert main(["restore-record", str(backup), name]) == REFUSED
    ask("PATCH", f"/lesions/{second}", place={"site": "abdomen"})
    damage(backend, f"lesions/{second}", "place")
    assert main(["restore-record", str(backup), f"lesions/{second}"]) == REFUSED


@pytest.mark.parametrize("collection", ["accounts", "submissions"])
def test_a_damaged_record_of_one_patient_keeps_no_list_of_another_from_being_repaired(
    backend: Backend, collection: str
) -> None:
    """Also one whose fields can each be read, and do not fit."""
    grey = backend.member(role="doctor")
    people = [backend.member(doctor_id=backend.account(grey.email).id) for _ in "12"]
    numbers = [predicted(person)["id"] for person in people]
    rows = backend.services.store.collection("submissions")
    first = backend.account(people[0].email).id
    if collection == "accounts":
        damage(backend, f"accounts/{first}", "queue_key")
    else:
        judged = {"label": "melanoma", "certainty": "sure", "told_by": "nobody"}
        answered = grey.call("POST", f"/submissions/{numbers[0]}/review", json=judged)
        assert answered.status_code == 201, answered.text
        rows.update({"owner": first}, {"$set": {"version": 3}})
    rows.update({"number": numbers[1]}, {"$unset": {"queue_key": True}})
    assert main(["check", "--repair"]) == 1
    assert rows.find({"number": numbers[1]})[0]["queue_key"]


def test_what_counts_again_since_the_backup_is_not_opened_by_it(
    backend: Backend, tmp_path: Path
) -> None:
    clinic, backup = Practice(backend), tmp_path / "b.tar"
    path = f"/submissions/{clinic.number}"
    assert clinic.ada.call("GET", path).status_code == 200
    [before] = backend.stored()["submissions"]
    assert before["opened_at"]
    assert main(["backup", str(backup)]) == 0
    rows = backend.services.store.collection("submissions")
    rows.update({"id": before["id"]}, {"$unset": {"opened_at": True, "language": True}})
    assert main(["restore-record", str(backup), f"submissions/{before['id']}"]) == 0
    [after] = backend.stored()["submissions"]
    assert after == {name: value for name, value in before.items() if name != "opened_at"}


@pytest.mark.parametrize("act", ["taken back", "answered", "decided"])
def test_a_second_opinion_that_has_ended_since_the_backup_is_not_asked_again(
    backend: Backend, tmp_path: Path, act: str
) -> None:
    clinic, backup = Clinic(backend), tmp_path / "b.tar"
    clinic.ask()
    path = f"/submissions/{clinic.number}"
    assert main(["backup", str(backup)]) == 0
    if act == "taken back":
        ended = clinic.doctor.call("DELETE", f"{path}/second-opinion")
        assert ended.status_code == 200, ended.text
    else:
        answer(clinic.colleague, clinic.number, MELANOMA)
    if act == "decided":
        answer(clinic.doctor, clinic.number, MOLE)
    [before], asked = backend.stored()["submissions"], clinic.colleague.pages("/queue")
    came = "opinion_came_at"
    rows = backend.services.store.collection("submissions")
    rows.update({"id": before["id"]}, {"$unset": {"language": True}})
    assert main(["restore-record", str(backup), f"submissions/{before['id']}"]) == 0
    main(["check", "--repair"])
    assert clinic.colleague.pages("/queue") == asked
    [after] = backend.stored()["submissions"]
    assert (came in after) is (came in before)
    first = [item.get("opinion_key", "")[:2] for item in (before, after)]
    assert first[0] == first[1]
    renewed = {came: None, "revision": 0, "opinion_key": None}
    assert after | renewed == before | renewed
