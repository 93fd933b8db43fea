"""Whether a job gets the processors that it asks for, by what the kernel counts of its threads."""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SECOND_NS = 10**9
LOOK_EVERY_S = 10.0
# A job is said to wait where it ran for less than this share of one processor's time, and was ready
# to run for longer than that. What reads a disk, or sleeps, is not ready.
LITTLE = 0.25


@dataclass(frozen=True, slots=True)
class ThreadTimes:
    """How long a thread has run, and was ready to run while others had the processors."""

    ran_ns: int
    ready_ns: int


Threads = Mapping[str, ThreadTimes]


def read_threads(group: int) -> Threads:
    """The threads of all processes of the group; none where the system does not count this.

    https://docs.kernel.org/scheduler/sched-stats.html
    """
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.getpgid(int(process.name)) != group:
                continue
            for thread in (process / "task").iterdir():
                with suppress(OSError, ValueError):  # one may end while it is read
                    ran, ready, _ = (thread / "schedstat").read_text().split()
                    found[thread.name] = ThreadTimes(int(ran), int(ready))
    return found


class ProcessorWatch:
    """Looks at a group of processes every LOOK_EVERY_S, whenever it is asked."""

    def __init__(
        self,
        group: int,
        *,
        read: Callable[[int], Threads] = read_threads,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._group, self._read, self._clock = group, read, clock
        self._looked_at, self._threads = clock(), read(group)
        self._waits = False

    def waits(self) -> bool:
        """Whether the group had hardly a processor between the last two looks."""
        moment = self._clock()
        passed = moment - self._looked_at
        if passed >= LOOK_EVERY_S:
            before, self._threads, self._looked_at = self._threads, self._read(self._group), moment
            ran, ready = _passed(before, self._threads)
            self._waits = ran < LITTLE * passed < ready
        return self._waits


def _passed(before: Threads, now: Threads) -> tuple[float, float]:
    """Add up the seconds of all threads; one that has ended meanwhile is not counted."""
    zero = ThreadTimes(0, 0)
    ran = sum(item.ran_ns - before.get(name, zero).ran_ns for name, item in now.items())
    ready = sum(item.ready_ns - before.get(name, zero).ready_ns for name, item in now.items())
    return ran / SECOND_NS, ready / SECOND_NS
