import io
import re
import sqlite3
import subprocess
from argparse import Namespace
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pypdf import PdfReader

from skinapi.app import commands
from skinapi.app.composition.services import open_services
from skinapi.app.integrity_check import check_integrity
from skinapi.base.errors import BrokenStore, Conflict, StoreUnavailable, UnsafeSettings
from skinapi.platform.backups.backup import restore_backup
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.store_version import join_store
from skinapi.platform.stores.store_factory import make_store, open_store
from tests.care.clinic import patient_in_care
from tests.findings.prediction.photographer import predicted
from tests.integrations.test_patients import program
from tests.privacy.restoring import back_up, restore, settings_for
from tests.support.backends import SECRET, Backend, settings_in
from tests.support.models import tiny_model
from tests.support.reviews import signed_review

DAMAGE: dict[str, dict[str, Any]] = {
    "accounts": {"consents": "all"},
    "submissions": {"level": "green"},
    "reviews": {"opinion": 7},
    "letters": {"reader": 7},
    "reports": {"language": 7},
    "sessions": {"token_version": "x"},
}


@pytest.fixture
def full(backend: Backend) -> Backend:
    doctor, ada = patient_in_care(backend)
    number = predicted(ada, keep_photo="true")["id"]
    review = {"label": "melanoma", "certainty": "sure"}
    signed_review(doctor, number, review)
    letters = f"/submissions/{number}/letters"
    assert doctor.call("POST", letters, json={"reader": "patient"}).status_code == 201
    assert ada.call("GET", f"/submissions/{number}/report.pdf").status_code == 200
    backend.log_in(ada.email)
    return backend


def damage(backend: Backend, name: str, fields: dict[str, Any]) -> str:
    changed = backend.services.store.collection(name).update({}, {"$set": fields})
    assert changed
    return str(changed["id"])


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_document_is_named_and_the_audit_trail_is_still_checked(
    full: Backend, name: str
) -> None:
    identifier = damage(full, name, DAMAGE[name])
    damage(full, "audit", {"action": "something.else"})
    (field,) = DAMAGE[name]
    found = [fault.message for fault in check_integrity(full.services)]
    assert f"{name} {identifier}: damaged: {field}" in found
    assert any("audit" in says for says in found)
    assert not [says for says in found if "all" in says and "consents" not in says]


def test_two_accounts_with_one_address_keep_a_server_from_starting(tmp_path: Path) -> None:
    """Only a manual restore without the unique index creates such accounts."""
    settings = settings_in(tmp_path)
    make_store(settings)
    with closing(open_store(settings)) as store:
        join_store(store, secrets=settings.audit_secrets())
        for identifier in "ab":
            document = {"id": identifier * 32, "email": "ada@example.org"}
            store.collection("accounts").insert(document)
        with pytest.raises(BrokenStore, match=f"{'a' * 32} and {'b' * 32} share one e-mail"):
            open_services(settings, store)


