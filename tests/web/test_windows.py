"""The file in which hits are counted outlives whoever writes to it."""

import os
import random
import signal
import time
from contextlib import closing
from itertools import count
from pathlib import Path

import apsw
import pytest
from limits.errors import StorageError

from skinapi.web.limits_sqlite import SqliteWindows
from tests.size import size

MANY = 10**9


def count_until_killed(path: Path) -> int:
    """The process that does."""
    child = os.fork()
    if child:
        return child
    windows = SqliteWindows(path)
    for number in count():
        windows.acquire_entry(f"key-{number % 97}", MANY, 1, amount=50)
    return 0


def test_a_killed_writer_leaves_the_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "limits.db"
    for _ in range(size(10, 100)):
        children = [count_until_killed(path) for _ in range(2)]
        time.sleep(random.uniform(0.05, 0.2))
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        with closing(apsw.Connection(str(path))) as connection:
            assert connection.pragma("integrity_check") == "ok"
    assert SqliteWindows(path).acquire_entry("key", 1, 60)


def test_a_file_that_a_power_cut_has_spoilt_is_begun_anew(tmp_path: Path) -> None:
    """The counts of a minute are no loss; a server that refuses everybody would be."""
    path = tmp_path / "limits.db"
    first, second = SqliteWindows(path), SqliteWindows(path)
    for windows in (first, second):
        assert windows.acquire_entry("key", 2, 60)
    spoil(path)
    for windows in (first, second):
        with pytest.raises(StorageError):
            windows.acquire_entry("key", 2, 60)
    assert first.acquire_entry("key", 2, 60)
    assert second.acquire_entry("key", 2, 60)
    assert not first.acquire_entry("key", 2, 60)


def test_a_server_that_finds_a_spoilt_file_begins_it_anew(tmp_path: Path) -> None:
    path = tmp_path / "limits.db"
    path.write_bytes(b"no database " * 100)
    windows = SqliteWindows(path)
    with pytest.raises(StorageError):
        windows.acquire_entry("key", 1, 60)
    assert windows.acquire_entry("key", 1, 60)


def spoil(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(os.urandom(path.stat().st_size))


def test_hits_ahead_of_a_clock_that_was_put_back_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = SqliteWindows(tmp_path / "limits.db")
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + 3600)
    assert windows.acquire_entry("key", 1, 60)
    assert not windows.acquire_entry("key", 1, 60)
    monkeypatch.setattr(time, "time", right)
    assert windows.acquire_entry("key", 1, 60)
    assert not windows.acquire_entry("key", 1, 60)
