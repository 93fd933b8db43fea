"""The process of a job, as its worker sees it: start, read, renew its lease, stop."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from skinapi.jobs.job import Job
from skinapi.jobs.process.environment import job_environment
from skinapi.jobs.process.job_guard import EVENTS_FD, FOLDER, JobRequest
from skinapi.jobs.process.process_control import signal_group
from skinapi.jobs.worker.events import EventReader

CHUNK = 64 * 1024
# A process that prints without end must not keep the worker from its lease.
MOST_CHUNKS_AT_ONCE = 64
DRAIN_S = 2.0


class JobProcess:
    """A session of its own: the guard (job_guard.py), the handler, and whatever that starts."""

    def __init__(
        self,
        command: Sequence[str],
        job: Job,
        *,
        folder: Path,
        lease_s: float,
        on_output: Callable[[bytes], None],
    ) -> None:
        self._on_output = on_output
        self._reader = EventReader()
        self._events, theirs = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 (our own program)
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[theirs],
                env=_environment(theirs, folder),
                bufsize=0,
            )
        except OSError:
            os.close(self._events)
            raise
        finally:
            os.close(theirs)
        if self._process.stdin is None or self._process.stdout is None:
            raise ValueError("both are pipes")
        self._orders, self._output = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._selector = selectors.DefaultSelector()
        for pipe in (self._events, self._output):
            os.set_blocking(pipe, False)
            self._selector.register(pipe, selectors.EVENT_READ)
        self._kill_at: float | None = None
        self._order(JobRequest(job=job, lease_s=lease_s).model_dump_json().encode())
        os.set_blocking(self._orders, False)

    @property
    def pid(self) -> int:
        return self._process.pid

    def renew(self, lease_s: float) -> None:
        """Tell the guard how long the lease lasts from now."""
        self._order(str(lease_s).encode())

    def stop(self, grace_s: float) -> None:
        """Ask all of it to end; after the grace, `read` kills it."""
        if self._kill_at is None:
            signal_group(self.pid, signal.SIGTERM)
            self._kill_at = time.monotonic() + grace_s

    def kill(self) -> None:
        self._kill_at = time.monotonic()
        signal_group(self.pid, signal.SIGKILL)

    def read(self, timeout: float, *, also: int) -> Iterator[dict[str, Any]]:
        """The events of at most `timeout` seconds; it returns when the pipe `also` can be read.

        What is printed goes to `on_output`.
        """
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            signal_group(self.pid, signal.SIGKILL)
        self._selector.register(also, selectors.EVENT_READ)
        try:
            ready = [key.fd for key, _ in self._selector.select(timeout)]
        finally:
            self._selector.unregister(also)
        for pipe in ready:
            if pipe != also:
                yield from self._read_pipe(pipe)

    def ended(self) -> bool:
        """Whether its guard has ended. It is not reaped, so its number still names its group."""
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.pid, options) is not None

    def close(self) -> tuple[int, list[dict[str, Any]]]:
        """Kill what is left of the group; its exit status, and the last events."""
        signal_group(self.pid, signal.SIGKILL)
        events: list[dict[str, Any]] = []
        deadline = time.monotonic() + DRAIN_S
        # A process that left the group may hold the pipes open: hence the deadline.
        while self._selector.get_map() and time.monotonic() < deadline:
            for key, _ in self._selector.select(0.1):
                events += self._read_pipe(key.fd)
        self._selector.close()
        os.close(self._events)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with suppress(OSError):
                    pipe.close()
        return self._process.wait(), events

    def _read_pipe(self, pipe: int) -> Iterator[dict[str, Any]]:
        for _ in range(MOST_CHUNKS_AT_ONCE):
            try:
                data = os.read(pipe, CHUNK)
            except BlockingIOError:
                return
            if not data:
                self._selector.unregister(pipe)
                return
            if pipe == self._output:
                self._on_output(data)
            else:
                yield from self._reader.feed(data)

    def _order(self, line: bytes) -> None:
        # The pipe is full if the guard is frozen, and broken if it is dead: both show soon enough.
        with suppress(BlockingIOError, BrokenPipeError):
            os.write(self._orders, line + b"\n")


def _environment(events: int, folder: Path) -> Mapping[str, str]:
    ours = {EVENTS_FD: str(events), FOLDER: str(folder)}
    return {**job_environment(), **ours}
