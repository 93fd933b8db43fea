"""The SQLite file of the rate limits: killed writers, lost and damaged files."""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path

import apsw
import pytest

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


def spoil(path: Path) -> None:
    path.write_bytes(os.urandom(path.stat().st_size))


def truncate(path: Path) -> None:
    os.truncate(path, 0)


def replace(path: Path) -> None:
    other = path.with_name("other.db")
    SqliteWindows(other).acquire_entry("key", 2, 60)
    other.replace(path)


def replace_by_noise(path: Path) -> None:
    other = path.with_name("other.db")
    other.write_bytes(b"no database " * 100)
    other.replace(path)


LOSSES = [Path.unlink, spoil, truncate, replace, replace_by_noise]


@pytest.mark.parametrize("lose", LOSSES)
def test_where_the_file_is_lost_or_spoilt_the_count_goes_on_in_one_that_all_share(
    tmp_path: Path, lose: Callable[[Path], None]
) -> None:
    path = tmp_path / "limits.db"
    first, second = SqliteWindows(path), SqliteWindows(path)
    for windows in (first, second):
        assert windows.acquire_entry("key", 2, 60)
    lose(path)
    taken = 0
    for windows in (first, second, first, second):
        taken += windows.acquire_entry("key", 2, 60)
        assert windows.check()
    assert taken == (1 if lose is replace else 2)


def test_a_server_that_finds_a_spoilt_file_begins_it_anew(tmp_path: Path) -> None:
    path = tmp_path / "limits.db"
    path.write_bytes(b"no database " * 100)
    assert SqliteWindows(path).acquire_entry("key", 1, 60)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_counts_in_the_same_file_and_leaves_the_parents_connection_alone(
    tmp_path: Path,
) -> None:
    windows = SqliteWindows(tmp_path / "limits.db")
    assert windows.acquire_entry("key", 2, 60)
    child = os.fork()
    if child == 0:
        os._exit(0 if windows.acquire_entry("key", 2, 60) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not windows.acquire_entry("key", 2, 60)


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
