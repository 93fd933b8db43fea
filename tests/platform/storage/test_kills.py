import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import IO

import apsw
import pytest

from skinapi.base.errors import StoreUnavailable
from skinapi.platform.storage.ports import Documents
from skinapi.platform.stores.mongo_store import MongoStore
from tests.platform.storage.conftest import sqlite_store
from tests.stores.replica_set import ReplicaSet, running_replica_set
from tests.support.size import size

ROOT = Path(__file__).parents[3]
WRITERS = size(2, 4)
Report = Callable[[str], None]


@pytest.fixture
def seed(report: Report) -> int:
    chosen = int(os.environ.get("KILL_SEED") or random.randrange(10**6))
    report(f"KILL_SEED={chosen}")
    return chosen


def start_writer(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.platform.storage.writer", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True)


def whole_lines(output: IO[str]) -> list[str]:
    """Skip the last line if the kill has cut it."""
    with output:
        return [line.strip() for line in output if line.endswith("\n")]


def written_until_killed(dice: random.Random, commands: list[list[str]]) -> list[list[str]]:
    writers = [start_writer(*command) for command in commands]
    outputs = [writer.stdout for writer in writers if writer.stdout]
    first = [output.readline().strip() for output in outputs]
    with ThreadPoolExecutor(len(writers)) as pool:
        rest = [pool.submit(whole_lines, output) for output in outputs]
        for writer in writers:
            time.sleep(dice.uniform(0, size(0.2, 5)))
            writer.kill()
            writer.wait()
        return [[told, *lines.result()] for told, lines in zip(first, rest, strict=True)]


def last(acknowledged: list[str], kind: str) -> int:
    return max((int(line.split()[1]) for line in acknowledged if line.startswith(kind)), default=0)


def lost(documents: Documents, name: str, acknowledged: list[str]) -> int:
    there = {document["id"] for document in documents.find()}
    inserts = [f"{name}-{number}" for number in range(1, last(acknowledged, "insert") + 1)]
    kept = int((documents.get(name) or {"n": 0})["n"])
    return len(set(inserts) - there) + max(0, last(acknowledged, "update") - kept)


@pytest.mark.timeout(size(120, 600))
def test_killed_writers_of_sqlite_lose_nothing(tmp_path: Path, seed: int, report: Report) -> None:
    dice = random.Random(seed)
    store = sqlite_store(tmp_path)
    total = missing = 0
    with closing(store):
        for round_ in range(size(1, 5)):
            names = [f"writer-{round_}-{number}" for number in range(WRITERS)]
            commands = [["documents", str(tmp_path), name] for name in names]
            for name, told in zip(names, written_until_killed(dice, commands), strict=True):
                total += len(told)
                missing += lost(store.collection("things"), name, told)
    with closing(apsw.Connection(str(tmp_path / "test.db"))) as connection:
        assert connection.pragma("integrity_check") == "ok"
    report(f"sqlite: {total} acknowledged, {missing} lost")
    assert total > 0
    assert missing == 0


@pytest.mark.timeout(size(120, 600))
@pytest.mark.parametrize("kind", ["files", "gridfs"])
def test_a_put_that_is_killed_leaves_no_half_blob(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str, seed: int, report: Report
) -> None:
    dice = random.Random(seed)
    gridfs = kind == "gridfs"
    where = request.getfixturevalue("mongo_database_uri") if gridfs else str(tmp_path)
    told: set[str] = set()
    for _ in range(size(1, 10)):
        commands = [["blobs", where, ""]] * 2
        outputs = written_until_killed(dice, commands)
        told |= {line.removeprefix("put ") for lines in outputs for line in lines}
    store = MongoStore.at(where) if gridfs else sqlite_store(Path(where))
    with closing(store):
        blobs = store.blobs
        there = set(blobs.keys())
        report(f"{kind}: {len(told)} acknowledged, {len(told - there)} lost")
        assert told
        assert told <= there
        for key in there:  # read whole and checked against its sum
            assert blobs.find(key) is not None


@pytest.fixture
def replica_set() -> Iterator[ReplicaSet]:
    with running_replica_set() as running:
        yield running


def test_every_collection_is_read_and_written_as_the_majority_has_it() -> None:
    with closing(MongoStore.at("mongodb://127.0.0.1:1")) as store:  # it does not connect yet
        documents = store.collection("things")._collection
    assert documents.read_concern.level == "majority"
    assert documents.write_concern.document == {"w": "majority", "j": True}


@pytest.mark.drill
def test_nothing_is_read_that_the_next_primary_may_not_have(replica_set: ReplicaSet) -> None:
    """After an unacknowledged write, a retry of the request checks whether it was done. A write on
    the primary alone must not count: it can be lost after the answer.
    """
    primary = replica_set.await_primary()
    replica_set.delay_elections()
    others = [member for member in replica_set.members if member is not primary]
    with closing(MongoStore.at(replica_set.uri)) as store:
        store.collection("things").insert({"id": "before", "schema": 1})
        for member in others:
            member.kill()
        with pytest.raises(StoreUnavailable):
            store.collection("things").insert({"id": "a", "schema": 1})
    assert primary.order({"count": "things"}, database="skinapi")["n"] == 2
    with closing(MongoStore.at(replica_set.uri)) as store:  # of the server that gets the retry
        told = store.collection("things").get("a")
    primary.kill()
    for member in others:
        member.start()
    replica_set.step_up(others[0])
    with closing(MongoStore.at(replica_set.uri)) as store:
        kept = store.collection("things").get("a")
    assert told == kept
    assert kept is None
