from argparse import Namespace
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from skinapi.app import backup_commands
from skinapi.app.composition.services import open_services
from skinapi.app.integrity_check import check_integrity
from skinapi.base.errors import BrokenErasedIds, Conflict
from skinapi.base.settings.settings import Settings
from skinapi.model.conditions import Band
from skinapi.platform.backups.erased_ids import FILE_NAME, Scrubber, list_erased, write_erased_ids
from skinapi.platform.storage.ids import now
from skinapi.platform.stores.store_factory import make_store, open_store
from tests.care.clinic import file_for, patient_of
from tests.findings.prediction.photographer import predicted
from tests.privacy.restoring import back_up, restore, settings_for
from tests.privacy.test_moving_accounts import move_all
from tests.stores.kills import Kills
from tests.support.backends import Backend, erase
from tests.support.size import size

URGENT = Band.URGENT_REFERRAL


@dataclass
class Clinic:
    """Since the backup Ada has deleted one of two findings, and Bob his account."""

    backend: Backend
    folder: Path
    backup: Path
    ada: str
    bob: str
    findings: dict[str, str]

    @property
    def list(self) -> Path:
        path = self.folder / "list.jsonl"
        write_erased_ids(self.backend.services.store, path)
        return path

    def settings(self, name: str = "after", **given: Any) -> Settings:
        return settings_for(self.folder / name, **given)

    def restore(self, settings: Settings, **given: Any) -> int:
        return restore(settings, **{"file": self.backup, **given})


@pytest.fixture
def clinic(backend: Backend, tmp_path: Path) -> Clinic:
    backend, folder = backend, tmp_path / "work"
    folder.mkdir()
    backend.admin()
    ada, bob = backend.member("ada@example.org"), backend.member("bob@example.org")
    numbers = [predicted(item, keep_photo="true")["id"] for item in (ada, ada, bob)]
    find = backend.services.data.findings.find_by_number
    ids = [found.id for number in numbers if (found := find(int(number)))]
    kept, deleted, of_bob = ids
    backup = folder / "backups" / "backup.tar"
    backup.parent.mkdir()
    back_up(backend, backup)
    account = {name: backend.account(f"{name}@example.org").id for name in ("ada", "bob")}
    assert ada.call("DELETE", f"/submissions/{numbers[1]}").status_code < 300
    erase(backend.services, backend.account("bob@example.org"))
    findings = {"kept": kept, "deleted": deleted, "bob's": of_bob}
    return Clinic(backend, folder, backup, account["ada"], account["bob"], findings)


def assert_erased(clinic: Clinic, settings: Settings) -> None:
    with closing(open_store(settings)) as store:
        services = open_services(settings, store)
        assert [fault.message for fault in check_integrity(services)] == []
        accounts = {item["id"] for item in store.collection("accounts").find()}
        assert clinic.ada in accounts
        assert clinic.bob not in accounts
        stored = {item["id"] for item in store.collection("submissions").find()}
        assert stored == {clinic.findings["kept"]}
        assert len(set(store.blobs.keys())) == len(set(clinic.backend.services.store.blobs.keys()))
        assert services.data.trail.find_newest("account.erase_again", target=clinic.bob)
        deleted = clinic.findings["deleted"]
        assert services.data.trail.find_newest("submission.erase_again", target=deleted)
        on_list = {item.id for item in list_erased(store)}
        assert on_list >= {clinic.bob, clinic.findings["deleted"], clinic.findings["bob's"]}


