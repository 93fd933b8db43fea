import io
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from skinapi.base.errors import BrokenBackup, Conflict
from skinapi.platform.backups.backup import (
    RESTORES,
    refuse_unfinished_restore,
    restore_backup,
    write_backup,
)
from skinapi.platform.backups.backup_file import Counts, verify_backup
from skinapi.platform.storage.files import new_file
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document, Store
from tests.platform.storage.conftest import sqlite_store

BIG = os.urandom(300_000)
Rest = dict[str, list[Document]]


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "other").mkdir()
    with closing(sqlite_store(tmp_path / "other")) as store:
        yield store


def contents(store: Store) -> tuple[Rest, dict[str, bytes | None]]:
    names = (name for name in store.collections() if name != RESTORES)
    documents = {name: kept for name in names if (kept := store.collection(name).find())}
    return documents, {key: store.blobs.find(key) for key in list(store.blobs.keys())}


def fill(store: Store, many: int = 12) -> None:
    things = store.collection("things")
    for number in range(many):
        things.insert(
            {
                "id": new_id(),
                "seen_at": now() - timedelta(days=number),
                "text": f"näevus\n{number}",
                "nested": {"at": [1, 2.5, True, {"done_at": now()}]},
                **({"photo_blob": store.blobs.put(b"%d" % number)} if number % 3 == 0 else {}),
            }
        )
    parts = [store.blobs.put(BIG), store.blobs.put(b"")]
    store.collection("emptied").insert({"id": "a"})
    store.collection("emptied").delete({})
    store.collection("models").insert({"id": "m-1", "files": [{"part_blobs": parts}]})


def saved(store: Store, folder: Path, progress: Callable[[Counts], None] = lambda _: None) -> Path:
    path = folder / "backup.tar"
    with new_file(path) as out:
        write_backup(store, out, progress=progress)
    return path


def test_everything_comes_back_in_another_kind_of_store(
    store: Store, empty: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skinapi.platform.backups.backup.CHUNK_BYTES", 1000)  # two documents
    fill(store)
    path = saved(store, tmp_path)
    counts = verify_backup(path)
    assert (counts.documents, counts.blobs, counts.collections["things"]) == (13, 6, 12)
    assert path.stat().st_mode & 0o777 == 0o600
    restored = restore_backup(empty, path)
    assert (restored.documents, restored.blobs) == (13, 6)
    assert contents(empty) == contents(store)


def test_a_snapshot_is_of_one_moment(store: Store) -> None:
    things = store.collection("things")
    for number in range(700):  # more than a page
        things.insert({"id": f"{number:04}", "value": 0})
    with store.snapshot() as snapshot:
        assert "things" in snapshot.collections()
        things.insert({"id": "9999", "value": 0})
        things.update({"id": "0650"}, {"$set": {"value": 1}})
        things.delete({"id": "0000"})
        store.collection("younger").insert({"id": "a"})
        found = list(snapshot.documents("things"))
        assert [document["id"] for document in found] == [f"{number:04}" for number in range(700)]
        assert not any(document["value"] for document in found)
        assert "younger" not in snapshot.collections()


def test_what_is_erased_meanwhile_does_not_come_back(
    store: Store, empty: Store, tmp_path: Path
) -> None:
    fill(store)
    things = store.collection("things")
    first, second, *_ = things.find({"photo_blob": {"$ne": None}})

    def erase(counts: Counts) -> None:
        if counts.documents == 13 and not counts.blobs:
            replaced = store.blobs.put(b"another photo")
            things.update({"id": first["id"]}, {"$set": {"photo_blob": replaced}})
            things.delete({"id": second["id"]})
            store.blobs.delete(first["photo_blob"])
            store.blobs.delete(second["photo_blob"])

    path = saved(store, tmp_path, erase)
    assert verify_backup(path).changed == 2
    restore_backup(empty, path)
    assert contents(empty) == contents(store)


def test_a_damaged_file_is_left_out_and_named(empty: Store, tmp_path: Path) -> None:
    fill(empty)
    damaged, *_ = sorted(empty.blobs.keys())
    (found,) = tmp_path.glob(f"other/blobs/*/{damaged}")
    found.write_bytes(b"other")
    with (tmp_path / "backup.tar").open("wb") as out:
        counts = write_backup(empty, out)
    assert counts.damaged == [damaged]
    assert counts.blobs == 5
    assert verify_backup(tmp_path / "backup.tar").blobs == 5


def test_a_file_that_was_cut_off_or_changed_restores_nothing(
    store: Store, empty: Store, tmp_path: Path
) -> None:
    fill(store)
    whole = saved(store, tmp_path).read_bytes()
    broken = tmp_path / "broken.tar"
    cuts = [whole[:at] for at in range(0, len(whole) - 2 * tarfile.BLOCKSIZE, len(whole) // 9)]
    with tarfile.open(fileobj=io.BytesIO(whole)) as tar:
        members = [member for member in tar if member.size]
    flips = [flipped(whole, member.offset_data) for member in members]
    lacking = [without(whole, member) for member in members]
    for content in (*cuts, *flips, *lacking):
        broken.write_bytes(content)
        with pytest.raises(BrokenBackup):
            restore_backup(empty, broken)
    assert contents(empty) == ({}, {})
    refuse_unfinished_restore(empty)


def flipped(whole: bytes, at: int) -> bytes:
    return whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]


def without(whole: bytes, member: tarfile.TarInfo) -> bytes:
    blocks = -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    return whole[: member.offset] + whole[member.offset_data + blocks :]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../evil", tarfile.REGTYPE),
        ("blobs/x", tarfile.REGTYPE),
        ("documents/a/000001.jsonl.gz", tarfile.SYMTYPE),
        ("documents/a/000001.jsonl.gz", tarfile.CHRTYPE),
    ],
)
def test_a_part_that_no_backup_has_is_refused(
    empty: Store, tmp_path: Path, name: str, kind: bytes
) -> None:
    member = tarfile.TarInfo(name)
    member.type = kind
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        tar.addfile(member)
    with pytest.raises(BrokenBackup):
        restore_backup(empty, tmp_path / "evil.tar")
    assert contents(empty) == ({}, {})


