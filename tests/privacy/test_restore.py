"""A restore of a backup from before an erasure erases again, before any server starts on it."""

from argparse import Namespace
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from skinapi.app import backup_commands
from skinapi.app.composition.services import open_services
from skinapi.base.errors import BrokenErasedIds, Conflict
from skinapi.base.settings import Settings
from skinapi.platform.backups.backup import write_backup
from skinapi.platform.backups.erased_ids import (
    FILE_NAME,
    ErasedIds,
    Header,
    list_erased,
    read_erased_ids,
    write_erased_ids,
)
from skinapi.platform.stores import make_store, open_store
from tests.findings.prediction.photographer import predicted
from tests.stores.kills import Kills
from tests.support.backends import Backend, erase, settings_in
from tests.support.models import tiny_model
from tests.support.size import size


@dataclass
class Clinic:
    """Ada has deleted one of two findings since the backup, and Bob his account."""

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

    def settings(self, name: str = "after") -> Settings:
        """Of an empty store."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return settings_in(folder, model_path=tiny_model())

    def restore(self, settings: Settings, **given: Any) -> int:
        options = {"erased": None, "without_erased_ids": False, "verify": False, "drill": False}
        return backup_commands.restore(
            settings, Namespace(**{"file": self.backup, **options, **given})
        )


@pytest.fixture
def clinic(backend: Backend, tmp_path: Path) -> Clinic:
    backend, folder = backend, tmp_path / "work"
    folder.mkdir()
    backend.admin()
    ada, bob = backend.member("ada@example.org"), backend.member("bob@example.org")
    numbers = [predicted(item, keep_photo="true")["id"] for item in (ada, ada, bob)]
    find = backend.services.data.submissions.find_by_number
    ids = [found.id for number in numbers if (found := find(int(number)))]
    kept, deleted, of_bob = ids
    backup = folder / "backups" / "backup.tar"
    backup.parent.mkdir()
    with backup.open("wb") as out:
        write_backup(backend.services.store, out)
    account = {name: backend.account(f"{name}@example.org").id for name in ("ada", "bob")}
    assert ada.call("DELETE", f"/submissions/{numbers[1]}").status_code < 300
    erase(backend.services, backend.account("bob@example.org"))
    findings = {"kept": kept, "deleted": deleted, "bob's": of_bob}
    return Clinic(backend, folder, backup, account["ada"], account["bob"], findings)


def assert_erased(clinic: Clinic, settings: Settings) -> None:
    """What the store of the settings holds is what the clinic holds."""
    with closing(open_store(settings)) as store:
        services = open_services(settings, store)
        assert [fault.message for fault in services.check_integrity()] == []
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
    assert "erased again: 1 accounts, 1 findings, and the photos of 0;" in capsys.readouterr().out
    assert_erased(clinic, clinic.settings())


def test_an_account_that_had_given_its_findings_away_is_not_erased_for_the_other(
    clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the list has it where the empty rest of a joined account was deleted by itself."""
    clinic.backend.services.data.erased_ids.add("account", clinic.ada)
    settings = clinic.settings()
    assert clinic.restore(settings, erased=clinic.list) == 0
    assert f"not erased: account {clinic.ada}" in capsys.readouterr().out
    assert_erased(clinic, settings)


def test_photos_erased_and_findings_entered_in_error_since_the_backup_do_not_come_back(
    clinic: Clinic,
) -> None:
    backend, kept = clinic.backend, clinic.findings["kept"]
    ada = backend.log_in("ada@example.org")
    other = predicted(ada, keep_photo="true")["id"]
    wrong = backend.services.data.submissions.find_by_number(int(other))
    assert wrong
    with clinic.backup.open("wb") as out:
        write_backup(backend.services.store, out)
    path, reason = f"/submissions/{other}/entered-in-error", {"reason": "of somebody else"}
    entered = backend.admin().call("POST", path, json=reason)
    withdrawn = ada.call("PUT", "/me/consents", json={"photos": False, "erase_kept": True})
    assert (entered.status_code, withdrawn.status_code) == (200, 200)
    settings = clinic.settings()
    assert clinic.restore(settings, erased=clinic.list) == 0
    with closing(open_store(settings)) as store:
        data = open_services(settings, store).data
        again, error = data.submissions.find(kept), data.submissions.find(wrong.id)
        assert (again and again.error, error and error.error and error.error.by) == (None, "system")
        assert [*store.blobs.keys()] == []
        assert data.trail.find_newest("photo.erase_again", target=kept)


@pytest.mark.parametrize("place", ["beside the backup", "instance folder", "store"])
def test_a_list_that_is_where_it_is_kept_need_not_be_given(clinic: Clinic, place: str) -> None:
    """That of the folder of backups, that of the server, and that of a store with nothing else."""
    settings = clinic.settings()
    if place == "beside the backup":
        clinic.list.rename(clinic.backup.parent / FILE_NAME)
    elif place == "instance folder":
        clinic.list.rename(settings.instance_dir / FILE_NAME)
    else:
        make_store(settings)
        with closing(open_store(settings)) as store:
            ErasedIds(store).merge(read_erased_ids(clinic.list).erased)
    assert clinic.restore(settings) == 0
    assert_erased(clinic, settings)


def test_without_a_list_a_restore_is_refused_unless_the_operator_says_so(clinic: Clinic) -> None:
    settings = clinic.settings()
    with pytest.raises(Conflict, match="--without-erased-ids"):
        clinic.restore(settings)
    assert list(settings.instance_dir.iterdir()) == []
    assert clinic.restore(settings, without_erased_ids=True) == 0
    with closing(open_store(settings)) as store:
        assert store.collection("accounts").get(clinic.bob)


def test_a_list_that_says_nothing_of_the_time_since_is_refused(clinic: Clinic) -> None:
    """One from before the backup, and one of another store; also where a good one would do."""
    settings = clinic.settings()
    before = clinic.folder / "before.jsonl"
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    before.write_text(Header(complete_until=long_ago).model_dump_json() + "\n")
    with pytest.raises(Conflict, match="says nothing of who was erased since"):
        clinic.restore(settings, erased=before)
    second = clinic.folder / "second.tar"
    with second.open("wb") as out:
        write_backup(clinic.backend.services.store, out)
    other = clinic.folder / "other.jsonl"
    later = datetime.now(UTC) + timedelta(minutes=1)
    other.write_text(Header(complete_until=later).model_dump_json() + "\n")
    with pytest.raises(Conflict, match="another store"):
        clinic.restore(settings, file=second, erased=other)
    assert list(settings.instance_dir.iterdir()) == []


def test_the_list_that_a_backup_wrote_beside_it_brings_nobody_back(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends where the backup begins; a newer one in its place is taken."""
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
    assert "get a newer one" in refused.value.detail
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
    for step in range(3, commands, commands // size(8, 40)):
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