def test_the_repair_of_a_lost_photo_leaves_no_fault_and_everybody_reads_that_it_was_lost(
    any_backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    backend = any_backend
    _, ada = patient_in_care(backend)
    number = predicted(ada, keep_photo="true")["id"]
    path, store = f"/submissions/{number}", backend.services.store
    assert ada.call("GET", f"{path}/thumbnail").status_code == 200
    (stored,) = store.collection("submissions").find()
    assert ada.call("GET", f"{path}/report.pdf").status_code == 200
    store.blobs.delete(stored["photo_blob"])
    faults = list(check_integrity(backend.services))
    [fault] = faults
    assert fault.message.startswith(f"submissions {stored['id']}: the file of photo_blob (")
    assert commands._report(faults, repair=True) == 0
    capsys.readouterr()
    assert list(check_integrity(backend.services)) == []
    answer = ada.call("GET", f"{path}/photo")
    assert (answer.status_code, "is lost" in answer.get_json()["error"]) == (404, True)
    finding = ada.call("GET", path).get_json()
    assert finding["photo_lost_at"]
    assert "photo_removed_at" not in finding
    for language, said in (("en", "its file was lost"), ("fr", "son fichier a été perdu")):
        page = ada.call("GET", f"{path}/report.html", query_string={"lang": language}).text
        assert said in page, language
    pdf = PdfReader(io.BytesIO(ada.call("GET", f"{path}/report.pdf").data))
    printed = " ".join(page.extract_text() for page in pdf.pages)
    assert "its file was lost" in " ".join(printed.split())


def test_a_document_under_another_key_ends_no_check_in_a_circle(tmp_path: Path) -> None:
    backend = Backend(tmp_path)
    backend.member()
    backend.services.store.close()
    with closing(sqlite3.connect(tmp_path / "skinapi.db")) as database, database:
        assert database.execute("UPDATE accounts SET id = 'zz'").rowcount
    [first, *_] = [fault.message for fault in check_integrity(backend.services)]
    assert first.startswith("accounts zz: damaged: ")


def test_a_token_that_was_revoked_after_the_backup_stays_dead_after_a_restore(
    tmp_path: Path,
) -> None:
    backend, file = Backend(tmp_path / "before"), tmp_path / "backup.tar"
    ada = backend.member()
    back_up(backend, file)
    assert ada.call("POST", "/auth/logout").status_code == 200
    settings = settings_for(tmp_path / "after")
    restore(settings, file, without_erased_ids=True)
    restored = Backend(tmp_path / "after")
    assert restored.account(ada.email)
    answer = restored.client.get("/me", headers={"Authorization": f"Bearer {ada.token}"})
    assert answer.status_code == 401


def test_a_new_key_is_accepted_only_where_the_former_one_is_lost(tmp_path: Path) -> None:
    backend = Backend(tmp_path)
    backend.admin()
    patient = backend.services.patients.find_or_add("urn:x", "1", by=program(backend))
    backend.services.store.close()
    assert commands.accept_store_key(backend.settings, Namespace()) == 0
    number = ("patient", "urn:x", "1")
    services = open_services(backend.settings)
    with closing(services.store):
        assert services.data.accounts.find_external(services.patients.hash_identifier(*number))
    settings = settings_in(tmp_path, model_path=tiny_model(), jwt_secret_key=SECRET[::-1])
    with pytest.raises(UnsafeSettings, match="is not the key of this store"):
        commands.check(settings, Namespace(repair=True, logged=None))
    assert commands.accept_store_key(settings, Namespace()) == 0
    services = open_services(settings)
    with closing(services.store):
        assert services.data.trail.find_newest("store.key", target="store")
        faults = services.data.trail.check_integrity()
        assert any("unknown key" in fault.message for fault in faults)
        assert services.data.accounts.get(patient.id)
        hashed = services.patients.hash_identifier(*number)
        assert services.data.accounts.find_external(hashed) is None


def test_a_store_that_was_only_checked_is_empty_to_a_restore(tmp_path: Path) -> None:
    backend, file = Backend(tmp_path / "before"), tmp_path / "backup.tar"
    ada = backend.member()
    back_up(backend, file)
    backend.services.store.close()
    settings = settings_for(tmp_path / "after")
    make_store(settings)
    assert commands.check(settings, Namespace(repair=False, logged=None)) == 0
    assert restore(settings, file, without_erased_ids=True) == 0
    restored = Backend(tmp_path / "after")
    assert restored.account(ada.email)
    restored.services.store.close()
    with pytest.raises(Conflict, match="not empty"):
        restore(settings, file, without_erased_ids=True)


def test_a_repair_that_fails_keeps_the_others_from_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    repaired: list[str] = []

    def fail() -> None:
        raise KeyError("part_blob")

    faults = [Fault("one", fail), Fault("two", lambda: repaired.append("two")), Fault("three")]
    assert commands._report(faults, repair=True) == 2
    assert repaired == ["two"]
    assert capsys.readouterr().out.splitlines() == [
        "fault: one (its repair failed: KeyError)",
        "repaired: two",
        "fault: three (cannot be repaired)",
    ]


def test_check_changes_nothing_of_the_store_without_repair(backend: Backend) -> None:
    before = backend.services.store.collection("store").get("store")
    settings = backend.settings.model_copy(
        update={
            "jwt_secret_key": SecretStr("another-" + SECRET),
            "former_jwt_secret_keys": SecretStr(SECRET),
        }
    )
    commands.check(settings, Namespace(repair=False, logged=None))
    assert backend.services.store.collection("store").get("store") == before
    commands.check(settings, Namespace(repair=True, logged=None))
    assert backend.services.store.collection("store").get("store") != before


def lost_photo(backend: Backend) -> tuple[str, Path]:
    ada, backup = backend.member(), backend.settings.instance_dir / "backup.tar"
    predicted(ada, keep_photo="true")
    back_up(backend, backup)
    [finding] = backend.stored()["submissions"]
    backend.services.store.blobs.delete(finding["photo_blob"])
    return finding["photo_blob"], backup


def test_a_lost_file_is_named_and_can_be_put_back_by_tar(backend: Backend) -> None:
    name, backup = lost_photo(backend)
    [found] = [fault.message for fault in check_integrity(backend.services)]
    [file] = re.findall(r"\((blobs/\S+)\) is gone$", found)
    path = backend.settings.instance_dir / file
    path.parent.mkdir(exist_ok=True)
    taken = subprocess.run(
        ["/bin/tar", "-xOf", backup, f"blobs/{path.name}"], check=True, capture_output=True
    )
    path.write_bytes(taken.stdout)
    assert (path.name, [*check_integrity(backend.services)]) == (name, [])
    path.write_bytes(b"damaged")
    [found] = [fault.message for fault in check_integrity(backend.services)]
    assert f"({file}) is damaged; put it back" in found


def test_before_a_lost_file_is_noted_as_lost_it_is_said_that_a_backup_may_have_it(
    real_backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    name, _ = lost_photo(real_backend)
    capsys.readouterr()
    [fault] = [fault for fault in check_integrity(real_backend.services) if fault.lost]
    assert name in fault.message
    assert commands._report([fault], repair=False) == 1
    assert "is gone; put it back from a backup" in capsys.readouterr().out
    said: list[str] = []
    given = replace(fault, repair=lambda: said.append(capsys.readouterr().err))
    assert commands._report([given], repair=True) == 0
    assert said == [commands.NOTED_AS_LOST.format(1) + "\n"]
    commands._report([Fault("another", lambda: None)], repair=True)
    assert capsys.readouterr().err == ""


def test_a_store_whose_files_alone_are_left_is_no_new_one(real_backend: Backend) -> None:
    """Nobody may begin an empty store on the photos of another."""
    backend = real_backend
    predicted(backend.member(), keep_photo="true")
    backup = backend.settings.instance_dir.parent / "backup.tar"
    back_up(backend, backup)
    store, secrets = backend.services.store, backend.settings.audit_secrets()
    for collection in store.collections():
        store.collection(collection).delete({})
    for change in (False, True):
        with pytest.raises(BrokenStore, match="#a-lost-database"):
            join_store(store, secrets=secrets, change=change)
    with pytest.raises(Conflict, match="#a-lost-database"):
        restore_backup(store, backup)
    assert store.collection("store").get("store") is None


def test_a_folder_whose_database_was_removed_is_refused_by_each_command(tmp_path: Path) -> None:
    backend = Backend(tmp_path / "lost")
    predicted(backend.member(), keep_photo="true")
    backup = tmp_path / "backup.tar"
    back_up(backend, backup)
    backend.services.store.close()
    for file in (tmp_path / "lost").glob("skinapi.db*"):
        file.unlink()
    settings = settings_in(tmp_path / "lost", model_path=tiny_model())
    with pytest.raises(StoreUnavailable, match="#a-lost-database"):
        commands.check(settings, Namespace(repair=False, logged=None))
    with pytest.raises(Conflict, match="#a-lost-database"):
        restore(settings, backup, without_erased_ids=True)
    with pytest.raises(BrokenStore, match="#a-lost-database"):
        commands.check(settings, Namespace(repair=False, logged=None))
    make_store(settings)
    with pytest.raises(BrokenStore, match="#a-lost-database"):
        open_services(settings)
    (tmp_path / "lost").rename(tmp_path / "away")
    assert restore(settings, backup, without_erased_ids=True) == 0
