import json
import math
import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from skinapi.platform.jobs.handlers import EVENTS_FD, FOLDER, JobRequest
from skinapi.platform.jobs.job import Job
from skinapi.platform.jobs.job_logs import UNPRINTABLE
from skinapi.platform.jobs.process import job_environment, signal_group
from skinapi.platform.storage.documents import INTEGERS
from skinapi.platform.storage.ids import now

# Events that a job's process sends to its worker: lines of JSON, cleaned and bounded before they
# are stored. The process runs foreign code, so nothing of it is trusted.


LONGEST_LINE = 256 * 1024
LONGEST_RESULT = 64 * 1024
LONGEST_TEXT, LONGEST_MESSAGE = 2_000, 300
LONGEST_CELL = 100  # of metrics: a document of the store has at most 16 MB
MOST_ROWS, MOST_COLUMNS = 1_000, 24
DEEPEST = 8
MOST_ITEMS = 1_000
COLUMN = re.compile(r"[a-z][a-z0-9_]{0,39}")
CODE = re.compile(r"[a-z][a-z_]{0,59}")
Row = dict[str, Any]


class EventReader:
    def __init__(self) -> None:
        self._rest = b""
        self._skips = False  # inside a line that is too long

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            skipped, self._skips = self._skips, False
            if not skipped and (event := _parsed(line)) is not None:
                yield event
        if len(self._rest) > LONGEST_LINE:
            self._rest, self._skips = b"", True


def _parsed(line: bytes) -> dict[str, Any] | None:
    if len(line) > LONGEST_LINE:
        return None
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def clean_text(value: object, longest: int = LONGEST_TEXT) -> str:
    return UNPRINTABLE.sub(" ", str(value))[:longest].strip()


def clean_code(value: object) -> str | None:
    return value if isinstance(value, str) and CODE.fullmatch(value) else None


def clean_progress(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return float(min(100, max(0, value)))  # bounded first: an int of 400 digits is no float


def with_row(rows: tuple[Row, ...], values: object) -> list[Row]:
    if not isinstance(values, Mapping):
        return list(rows)
    row = {
        name: _scalar(value, LONGEST_CELL)
        for name, value in list(values.items())[:MOST_COLUMNS]
        if COLUMN.fullmatch(str(name)) and not str(name).endswith(("_at", "timestamp"))
    }
    row["timestamp"] = now().isoformat(timespec="milliseconds")
    epoch = _epoch_of(row)
    kept = [old for old in rows if epoch == -math.inf or _epoch_of(old) < epoch]
    return [*kept, row][:MOST_ROWS]


def _epoch_of(row: Row) -> float:
    epoch = row.get("epoch")
    return epoch if isinstance(epoch, int | float) else -math.inf


def clean_result(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("the result is no dict")
    result: dict[str, Any] = _storable(value, 0)
    if len(json.dumps(result)) > LONGEST_RESULT:
        raise ValueError(f"the result has more than {LONGEST_RESULT} bytes")
    return result


def _storable(value: object, depth: int) -> Any:
    if isinstance(value, Mapping | list) and (depth > DEEPEST or len(value) > MOST_ITEMS):
        raise ValueError("the result has too many values or levels")
    if isinstance(value, Mapping):
        # The store reads a field `…_at` as a time, and `$` as the beginning of an operator.
        return {
            clean_text(name): _storable(item, depth + 1)
            for name, item in value.items()
            if not clean_text(name).endswith("_at") and not clean_text(name).startswith("$")
        }
    if isinstance(value, list):
        return [_storable(item, depth + 1) for item in value]
    return _scalar(value)


def _scalar(value: object, longest: int = LONGEST_TEXT) -> Any:
    """The store takes no infinite number and no integer beyond 64 bits."""
    if isinstance(value, bool | None):
        return value
    if isinstance(value, int):
        return value if value in INTEGERS else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return clean_text(value, longest)


CHUNK = 64 * 1024
# A process that prints without end must not keep the worker from its lease.
MOST_CHUNKS_AT_ONCE = 64
DRAIN_S = 2.0


class JobProcess:
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
                env={
                    **job_environment(job.kind),
                    EVENTS_FD: str(theirs),
                    FOLDER: str(folder),
                },
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
        self._order(str(lease_s).encode())

    def stop(self, grace_s: float) -> None:
        if self._kill_at is None:
            signal_group(self.pid, signal.SIGTERM)
            self._kill_at = time.monotonic() + grace_s

    def kill(self) -> None:
        self._kill_at = time.monotonic()
        signal_group(self.pid, signal.SIGKILL)

    def read(self, timeout: float, *, also: int) -> Iterator[dict[str, Any]]:
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
        """Return whether the guard has ended. It is not reaped, so its pid still identifies its
        group.
        """
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.pid, options) is not None

    def close(self) -> tuple[int, list[dict[str, Any]]]:
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
