"""What killed tests leave does not fill the memory of the machine."""

import fcntl
import os
import time
from pathlib import Path

from tests.stores.mongod import LEFT_S, remove_left


def left(place: Path, name: str, *, age: float) -> Path:
    """The lock of a mongod that wrote so many seconds ago."""
    folder = place / f"mongod-{name}"
    folder.mkdir()
    lock = folder / "mongod.lock"
    lock.touch()
    then = time.time() - age
    os.utime(folder, (then, then))
    return lock


def test_only_what_no_mongod_holds_and_none_wrote_to_lately_is_removed(tmp_path: Path) -> None:
    long_ago = LEFT_S * 2
    killed = left(tmp_path, "killed", age=long_ago)
    running = left(tmp_path, "running", age=long_ago)
    between_two_starts = left(tmp_path, "between", age=0)
    with running.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        remove_left(tmp_path)
    assert not killed.parent.exists()
    assert running.exists()
    assert between_two_starts.exists()
