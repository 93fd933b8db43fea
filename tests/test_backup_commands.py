import os
import shlex
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from skinapi.__main__ import REFUSED, _parser, main
from skinapi.app.composition.services import open_services
from skinapi.app.restore_commands import FAULTS_OF_TRAIL
from skinapi.base.settings.settings import Settings
from skinapi.platform.backups.erased_ids import FILE_NAME, read_erased_ids
from skinapi.platform.storage.ids import new_id
from tests.care.clinic import patient_in_care
from tests.findings.prediction.photographer import predicted
from tests.integrations.test_patients import program
from tests.repository.documents import ROOT
from tests.support.backends import PASSWORD, SECRET, Backend
from tests.support.models import tiny_model
from tests.support.reviews import signed_review

SETTINGS = {name.upper() for name in Settings.model_fields}


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Backend:
    monkeypatch.chdir(tmp_path)
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("INSTANCE_DIR", str(tmp_path / "instance"))
    monkeypatch.setenv("MODEL_PATH", str(tiny_model()))
    monkeypatch.setenv("JWT_SECRET_KEY", SECRET)
    made = Backend(tmp_path / "instance", jwt_secret_key=SECRET)
    made.member("ada@example.org")
    return made


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


def test_a_backup_names_a_damaged_record(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ada = backend.account("ada@example.org")
    rows = backend.services.store.collection("accounts")
    rows.update({"id": ada.id}, {"$unset": {"created_at": True}})
    assert main(["backup", str(tmp_path / "b.tar")]) == 1
    assert f"damaged: accounts {ada.id}: damaged: created_at" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("collection", "parent"), [("submissions", "owner"), ("reviews", "lesion")]
)
def test_a_repair_keeps_a_record_that_names_nothing(
    backend: Backend, collection: str, parent: str
) -> None:
    """One damaged character of an id is enough. What was really erased is on a list."""
    grey, ada = patient_in_care(backend)
    number = predicted(ada)["id"]
    judged = {"label": "melanoma", "certainty": "sure"}
    signed_review(grey, number, judged)
    [before] = backend.stored()[collection]
    rows = backend.services.store.collection(collection)
    rows.update({"id": before["id"]}, {"$set": {parent: new_id()}})
    assert main(["check", "--repair"]) == 1
    [kept] = backend.stored()[collection]
    assert kept["id"] == before["id"]


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


def test_a_backup_is_restored_under_another_key_if_its_own_is_named(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = backend.services.patients.find_or_add("urn:x", "1", by=program(backend))
    assert main(["backup", "here.tar"]) == 0
    monkeypatch.setenv("JWT_SECRET_KEY", SECRET[::-1])
    monkeypatch.setenv("INSTANCE_DIR", str(tmp_path / "after"))
    restore = ["restore", "--without-erased-ids", "here.tar"]
    assert main(restore) == REFUSED
    assert main([*restore, "--accept-key"]) == 1  # rows of the audit trail cannot be verified
    monkeypatch.setenv("INSTANCE_DIR", str(tmp_path / "named"))
    monkeypatch.setenv("FORMER_JWT_SECRET_KEYS", SECRET)
    main(restore)
    restored = open_services(Settings())
    with closing(restored.store):
        hashed = restored.patients.hash_identifier("patient", "urn:x", "1")
        found = restored.data.accounts.find_external(hashed)
    assert found
    assert found.id == patient.id


def test_a_drill_tells_rows_of_a_key_that_is_not_named_from_other_faults(
    backend: Backend,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    backend.admin()
    backend.services.data.trail.seal()
    monkeypatch.setenv("JWT_SECRET_KEY", SECRET[::-1])
    monkeypatch.setenv("FORMER_JWT_SECRET_KEYS", SECRET)
    assert main(["check", "--repair"]) == 0
    monkeypatch.delenv("FORMER_JWT_SECRET_KEYS")
    assert main(["backup", "again.tar"]) == 0
    assert main(["restore", "--drill", "again.tar"]) == FAULTS_OF_TRAIL
    said = capsys.readouterr().out
    assert said.endswith("again.tar can be restored whole; faults of its audit trail: 2\n")
    monkeypatch.setenv("FORMER_JWT_SECRET_KEYS", SECRET)
    assert main(["check"]) == 0
    assert main(["restore", "--drill", "again.tar"]) == 0
    assert capsys.readouterr().out.endswith("no faults\nagain.tar can be restored whole\n")


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


@pytest.mark.parametrize(
    ("collection", "ops"),
    [
        ("accounts", {"$set": {"token_version": "x"}}),
        ("submissions", {"$unset": {"level": True}}),
        ("submissions", {"$unset": {"sections": True}}),
    ],
)
def test_a_damaged_record_of_one_patient_keeps_no_list_of_another_from_being_repaired(
    backend: Backend, collection: str, ops: Any
) -> None:
    grey = backend.member(role="doctor")
    doctor = backend.account(grey.email).id
    people = [backend.member(doctor_id=doctor) for _ in "12"]
    for person in people:
        predicted(person)
    rows = backend.services.store.collection("waiting")
    first, second = (backend.account(person.email).id for person in people)
    key = "id" if collection == "accounts" else "owner"
    backend.services.store.collection(collection).update({key: first}, ops)
    rows.update_all({"owner": second}, {"$unset": {"doctor": True}})
    assert main(["check", "--repair"]) == 1
    assert {row["doctor"] for row in rows.find({"owner": second})} == {doctor}
