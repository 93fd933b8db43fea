"""One run: from the place that earlier runs have reached to the end of the plan."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import pyarrow as pa

from skinapi.batch.judging.judge import STOPPING
from skinapi.batch.judging.workers import Workers, judge_in_order
from skinapi.batch.output.folder import OutputFolder
from skinapi.batch.output.parts import finished_parts, write_part
from skinapi.batch.output.table import Row
from skinapi.batch.pictures.plan import read_plan
from skinapi.batch.progress import Progress

# What a kill costs at most: these rows are judged again.
PART_ROWS = 2_000
PART_SECONDS = 60.0


@dataclass(slots=True)
class PartWriter:
    """Collects rows, and writes a part when there are enough or the last one is a minute old."""

    output: OutputFolder
    columns: pa.Schema
    first: int
    rows: list[Row]
    begun: float

    def add(self, rows: list[Row]) -> None:
        self.rows += rows
        old = time.monotonic() - self.begun >= PART_SECONDS
        if len(self.rows) >= PART_ROWS or (old and self.rows):
            self.flush()

    def flush(self) -> None:
        if self.rows:
            write_part(self.output.path, self.rows, first=self.first, columns=self.columns)
        self.first += len(self.rows)
        self.rows = []
        self.begun = time.monotonic()


def judge_rest(
    output: OutputFolder,
    workers: Workers,
    *,
    columns: pa.Schema,
    total: int,
    say: Callable[[str], None],
    stop: threading.Event,
) -> Progress:
    """Judge what no finished part holds, and write it in parts, until the end or `stop`. Where it
    ends by an error, the rows until there are written too. Raises PicturesGone, OSError.
    """
    done = sum(part.rows for part in finished_parts(output.path))
    progress = Progress(total=total, done=done, say=say)
    writer = PartWriter(output, columns, done, [], time.monotonic())
    try:
        for rows in judge_in_order(workers, read_plan(output.plan, start=done), stop=stop):
            writer.add(rows)
            progress.count(rows)
    finally:
        writer.flush()
    return progress


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
