"""Whether a job hardly gets a processor, by the times of its threads."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from skinapi.platform.jobs import attempt
from skinapi.platform.jobs.processor_watch import (
    LOOK_EVERY_S,
    SECOND_NS,
    ProcessorWatch,
    Threads,
    ThreadTimes,
    read_threads,
)
from skinapi.platform.storage.ports import Store
from tests.platform.jobs.test_outage import LONG, Away, attempt_at


class Threaded:
    """A group of processes whose threads and clock a test sets."""

    def __init__(self) -> None:
        self.now, self.threads = 0.0, dict[str, ThreadTimes]()

    def read(self, _: int) -> Threads:
        return dict(self.threads)

    def watch(self) -> ProcessorWatch:
        return ProcessorWatch(1, read=self.read, clock=lambda: self.now)

    def go_on(self, name: str, *, ran: float, ready: float) -> None:
        before = self.threads.get(name, ThreadTimes(0, 0))
        self.threads[name] = ThreadTimes(
            before.ran_ns + int(ran * SECOND_NS), before.ready_ns + int(ready * SECOND_NS)
        )


@pytest.mark.parametrize(
    ("ran", "ready", "waits"),
    [
        (0.3, 9.5, True),
        (9.5, 0.3, False),
        (5.0, 5.0, False),
        (0.1, 0.0, False),  # it sleeps, or reads a disk
        (0.1, 1.0, False),  # it is seldom ready
    ],
)
def test_what_is_ready_and_hardly_runs_waits_for_a_processor(
    ran: float, ready: float, waits: bool
) -> None:
    group = Threaded()
    watch = group.watch()
    group.go_on("1", ran=ran, ready=ready)
    group.now += LOOK_EVERY_S
    assert watch.waits() == waits


def test_the_last_ten_seconds_count_and_the_times_of_all_threads() -> None:
    group = Threaded()
    group.go_on("1", ran=100, ready=0)  # before the first look
    watch = group.watch()
    group.go_on("1", ran=0.1, ready=9)
    group.go_on("2", ran=0.1, ready=9)  # one that began meanwhile
    group.now += LOOK_EVERY_S - 1
    assert not watch.waits()
    group.now += 1
    assert watch.waits()
    del group.threads["2"]
    group.go_on("1", ran=9, ready=0.2)
    group.now += LOOK_EVERY_S / 2
    assert watch.waits()
    group.now += LOOK_EVERY_S / 2
    assert not watch.waits()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_system_counts_how_long_the_threads_of_this_group_ran() -> None:
    own = str(os.getpid())
    before = read_threads(os.getpgid(0))
    if own not in before:
        pytest.skip("this system does not count it")
    while read_threads(os.getpgid(0))[own].ran_ns == before[own].ran_ns:
        sum(range(10_000))
    assert read_threads(2**22 + 1) == {}


class Waiting(ProcessorWatch):
    def waits(self) -> bool:
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_each_beat_of_a_job_tells_whether_it_waits(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "ProcessorWatch", Waiting)
    jobs, told = Away(store), list[bool]()

    def beat(*args: Any, **named: Any) -> Any:
        beaten = Away.beat(jobs, *args, **named)
        told.append(bool(beaten and beaten.waits_for_processor))
        return beaten

    monkeypatch.setattr(jobs, "beat", beat)
    job, running = attempt_at(jobs, tmp_path, pause=0.01, timing=LONG)
    running.run()
    assert told
    assert all(told)
    ended = jobs.get(job.id)
    assert (ended.status, ended.waits_for_processor) == ("completed", False)
