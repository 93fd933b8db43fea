"""What Linux offers to keep a process from outliving the one that started it.

On other systems these calls do nothing; there a process ends when its pipe to the other is closed.
"""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG = 1  # https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
NICEST = 19


def die_with(parent: int, number: int) -> bool:
    """Ask for this signal when the parent dies. False if it is dead already.

    The parent may have died before the request; then another process has become the parent, and no
    signal ever comes.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    return os.getppid() == parent


def give_way(niceness: int) -> None:
    """At NICEST, take the processor only when nobody else wants it."""
    with suppress(OSError):
        os.nice(niceness)
    # A session may be a scheduling group of its own; then niceness counts only within the group.
    # https://man7.org/linux/man-pages/man7/sched.7.html
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(niceness))


def boot_time() -> float:
    """Seconds that go on while the machine sleeps, as a lease in the store does."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def kill_orphans(mark: str) -> None:
    """Kill the processes with `mark` (NAME=value) in their environment whose session has lost its
    leader. They are left where the worker and the guard of a job were killed at the same moment.
    """
    marked = {pid: session for pid, session in _sessions() if _has(pid, mark)}
    for pid, session in marked.items():
        if session not in marked:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def _sessions() -> Iterator[tuple[int, int]]:
    """All processes that are alive, with their sessions. None where there is no /proc."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # After the name, which may contain anything: state, parent, group, session.
            # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
            state, _, _, session = (process / "stat").read_text().rpartition(")")[2].split()[:4]
            if state != "Z":
                yield int(process.name), int(session)


def _has(pid: int, mark: str) -> bool:
    with suppress(OSError):  # it has ended, or belongs to somebody else
        return os.fsencode(mark) in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return False


def described(status: int) -> str:
    """How a process ended, in words; `status` as a shell has it (128 + signal), or negative."""
    number = -status if status < 0 else status - 128
    try:
        return f"by {signal.Signals(number).name}"
    except ValueError:
        return f"with status {status}"
