import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from skinapi.platform.storage.ports import Remnant, Scrubbed, Store
from skinapi.platform.stores import database_file
from skinapi.platform.stores.sqlite_store import SqliteStore
from tests.support.size import in_drill

PEOPLE = 20
ERASED = range(0, PEOPLE, 3)
ALL_DONE = Scrubbed((Remnant.DISK,))


def fill(store: Store, many: int = 2000) -> None:
    rng = Random(1)
    things = store.collection("things")
    things.ensure_index("email")
    things.ensure_index("owner", "at")
    documents = [
        {
            "id": f"{rng.getrandbits(128):032x}",
            "owner": f"owner{number % PEOPLE}",
            "email": f"{mark(number % PEOPLE)}{rng.getrandbits(40)}@example.org",
            "at": rng.getrandbits(30),
            "note": mark(number % PEOPLE) * rng.choice([1, 3, 20, 1500]),
        }
        for number in range(many)
    ]
    for start in range(0, many, 100):
        things.insert_many(documents[start : start + 100])
    for document in documents[::3]:
        longer = str(document["note"]) + "and more" * rng.choice([1, 20, 400])
        things.update({"id": document["id"]}, {"$set": {"note": longer}})


def mark(person: int) -> str:
    return f"Person{person:02}-"


def erase(store: Store) -> None:
    for person in ERASED:
        store.collection("things").delete({"owner": f"owner{person}"})


def found_in(folder: Path) -> dict[str, int]:
    marks = [mark(person).encode() for person in ERASED]
    counted = {
        path.name: sum(path.read_bytes().count(each) for each in marks)
        for path in folder.rglob("*")
        if path.is_file()
    }
    return {name: many for name, many in counted.items() if many}


def test_a_scrub_leaves_what_is_stored_as_it_is(store: Store) -> None:
    fill(store, 200)
    erase(store)
    before = store.collection("things").find()
    key = store.blobs.put(b"kept")
    scrubbed = store.scrub()
    assert scrubbed.complete
    assert Remnant.DISK in scrubbed.remains
    assert store.collection("things").find() == before
    assert store.blobs.find(key) == b"kept"
    store.collection("things").insert({"id": "new"})
    store.ping()
    assert store.scrub() == scrubbed


def test_no_byte_of_what_was_deleted_is_left_in_a_file_of_sqlite(
    sqlite: SqliteStore, tmp_path: Path
) -> None:
    fill(sqlite)
    erase(sqlite)
    assert found_in(tmp_path), "the log holds it until then"
    assert sqlite.scrub() == ALL_DONE
    assert found_in(tmp_path) == {}


def test_while_a_backup_reads_it_is_said_and_done_by_a_later_call(
    sqlite: SqliteStore, tmp_path: Path
) -> None:
    fill(sqlite, 200)
    with sqlite.snapshot() as snapshot:
        assert snapshot.collections() == ["things"]  # its first read sets the moment
        erase(sqlite)
        assert sqlite.scrub().remains == (Remnant.LOG_IN_USE, Remnant.DISK)
        assert not sqlite.scrub().complete
        assert len(list(snapshot.documents("things"))) == 200
    assert found_in(tmp_path)
    assert sqlite.scrub() == ALL_DONE
    assert found_in(tmp_path) == {}


def test_a_large_file_is_rewritten_when_the_operator_says_so_and_there_is_room(
    sqlite: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(database_file, "LARGEST_REWRITTEN", 100_000)
    fill(sqlite, 500)
    erase(sqlite)
    assert sqlite.scrub().remains == (Remnant.FILE_TOO_LARGE, Remnant.DISK)
    with monkeypatch.context() as patch:
        patch.setattr(database_file, "refuse_full_disk", full)
        assert sqlite.scrub(any_size=True).remains == (Remnant.DISK_TOO_FULL, Remnant.DISK)
    assert sqlite.scrub(any_size=True) == ALL_DONE
    assert found_in(tmp_path) == {}
    with pytest.raises(RuntimeError):
        sqlite.transaction(sqlite.scrub)


KILLED_SCRUB = """
import os, signal, sys
from pathlib import Path
from skinapi.platform.storage.files import FileBlobs
from skinapi.platform.stores import database_file
from skinapi.platform.stores.sqlite_store import SqliteStore

step = sys.argv[2]
def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

emptied = database_file._empty_log
if step == "before the copy is made":
    database_file._copy_pages = kill
elif step == "after the commit":
    calls = []
    def empty(connection):
        calls.append(1)
        return kill() if len(calls) > 1 else emptied(connection)
    database_file._empty_log = empty
folder = Path(sys.argv[1])
SqliteStore(folder / "test.db", FileBlobs(folder / "blobs")).scrub()
"""


@pytest.mark.parametrize("step", ["before the copy is made", *in_drill("after the commit")])
def test_a_process_that_is_killed_in_a_scrub_leaves_the_store_whole_for_the_others(
    sqlite: SqliteStore, tmp_path: Path, step: str
) -> None:
    fill(sqlite, 500)
    erase(sqlite)
    before = sqlite.collection("things").find()
    ended = subprocess.run([sys.executable, "-c", KILLED_SCRUB, str(tmp_path), step], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert sqlite.collection("things").find() == before
    sqlite.collection("things").insert({"id": "new"})
    sqlite.ping()
    assert sqlite.scrub() == ALL_DONE
    assert len(sqlite.collection("things").find()) == len(before) + 1
    assert found_in(tmp_path) == {}
    assert not (tmp_path / "test.db-rewritten").exists()
