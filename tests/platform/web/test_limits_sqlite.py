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


def test_a_server_that_finds_a_spoilt_file_begins_it_anew(tmp_path: Path) -> None:
    path = tmp_path / "limits.db"
    path.write_bytes(b"no database " * 100)
    assert SqliteWindows(path).hit(ONE, "key").allowed


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_counts_in_the_same_file_and_leaves_the_parents_connection_alone(
    tmp_path: Path,
) -> None:
    windows = SqliteWindows(tmp_path / "limits.db")
    assert windows.hit(FEW, "key").allowed
    child = os.fork()
    if child == 0:
        os._exit(0 if windows.hit(FEW, "key").allowed else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not windows.hit(FEW, "key").allowed


def test_a_file_of_an_earlier_version_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "limits.db"
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("CREATE TABLE hits (key TEXT, at REAL, expires REAL)")
        connection.execute("INSERT INTO hits VALUES ('key', ?, ?)", (time.time(), time.time() + 60))
    windows = SqliteWindows(path)
    assert [windows.hit(FEW, "key").allowed for _ in range(3)] == [True, True, False]


def test_a_hit_takes_no_more_steps_where_many_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = count()

    def watch(connection: apsw.Connection) -> None:
        connection.set_progress_handler(lambda: next(steps) < 0, 1)  # once for each step of SQLite

    monkeypatch.setattr(apsw, "connection_hooks", [watch])
    windows = SqliteWindows(tmp_path / "limits.db")
    many = parse("1000000000/hour")  # none expires before the test ends, however slow it is

    def steps_of_a_hit() -> int:
        before = next(steps)
        assert windows.hit(many, "key").allowed
        return next(steps) - before

    for _ in range(10):
        windows.hit(many, "key")
    few = steps_of_a_hit()
    for _ in range(1000):
        windows.hit(many, "key")
    assert 0 < steps_of_a_hit() <= few
