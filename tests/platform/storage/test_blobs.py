"""What every store promises of its blobs."""

import os
import socket
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from bson import ObjectId
from pymongo.database import Database

from skinapi.base.errors import BlobDamaged
from skinapi.platform.storage.ids import new_blob_key, now
from skinapi.platform.storage.ports import Document, Store
from skinapi.platform.stores.mongo_store import CHUNK_BYTES, GridBlobs
from tests.platform.storage.conftest import file_blobs

BIG = os.urandom(300_000)  # more than one chunk of GridFS
AN_AGE_S = 2 * 3600


@pytest.mark.parametrize("data", [b"", b"x", BIG[:CHUNK_BYTES], BIG], ids=len)
def test_bytes_come_back_as_they_were(store: Store, data: bytes) -> None:
    """Also those that are not the first of the store, which GridFS takes in another way."""
    keys = [store.blobs.put(data) for _ in range(2)]
    assert [store.blobs.find(key) for key in keys] == [data] * 2
    assert sorted(store.blobs.keys()) == keys


def test_equal_blobs_share_no_key_so_erasing_one_leaves_the_other(store: Store) -> None:
    one, other = store.blobs.put(b"same"), store.blobs.put(b"same")
    assert one != other
    assert sorted(store.blobs.keys()) == sorted([one, other])
    store.blobs.delete(one)
    assert store.blobs.find(one) is None
    assert store.blobs.find(other) == b"same"
    assert list(store.blobs.keys()) == [other]


def test_what_is_not_there_is_none_and_deletes_in_silence(store: Store) -> None:
    key = new_blob_key(b"never put")
    assert store.blobs.find(key) is None
    store.blobs.delete(key)
    store.blobs.sweep()
    assert list(store.blobs.keys()) == []


@pytest.mark.parametrize("key", ["", "x", "../../etc/passwd", "0" * 97, f"{'0' * 32}-{'0' * 64}\n"])
def test_only_keys_of_the_store_are_taken(store: Store, key: str) -> None:
    with pytest.raises(ValueError):
        store.blobs.find(key)
    with pytest.raises(ValueError):
        store.blobs.delete(key)


def test_sweeping_leaves_finished_blobs(store: Store) -> None:
    key = store.blobs.put(BIG)
    store.blobs.sweep()
    assert store.blobs.find(key) == BIG


@pytest.mark.parametrize("damaged", [b"", b"other", BIG[:-1], BIG + b"x"], ids=len)
def test_a_damaged_file_is_noticed(tmp_path: Path, damaged: bytes) -> None:
    blobs = file_blobs(tmp_path)
    key = blobs.put(BIG)
    next(tmp_path.glob(f"blobs/*/{key}")).write_bytes(damaged)
    with pytest.raises(BlobDamaged):
        blobs.find(key)


def make_socket(path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as made:
        made.bind(str(path))


REPLACED: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to(path),
    "a socket": make_socket,
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", REPLACED)
def test_what_stands_in_the_place_of_a_file_is_damage_and_is_not_waited_for(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = file_blobs(tmp_path)
    key = blobs.put(BIG)
    path = next(tmp_path.glob(f"blobs/*/{key}"))
    path.unlink()
    monkeypatch.chdir(path.parent)  # a socket's path has at most 107 bytes
    REPLACED[kind](Path(path.name))
    with pytest.raises(BlobDamaged):
        blobs.find(key)


@pytest.mark.parametrize("change", ["flip", "shorten", "lose", "empty"])
def test_a_damaged_chunk_is_noticed(raw_database: Database[Document], change: str) -> None:
    blobs, chunks = GridBlobs(raw_database), raw_database["fs.chunks"]
    key = blobs.put(BIG)
    if change == "lose":
        chunks.delete_one({"n": 1})
    elif change == "empty":
        chunks.delete_many({})
    else:
        data = chunks.find({"n": 1})[0]["data"]
        data = data[:-1] + bytes([data[-1] ^ 1]) if change == "flip" else data[:-1]
        chunks.update_one({"n": 1}, {"$set": {"data": data}})
    with pytest.raises(BlobDamaged):
        blobs.find(key)


def test_sweeping_files_takes_old_drafts_only(tmp_path: Path) -> None:
    blobs = file_blobs(tmp_path)
    kept = blobs.put(b"kept")
    folder = next(tmp_path.glob("blobs/??"))
    old, young = folder / f"{new_blob_key(b'1')}.draft", folder / f"{new_blob_key(b'2')}.draft"
    for draft in (old, young):
        draft.write_bytes(b"half")
    os.utime(old, (time.time() - AN_AGE_S,) * 2)
    assert list(blobs.keys()) == [kept]
    blobs.sweep()
    assert sorted(path.name for path in folder.iterdir()) == sorted([kept, young.name])


def test_sweeping_gridfs_takes_old_orphan_chunks_only(raw_database: Database[Document]) -> None:
    blobs, chunks = GridBlobs(raw_database), raw_database["fs.chunks"]
    kept = blobs.put(BIG)
    young = ObjectId()
    old = ObjectId.from_datetime(now().replace(year=now().year - 1))
    chunks.insert_many(
        {"files_id": orphan, "n": n, "data": b"x"} for orphan in (old, young) for n in (0, 1)
    )
    blobs.sweep()
    assert chunks.count_documents({"files_id": old}) == 0
    assert chunks.count_documents({"files_id": young}) == 2
    assert blobs.find(kept) == BIG


def test_a_stray_file_is_no_blob(tmp_path: Path) -> None:
    blobs = file_blobs(tmp_path)
    kept = blobs.put(b"kept")
    next(tmp_path.glob("blobs/??")).joinpath(".DS_Store").touch()
    assert list(blobs.keys()) == [kept]
