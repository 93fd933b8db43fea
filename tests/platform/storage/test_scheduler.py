import threading
from collections import Counter
from functools import partial

import pytest

from skinapi.base.errors import StoreUnavailable
from skinapi.base.logs import configure_logs
from skinapi.platform.storage.background import Scheduler, Stopping, Task
from tests.support.waiting import await_


def test_a_task_that_takes_long_holds_up_no_other_and_runs_once_at_a_time() -> None:
    runs, released = Counter[str](), threading.Event()

    def hang(name: str) -> None:
        runs[name] += 1
        released.wait(60)

    def count() -> None:
        runs["short"] += 1

    names = [f"long {number}" for number in range(9)]
    tasks = [Task(name, 0.01, partial(hang, name), "x") for name in names]
    scheduler = Scheduler([*tasks, Task("short", 0.01, count, "x")], Stopping())
    scheduler.start()
    await_(lambda: runs["short"] >= 5)
    assert runs == {**dict.fromkeys(names, 1), "short": runs["short"]}
    released.set()
    await_(lambda: all(runs[name] > 1 for name in names))
    scheduler.stop()


def test_one_that_fails_is_logged_and_runs_again_beside_the_others(
    capfd: pytest.CaptureFixture[str],
) -> None:
    configure_logs()
    runs = Counter[str]()

    def fail(name: str, error: Exception) -> None:
        runs[name] += 1
        raise error

    tasks = [
        Task("broken", 0.01, partial(fail, "broken", LookupError()), "not done"),
        Task("away", 0.01, partial(fail, "away", StoreUnavailable()), "store is away"),
    ]
    scheduler = Scheduler(tasks, Stopping())
    scheduler.start()
    await_(lambda: min(runs["broken"], runs["away"]) >= 2)
    scheduler.stop()
    logged = capfd.readouterr().err
    assert "not done" in logged
    assert "LookupError" in logged
    assert "store is away" not in logged


def test_a_stop_waits_for_what_runs_then_does_what_is_left() -> None:
    done, stopping, begun = list[str](), Stopping(), threading.Event()

    def work() -> None:
        begun.set()
        stopping.wait(60)
        done.append("run")

    first = Task("first", 3600, work, "x", 0, lambda: done.append("first"))
    later = Task(
        "later", 3600, lambda: done.append("never"), "x", None, lambda: done.append("last")
    )
    scheduler = Scheduler([first, later], stopping)
    scheduler.start()
    assert begun.wait(60)
    scheduler.stop()
    assert done == ["run", "first", "last"]
    scheduler.run("later")
    assert done[-1] == "never"