def test_a_store_with_anything_in_it_is_left_as_it_is(
    store: Store, empty: Store, tmp_path: Path
) -> None:
    fill(empty)
    path = saved(empty, tmp_path)
    store.collection("things").insert({"id": "kept"})
    with pytest.raises(Conflict):
        restore_backup(store, path)
    assert contents(store) == ({"things": [{"id": "kept"}]}, {})
    refuse_unfinished_restore(store)


def test_an_interrupted_restore_is_refused_by_servers_and_begun_anew(
    store: Store, tmp_path: Path, empty: Store
) -> None:
    fill(empty)
    path = saved(empty, tmp_path)

    def interrupt(counts: Counts) -> None:
        if counts.blobs == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore_backup(store, path, progress=interrupt)
    with pytest.raises(Conflict):
        refuse_unfinished_restore(store)
    store.blobs.put(b"of the interrupted one")
    restore_backup(store, path)
    refuse_unfinished_restore(store)
    assert contents(store) == contents(empty)


@pytest.mark.parametrize("at", [1, 7])
def test_of_two_restores_at_once_none_calls_a_store_whole_that_is_not(
    store: Store, tmp_path: Path, empty: Store, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skinapi.platform.backups.backup.CHUNK_BYTES", 1)
    fill(empty, many=4)
    path = saved(empty, tmp_path)
    told = []

    def interrupt(counts: Counts) -> None:
        if counts.documents == 1:
            raise KeyboardInterrupt

    def begin_another(_: Counts) -> None:
        told.append("a part")
        if len(told) == at:
            with pytest.raises(KeyboardInterrupt):
                restore_backup(store, path, progress=interrupt)

    with pytest.raises(Conflict, match="Another restore"):
        restore_backup(store, path, progress=begin_another)
    with pytest.raises(Conflict, match="was interrupted"):
        refuse_unfinished_restore(store)
    restore_backup(store, path)
    assert contents(store) == contents(empty)


def test_a_backup_takes_no_name_that_is_taken_and_leaves_nothing_half_written(
    tmp_path: Path,
) -> None:
    path = tmp_path / "backup.tar"
    with pytest.raises(Conflict, match=r"backup\.tar cannot be written"), new_file(path) as out:
        out.seek(-1)
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(b"mine")
    with pytest.raises(Conflict), new_file(path) as out:
        out.write(b"other")
    assert path.read_bytes() == b"mine"
