import threading

import pytest

from skinapi.base.errors import Unavailable
from skinapi.lab.checks.check_queue import MOST_OF_OWNER, MOST_WAITING, CheckQueue


def nothing() -> None: ...


def test_one_account_leaves_places_to_others() -> None:
    checks = CheckQueue()
    with checks.now():
        for number in range(MOST_OF_OWNER):
            checks.submit(f"a{number}", nothing, owner="a")
        with pytest.raises(Unavailable):
            checks.refuse_full("a")
        checks.refuse_full("b")
        for number in range(MOST_WAITING - MOST_OF_OWNER):
            checks.submit(f"b{number}", nothing, owner=f"b{number}")
        with pytest.raises(Unavailable):
            checks.refuse_full("c")
        assert len(checks.waiting()) == MOST_WAITING


def test_a_deleted_data_set_leaves_its_place() -> None:
    checks, ran, ended = CheckQueue(), list[str](), threading.Event()
    with checks.now():
        checks.submit("dropped", lambda: ran.append("dropped"), owner="a")
        checks.submit("kept", lambda: ran.append("kept"), owner="a")
        checks.drop("dropped")
        assert checks.waiting() == ["kept"]
        checks.submit("last", ended.set, owner="a")
    assert ended.wait(timeout=30)
    assert ran == ["kept"]


def test_a_check_that_fails_does_not_end_the_next() -> None:
    checks, ended = CheckQueue(), threading.Event()

    def fail() -> None:
        raise ZeroDivisionError

    checks.submit("fails", fail, owner="a")
    checks.submit("next", ended.set, owner="a")
    assert ended.wait(timeout=30)
