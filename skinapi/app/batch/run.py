"""One run: from the place that earlier runs have reached to the end of the plan."""

import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from types import FrameType
from typing import Protocol

import pyarrow as pa

from skinapi.app.batch.judge import STOPPING, Judge
from skinapi.app.batch.output import Output
from skinapi.app.batch.table import FAILED, JUDGED, REFUSED, UNREADABLE, Row

# What a kill costs at most: these rows are judged again.
PART_ROWS = 2_000
PART_SECONDS = 60.0
TICK_S = 0.5
# A thread that is slow with its picture lets the others go on for as many pictures each.
PICTURES_AHEAD = 64
SECONDS_BETWEEN_LINES = 10.0
# The rate is that of the last minute.
LINES_OF_RATE = 7
Say = Callable[[str], None]


class Answer(Protocol):
    """The rows of some pictures, once they are judged: a part of the standard library's futures."""

    def done(self) -> bool: ...

    def cancel(self) -> bool:
        """Take back what no worker has begun. False: it goes on."""

    def result(self, timeout: float | None = None) -> list[Row]: ...


class Workers(Protocol):
    """Judges pictures somewhere. `batch`: how many are sent at once. `ahead`: how many batches may
    be under way.
    """

    batch: int
    ahead: int

    def submit(self, names: Sequence[bytes]) -> Answer: ...

    def close(self) -> None: ...


class LocalWorkers:
    """Threads of this process, as many as the model has streams."""

    def __init__(self, judge: Judge, *, threads: int) -> None:
        self._judge = judge
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="judge")
        self.batch = 1
        self.ahead = threads * PICTURES_AHEAD

    def submit(self, names: Sequence[bytes]) -> Answer:
        return self._threads.submit(self._judge.judge_all, names)

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)


class Progress:
    """Counts rows, and says every ten seconds how many there are and how long the rest will take.

    `done` pictures were finished by earlier runs.
    """

    def __init__(
        self, *, total: int, done: int, say: Say, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total, self._done, self._begun_at = total, done, done
        self._say, self._clock, self._began = say, clock, clock()
        self._statuses: Counter[str] = Counter()
        self._seen = deque([(self._began, done)], maxlen=LINES_OF_RATE)

    def count(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._done += 1
            self._statuses[row["status"]] += 1
        now = self._clock()
        if now - self._seen[-1][0] >= SECONDS_BETWEEN_LINES:
            self._say(self._line(now))
            self._seen.append((now, self._done))

    def _line(self, now: float) -> str:
        then, done = self._seen[0]
        rate = (self._done - done) / (now - then)
        left = _hours((self._total - self._done) / rate) if rate else "unknown"
        return (
            f"{self._done:,} of {self._total:,} ({self._done / self._total:.1%}), {rate:.1f}/s, "
            f"{left} left; {self._in_words()}"
        )

    @property
    def complete(self) -> bool:
        return self._done == self._total

    def summary(self) -> str:
        """What this run has done."""
        took = _hours(self._clock() - self._began)
        return f"{self._done - self._begun_at:,} pictures in {took}: {self._in_words()}"

    def _in_words(self) -> str:
        failed = [FAILED] if self._statuses[FAILED] else []
        shown = (JUDGED, REFUSED, UNREADABLE, *failed)
        return ", ".join(f"{status} {self._statuses[status]:,}" for status in shown)


def _hours(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def judge_rest(
    output: Output, workers: Workers, *, columns: pa.Schema, say: Say, stop: threading.Event
) -> Progress:
    """Judge what no finished part holds, and write it in parts, until the end or `stop`. Where it
    ends by an error, the rows until there are written too. Raises PicturesGone, OSError.
    """
    first = sum(part.rows for part in output.parts())
    names = output.names()
    progress = Progress(total=len(names), done=first, say=say)
    rows: list[Row] = []
    written_at = time.monotonic()
    try:
        for judged in judge_in_order(workers, (name.as_py() for name in names[first:]), stop=stop):
            rows += judged
            progress.count(judged)
            old = time.monotonic() - written_at >= PART_SECONDS
            if len(rows) >= PART_ROWS or (old and rows):
                output.write_part(rows, first=first, columns=columns)
                first, rows, written_at = first + len(rows), [], time.monotonic()
    finally:
        if rows:
            output.write_part(rows, first=first, columns=columns)
    return progress


def judge_in_order(
    workers: Workers, names: Iterator[bytes], *, stop: threading.Event
) -> Iterator[list[Row]]:
    """The rows of the pictures in the order of their names. An empty list comes twice a second
    while none is ready.

    Once `stop` is set, nothing more is begun, and the rows of all that was begun still come.
    """
    under_way: deque[Answer] = deque()
    while True:
        while not stop.is_set() and len(under_way) < workers.ahead:
            batch = list(islice(names, workers.batch))
            if not batch:
                break
            under_way.append(workers.submit(batch))
        while stop.is_set() and under_way and under_way[-1].cancel():
            under_way.pop()
        if not under_way:
            return
        rows = _wait_for(under_way[0])
        if rows is not None:
            under_way.popleft()
        yield rows or []


def _wait_for(answer: Answer) -> list[Row] | None:
    """The rows, or None if they are not there within a tick."""
    try:
        return answer.result(timeout=TICK_S)
    except TimeoutError:
        # It may have ended meanwhile, and by an error of the same kind.
        return answer.result() if answer.done() else None


@contextmanager
def stopping_by_signal() -> Iterator[threading.Event]:
    """An event that Ctrl-C, SIGTERM or a closed terminal sets. The second Ctrl-C ends the process
    at once.
    """
    stop = threading.Event()

    def ask(number: int, _: FrameType | None) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, ask) for number in STOPPING}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
