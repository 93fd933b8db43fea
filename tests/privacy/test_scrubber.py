from pathlib import Path

import pytest

from skinapi.base.errors import BrokenErasedIds
from skinapi.platform.backups import erased_ids
from skinapi.platform.backups.erased_ids import (
    FILE_NAME,
    LAST,
    ErasedIds,
    Scrubber,
    name_of_store,
    read_erased_ids,
)
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Store
from tests.support.backends import Backend


def passed(scrubber: Scrubber) -> None:
    scrubber.run_once()
    scrubber._not_before = 0.0  # its pause is over


def on_list(folder: Path) -> list[str]:
    return [item.id for item in read_erased_ids(folder / FILE_NAME).erased]


def is_scrubbed(store: Store, identifier: str) -> bool:
    last, erased = store.collection("counters").get(LAST), ErasedIds(store).find(identifier)
    assert erased
    return last is not None and last["scrubbed_at"] > erased.created_at


def test_an_erasure_is_scrubbed_soon_and_once_no_reader_holds_the_log(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    erased = ErasedIds(store)
    scrubber = Scrubber(store, erased, tmp_path)
    passed(scrubber)  # what was deleted before there were scrubs
    erased.add("account", "a" * 32)
    with store.snapshot() as snapshot:
        assert snapshot.collections()
        passed(scrubber)
        assert not is_scrubbed(store, "a" * 32)
    passed(scrubber)
    assert is_scrubbed(store, "a" * 32)

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
    erased.add("account", ids[2])
    whole = [item.model_dump_json() for item in erased.walk_all()][-1]
    with file.open("a") as end:
        end.write(f'{whole}\n{{"id":"killed while it wrote')
    assert on_list(tmp_path) == ids[:2]
    for _ in range(2):
        again = Scrubber(store, erased, tmp_path)
        passed(again)
        passed(again)
        assert on_list(tmp_path) == ids[:3]
    assert {item.kind for item in read_erased_ids(file).erased} == {"finding", "account"}


def test_the_file_says_of_which_store_it_is_and_until_when_it_is_complete(
    real_backend: Backend, tmp_path: Path
) -> None:
    store, file = real_backend.services.store, tmp_path / FILE_NAME
    scrubber, before = Scrubber(store, ErasedIds(store), tmp_path), now()
    for many in range(3):
        passed(scrubber)
        kept = read_erased_ids(file)
        assert kept.store
        assert kept.store == name_of_store(store)
        assert (kept.complete_until or before) >= before
        assert len(kept.erased) == many
        before = now()
        ErasedIds(store).add("finding", new_id())


@pytest.mark.parametrize("begun_anew", [False, True])
def test_a_file_that_was_cut_off_is_refused_and_set_aside(
    store: Store, tmp_path: Path, begun_anew: bool
) -> None:
    """An incomplete copy lacks the newest ids, which a backup still contains."""
    erased, ids = ErasedIds(store), [new_id() for _ in range(3)]
    for identifier in ids:
        erased.add("finding", identifier)
    passed(Scrubber(store, erased, tmp_path))
    file = tmp_path / FILE_NAME
    cut = b"".join(file.read_bytes().splitlines(keepends=True)[:-1])
    file.write_bytes(cut)
    with pytest.raises(BrokenErasedIds, match="cut off"):
        read_erased_ids(file)
    if begun_anew:
        passed(Scrubber(store, erased, tmp_path))
        assert on_list(tmp_path) == ids
        [aside] = tmp_path.glob("erased-ids-until-*.jsonl")
        assert aside.read_bytes() == cut
