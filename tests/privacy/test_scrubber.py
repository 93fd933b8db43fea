"""The thread that overwrites what was deleted, and keeps the file of erased ids."""

from argparse import Namespace
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from skinapi.app import backup_commands
from skinapi.platform.backups import erased_ids
from skinapi.platform.backups.backup import begin_backup, end_backup, list_backups, may_hold
from skinapi.platform.backups.erased_ids import FILE_NAME, ErasedIds, Scrubber, read_erased_ids
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Store
from tests.support.backends import Backend, erase, settings_in, store_of_kind
from tests.support.models import tiny_model


def passed(scrubber: Scrubber) -> None:
    scrubber.make_pass()
    scrubber._not_before = 0.0  # its pause is over


def on_list(folder: Path) -> list[str]:
    return [one.id for one in read_erased_ids(folder / FILE_NAME).erased]


def scrubbed_at(erased: ErasedIds, identifier: str) -> datetime | None:
    found = erased.find(identifier)
    assert found
    return found.scrubbed_at


def test_an_erasure_is_scrubbed_soon_and_once_no_reader_holds_the_log(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    erased = ErasedIds(store)
    scrubber = Scrubber(store, erased, tmp_path)
    passed(scrubber)  # what was deleted before there were scrubs
    begun = now()
    erased.add("account", "a" * 32)
    with store.snapshot() as snapshot:
        assert snapshot.collections()
        passed(scrubber)
        assert scrubbed_at(erased, "a" * 32) is None
    passed(scrubber)
    assert (scrubbed_at(erased, "a" * 32) or begun) > begun

    def never(*_: object, **__: object) -> None:
        pytest.fail("nothing was erased since")

    monkeypatch.setattr(erased_ids, "scrub_store", never)
    passed(scrubber)


def test_while_another_server_scrubs_this_one_does_not(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (Scrubber(store, ErasedIds(store), tmp_path) for _ in range(2))
    scrub, calls = erased_ids.scrub_store, []

    def scrub_beside(store: Store) -> object:
        calls.append(1)
        second.make_pass()
        return scrub(store)

    monkeypatch.setattr(erased_ids, "scrub_store", scrub_beside)
    first.make_pass()
    assert len(calls) == 1


def test_the_file_of_erased_ids_has_each_once_also_after_a_restart_and_a_cut_line(
    store: Store, tmp_path: Path
) -> None:
    erased, ids = ErasedIds(store), [new_id() for _ in range(5)]
    scrubber = Scrubber(store, erased, tmp_path)
    passed(scrubber)
    assert on_list(tmp_path) == []
    for identifier in ids[:2]:
        erased.add("finding", identifier)
        passed(scrubber)
        passed(scrubber)
    assert on_list(tmp_path) == ids[:2]
    file = tmp_path / FILE_NAME
    file.write_bytes(file.read_bytes()[:-20])  # killed while it wrote the last one
    erased.add("account", ids[2])
    for _ in range(2):
        again = Scrubber(store, erased, tmp_path)
        passed(again)
        passed(again)
        assert sorted(on_list(tmp_path)) == ids[:3]
    assert {one.kind for one in read_erased_ids(file).erased} == {"finding", "account"}


def test_a_deleted_account_and_its_findings_are_on_the_list(backend: Backend) -> None:
    backend.member("ada@example.org")
    account = backend.account("ada@example.org")
    erase(backend.services, account)
    found = backend.services.data.erased_ids.find(account.id)
    assert found
    assert found.kind == "account"


def test_the_operator_is_told_of_backups_and_says_which_are_no_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_in(tmp_path, model_path=tiny_model())
    with closing(store_of_kind("sqlite", tmp_path)) as store:
        first = begin_backup(store, place="file", name="first.tar")
        end_backup(store, first)
        second = begin_backup(store, place="stdout", name=None)
        since = now() + timedelta(seconds=1)
        assert backup_commands.show_backups(settings, Namespace(destroyed=None)) == 0
        newest, oldest = capsys.readouterr().out.splitlines()[-2:]
        assert newest.startswith(second)
        assert newest.endswith("standard output  was interrupted, a part may be there")
        assert oldest.endswith("first.tar  there")
        assert [one.id for one in may_hold(list_backups(store), since=since)] == []
        before = list_backups(store)[-1].created_at
        assert [one.id for one in may_hold(list_backups(store), since=before)] == [second, first]
        assert backup_commands.show_backups(settings, Namespace(destroyed=first)) == 0
        assert "first.tar  destroyed " in capsys.readouterr().out
        assert [one.id for one in may_hold(list_backups(store), since=before)] == [second]
