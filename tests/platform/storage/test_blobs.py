import os
import socket
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from bson import ObjectId
from gridfs import DEFAULT_CHUNK_SIZE
from pymongo.database import Database

from skinapi.base.errors import BlobDamaged
from skinapi.platform.storage.ids import new_blob_key, now
from skinapi.platform.storage.ports import Document, Store
from skinapi.platform.stores.mongo_store import GridBlobs
from skinapi.platform.stores.sqlite_store import SqliteStore

BIG = os.urandom(300_000)  # more than one chunk of GridFS
AN_AGE_S = 2 * 3600


@pytest.mark.parametrize("data", [b"", BIG[:DEFAULT_CHUNK_SIZE], BIG], ids=len)
def test_bytes_come_back_as_they_were_and_equal_ones_share_no_key(
    store: Store, data: bytes
) -> None:
    keys = [store.blobs.put(data) for _ in range(2)]
    store.blobs.sweep()
    assert [store.blobs.find(key) for key in keys] == [data] * 2
    assert sorted(store.blobs.keys()) == keys
    store.blobs.delete(keys[0])
    assert [store.blobs.find(key) for key in keys] == [None, data]
    assert list(store.blobs.keys()) == keys[1:]


def test_what_is_not_there_is_none_and_only_keys_of_the_store_are_taken(store: Store) -> None:
    key = new_blob_key(b"never put")
    assert store.blobs.find(key) is None
    store.blobs.delete(key)
    assert list(store.blobs.keys()) == []
    for text in ("", "../../etc/passwd", "0" * 97, f"{'0' * 32}-{'0' * 64}\n"):
        with pytest.raises(ValueError):
            store.blobs.find(text)
        with pytest.raises(ValueError):
            store.blobs.delete(text)


def make_socket(path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as made:
        made.bind(str(path))


REPLACED: dict[str, Callable[[Path], object]] = {
    "nothing": Path.touch,
    "other bytes": lambda path: path.write_bytes(BIG + b"x"),
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to(path),
    "a socket": make_socket,
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", REPLACED)
def test_what_stands_in_the_place_of_a_file_is_damage_and_is_not_waited_for(
    sqlite: SqliteStore, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = sqlite.blobs.put(BIG)
    path = next(tmp_path.glob(f"blobs/*/{key}"))
    path.unlink()
    monkeypatch.chdir(path.parent)  # a socket's path has at most 107 bytes
    REPLACED[kind](Path(path.name))
    with pytest.raises(BlobDamaged):
        sqlite.blobs.find(key)


@pytest.mark.parametrize("change", ["flip", "lose", "empty"])
def test_a_damaged_chunk_is_noticed(raw_database: Database[Document], change: str) -> None:
    blobs, chunks = GridBlobs(raw_database), raw_database["fs.chunks"]
    key = blobs.put(BIG)
    if change == "flip":
        data = chunks.find({"n": 1})[0]["data"]
        chunks.update_one({"n": 1}, {"$set": {"data": data[:-1] + bytes([data[-1] ^ 1])}})
    else:
        chunks.delete_many({"n": 1} if change == "lose" else {})
    with pytest.raises(BlobDamaged):
        blobs.find(key)


def test_sweeping_files_takes_old_drafts_only_and_a_stray_file_is_no_blob(
    sqlite: SqliteStore, tmp_path: Path
) -> None:
    kept = sqlite.blobs.put(b"kept")
    folder = next(tmp_path.glob("blobs/??"))
    old, young = folder / f"{new_blob_key(b'1')}.draft", folder / f"{new_blob_key(b'2')}.draft"
    for stray in (old, young, folder / ".DS_Store"):
        stray.write_bytes(b"half")
    os.utime(old, (time.time() - AN_AGE_S,) * 2)
    assert list(sqlite.blobs.keys()) == [kept]
    sqlite.blobs.sweep()
    assert {path.name for path in folder.iterdir()} == {kept, young.name, ".DS_Store"}


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