def test_what_was_erased_since_the_backup_is_erased_again(
    clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    assert clinic.restore(clinic.settings(), erased=clinic.list) == 0
    said = capsys.readouterr().out
    assert "erased again: 1 accounts, 1 findings, and the photos of 0;" in said
    assert "in service as at the backup: model tiny-1." in said
    assert_erased(clinic, clinic.settings())


def test_a_store_whose_only_admin_was_erased_since_the_backup_gets_another_admin(
    clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    backend, settings = clinic.backend, clinic.settings()
    [erased] = backend.services.data.accounts.list_active_admins()
    backend.admin("grace@example.org")
    erase(backend.services, backend.services.data.accounts.get(erased))
    assert clinic.restore(settings, erased=clinic.list) == 0
    assert "no admin of the backup is left: " in capsys.readouterr().out
    with closing(open_store(settings)) as store:
        admins = open_services(settings, store).data.accounts.list_active_admins()
        assert len(admins) == 1
        assert erased not in admins


@pytest.mark.parametrize("erased", [False, True])
def test_spots_that_were_moved_since_the_backup_are_erased_only_with_the_other_account(
    clinic: Clinic, capsys: pytest.CaptureFixture[str], erased: bool
) -> None:
    """The emptied account was closed, and erased at once."""
    backend, other = clinic.backend, clinic.backend.member()
    assert move_all(backend.admin(), "ada@example.org", other.email).status_code == 200
    assert backend.services.data.accounts.find_by_email("ada@example.org") is None
    if erased:
        erase(backend.services, backend.account(other.email))
    settings = clinic.settings()
    assert clinic.restore(settings, erased=clinic.list) == 0
    assert (f"not erased: account {clinic.ada}" in capsys.readouterr().out) is not erased
    if not erased:
        assert_erased(clinic, settings)
        return
    with closing(open_store(settings)) as store:
        assert store.collection("submissions").count() == 0
        assert clinic.ada not in {item["id"] for item in store.collection("accounts").find()}


def test_photos_erased_and_findings_entered_in_error_since_the_backup_do_not_come_back(
    clinic: Clinic,
) -> None:
    backend, kept = clinic.backend, clinic.findings["kept"]
    ada = backend.log_in("ada@example.org")
    other = predicted(ada, keep_photo="true")["id"]
    wrong = backend.services.data.findings.find_by_number(int(other))
    assert wrong
    back_up(backend, clinic.backup)
    path, reason = f"/submissions/{other}/entered-in-error", {"reason": "of somebody else"}
    entered = backend.admin().call("POST", path, json=reason)
    withdrawn = ada.call("PUT", "/me/consents", json={"photos": False, "erase_kept": True})
    assert (entered.status_code, withdrawn.status_code) == (200, 200)
    settings = clinic.settings()
    assert clinic.restore(settings, erased=clinic.list) == 0
    with closing(open_store(settings)) as store:
        data = open_services(settings, store).data
        again, error = data.findings.find(kept), data.findings.find(wrong.id)
        assert (again and again.error, error and error.error and error.error.by) == (None, "system")
        assert [*store.blobs.keys()] == []
        assert data.trail.find_newest("photo.erase_again", target=kept)


@pytest.mark.parametrize("place", ["beside the backup", "instance folder"])
def test_a_list_that_is_where_it_is_kept_need_not_be_given(clinic: Clinic, place: str) -> None:
    """It is in the folder of backups, or where a server keeps it."""
    settings = clinic.settings()
    if place == "beside the backup":
        clinic.list.rename(clinic.backup.parent / FILE_NAME)
    else:
        kept_by_server(clinic).rename(settings.instance_dir / FILE_NAME)
    assert clinic.restore(settings) == 0
    assert_erased(clinic, settings)


def kept_by_server(clinic: Clinic, folder: Path | None = None) -> Path:
    services, folder = clinic.backend.services, folder or clinic.folder
    Scrubber(services.store, services.data.erased_ids, folder).run_once()
    return folder / FILE_NAME


def test_a_servers_list_from_before_the_backup_brings_nobody_back(clinic: Clinic) -> None:
    settings, old = clinic.settings(), clinic.folder / "old.jsonl"
    old.write_bytes(kept_by_server(clinic).read_bytes())
    second = clinic.folder / "second.tar"
    back_up(clinic.backend, second)
    erase(clinic.backend.services, clinic.backend.account("ada@example.org"))
    with pytest.raises(Conflict, match="the list ends at"):
        clinic.restore(settings, file=second, erased=old)
    assert clinic.restore(settings, file=second, erased=kept_by_server(clinic)) == 0


def test_a_list_that_names_no_store_and_no_time_counts_as_none(clinic: Clinic) -> None:
    settings, nameless = clinic.settings(), clinic.folder / "nameless.jsonl"
    nameless.write_text('{"skinapi":"erased ids","format":1}\n')
    with pytest.raises(Conflict, match="--without-erased-ids"):
        clinic.restore(settings, erased=nameless)
    nameless.rename(settings.instance_dir / FILE_NAME)
    with pytest.raises(Conflict, match="--without-erased-ids"):
        clinic.restore(settings)
    assert clinic.restore(settings, erased=clinic.list) == 0
    assert_erased(clinic, settings)


def test_the_list_of_a_store_that_a_server_began_anew_does_not_pass_for_that_of_the_lost_one(
    clinic: Clinic,
) -> None:
    """Its disk was lost, and the server started by itself on an empty folder."""
    kept, settings = clinic.list.read_bytes(), clinic.settings("anew")
    (settings.instance_dir / FILE_NAME).write_bytes(kept)
    make_store(settings)
    services = open_services(settings)
    Scrubber(services.store, services.data.erased_ids, settings.instance_dir).run_once()
    services.store.close()
    [aside] = settings.instance_dir.glob("erased-ids-until-*.jsonl")
    assert aside.read_bytes() == kept
    after = clinic.settings()
    (settings.instance_dir / FILE_NAME).rename(after.instance_dir / FILE_NAME)
    with pytest.raises(Conflict, match="erased-ids-until"):
        clinic.restore(after)
    assert clinic.restore(after, erased=aside) == 0
    assert_erased(clinic, after)


def test_a_closed_account_of_the_backup_is_not_erased_before_an_admin_can_open_it(
    clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    backend = clinic.backend
    backend.edit("ada@example.org", status="closed", erase_at=now())
    back_up(backend, clinic.backup)
    settings = clinic.settings()
    assert clinic.restore(settings, erased=clinic.list) == 0
    assert "closed accounts: 1." in capsys.readouterr().out
    with closing(open_store(settings)) as store:
        erase_at = open_services(settings, store).data.accounts.get(clinic.ada).erase_at
        assert erase_at
        assert erase_at > now() + timedelta(days=6)


def test_a_record_that_2_0_0_kept_after_the_backup_is_closed_until_its_day(clinic: Clinic) -> None:
    until, listed = now() + timedelta(days=90), clinic.backend.services.store
    listed.collection("erased_ids").update({"id": clinic.bob}, {"$set": {"kept_until_at": until}})
    clinic.backend.services.data.erased_ids.add("finding", "f" * 32)
    path, settings = clinic.list, clinic.settings()
    line = f'"id":"{"f" * 32}"'.encode()
    [reached] = [item for item in path.read_bytes().splitlines() if line in item]
    retired = reached.replace(b'"kind":"finding"', b'"kind":"reached"')
    path.write_bytes(path.read_bytes().replace(reached, retired))
    assert clinic.restore(settings, erased=path) == 0
    with closing(open_store(settings)) as store:
        bob = open_services(settings, store).data.accounts.get(clinic.bob)
        assert (bob.status, bob.erase_at) == ("closed", until)


def test_without_a_list_a_restore_is_refused_unless_the_operator_says_so(clinic: Clinic) -> None:
    settings = clinic.settings()
    with pytest.raises(Conflict, match="--without-erased-ids"):
        clinic.restore(settings)
    assert list(settings.instance_dir.iterdir()) == []
    assert clinic.restore(settings, without_erased_ids=True) == 0
    with closing(open_store(settings)) as store:
        assert store.collection("accounts").get(clinic.bob)


def test_a_list_that_says_nothing_of_the_time_since_is_refused(clinic: Clinic) -> None:
    """One list is from before the backup, and one from another store."""
    settings = clinic.settings()
    before = clinic.folder / "before.jsonl"
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    write_erased_ids(clinic.backend.services.store, before, until=long_ago)
    with pytest.raises(Conflict, match="the list ends at"):
        clinic.restore(settings, erased=before)
    second = clinic.folder / "second.tar"
    back_up(clinic.backend, second)
    other, stranger = clinic.folder / "other.jsonl", clinic.settings("stranger")
    make_store(stranger)
    with closing(open_services(stranger).store) as store:
        write_erased_ids(store, other)
    with pytest.raises(Conflict, match=r"another store\. Give"):
        clinic.restore(settings, file=second, erased=other)
    assert list(settings.instance_dir.iterdir()) == []


def test_the_list_that_a_backup_wrote_beside_it_brings_nobody_back(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends at the start of the backup. A newer list in its place is accepted."""
    settings, store = clinic.settings(), clinic.backend.services.store
    backups = clinic.folder / "kept"
    backups.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(backup_commands, "open_store", lambda _: store)
        made = Namespace(file=backups, keep=3)
        assert backup_commands.back_up(clinic.backend.settings, made) == 0
    erase(clinic.backend.services, clinic.backend.account("ada@example.org"))
    with pytest.raises(Conflict, match="erased-ids FILE") as refused:
        clinic.restore(settings, file=backups)
    assert "the list ends at" in refused.value.detail
    assert list(settings.instance_dir.iterdir()) == []
    write_erased_ids(store, backups / FILE_NAME)
    assert clinic.restore(settings, file=backups) == 0
    with closing(open_store(settings)) as restored:
        assert restored.collection("accounts").get(clinic.ada) is None


@pytest.mark.parametrize("cut", [0, -20])
def test_a_list_that_is_none_or_damaged_restores_nothing(clinic: Clinic, cut: int) -> None:
    settings, path = clinic.settings(), clinic.list
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(BrokenErasedIds):
        clinic.restore(settings, erased=path)
    assert list(settings.instance_dir.iterdir()) == []


def test_a_restore_that_is_killed_at_any_step_is_refused_by_servers_and_ends_whole(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kills, lists = Kills(), clinic.list
    kills.install(monkeypatch)
    with kills.counted():
        assert clinic.restore(clinic.settings("counted"), erased=lists) == 0
    commands = kills.sent
    assert commands > 100
    for step in range(3, commands, commands // size(5, 40)):
        settings = clinic.settings(f"step{step}")
        with kills.before(step):
            clinic.restore(settings, erased=lists)
        capsys.readouterr()
        with closing(open_store(settings)) as store:
            if store.collection("accounts").get(clinic.bob):
                with pytest.raises(Conflict, match="was interrupted"):
                    open_services(settings, store)
        with suppress(Conflict):  # "not empty": it had ended, but for its check
            assert clinic.restore(settings, erased=lists) == 0
        assert_erased(clinic, settings)


def test_an_erased_finding_of_which_the_id_alone_can_be_read_is_erased_again(
    backend: Backend, tmp_path: Path
) -> None:
    ada, store = patient_of(backend, backend.member(role="doctor")), backend.services.store
    number = file_for(backend, ada, Band.ROUTINE).number
    backup, lists = back_up(backend, tmp_path / "backup.tar"), tmp_path / "list.jsonl"
    assert ada.call("DELETE", f"/submissions/{number}").status_code == 200
    erased = store.collection("erased_ids")
    assert erased.update({"kind": "finding"}, {"$unset": {"kind": True}})
    write_erased_ids(store, lists)
    settings = settings_for(tmp_path / "after")
    assert restore(settings, file=backup, erased=lists) == 0
    with closing(open_store(settings)) as restored:
        assert restored.collection("submissions").find() == []
