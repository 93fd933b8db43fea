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
from limits import parse

from skinapi.platform.web.rate_limits import SqliteWindows
from tests.support.size import size

ONE, FEW, MANY = parse("1/minute"), parse("2/minute"), parse("1000000000/second")


def count_until_killed(path: Path) -> int:
    """The process that does."""
    child = os.fork()
    if child:
        return child
    windows = SqliteWindows(path)
    for number in count():
        windows.hit(MANY, f"key-{number % 97}")
    return 0


def test_a_killed_writer_leaves_the_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "limits.db"
    for _ in range(size(4, 100)):
        children = [count_until_killed(path) for _ in range(2)]
        time.sleep(random.uniform(0.05, 0.2))
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        with closing(apsw.Connection(str(path))) as connection:
            assert connection.pragma("integrity_check") == "ok"
    assert SqliteWindows(path).hit(ONE, "key").allowed


def spoil(path: Path) -> None:
    path.write_bytes(os.urandom(path.stat().st_size))


def truncate(path: Path) -> None:
    os.truncate(path, 0)


def replace(path: Path) -> None:
    other = path.with_name("other.db")
    SqliteWindows(other).hit(FEW, "key")
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
        assert windows.hit(FEW, "key").allowed
    lose(path)
    taken = 0
    for windows in (first, second, first, second):
        taken += windows.hit(FEW, "key").allowed
        windows.ping()
    assert taken == (1 if lose is replace else 2)


def test_a_file_of_an_earlier_version_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "limits.db"
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("CREATE TABLE hits (key TEXT, at REAL, expires REAL)")
        connection.execute("INSERT INTO hits VALUES ('key', ?, ?)", (time.time(), time.time() + 60))
    windows = SqliteWindows(path)
    assert [windows.hit(FEW, "key").allowed for _ in range(3)] == [True, True, False]
