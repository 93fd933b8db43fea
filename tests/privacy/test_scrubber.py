"""The thread that overwrites what was deleted, and keeps the file of erased ids."""

from datetime import datetime
from pathlib import Path

import pytest

from skinapi.platform.backups import erased_ids
from skinapi.platform.backups.erased_ids import FILE_NAME, ErasedIds, Scrubber, read_erased_ids
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Store


def passed(scrubber: Scrubber) -> None:
    scrubber.run_once()
    scrubber._not_before = 0.0  # its pause is over


def on_list(folder: Path) -> list[str]:
    return [item.id for item in read_erased_ids(folder / FILE_NAME).erased]


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
    assert {item.kind for item in read_erased_ids(file).erased} == {"finding", "account"}
