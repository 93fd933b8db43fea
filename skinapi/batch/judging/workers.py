"""Where pictures are judged: the port, the threads of this process, and the order of the rows."""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Protocol

from skinapi.batch.judging.judge import Judge
from skinapi.batch.output.table import Row

TICK_S = 0.5
# A thread that is slow with its picture lets the others go on for as many pictures each.
PICTURES_AHEAD = 64


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

    @property
    def batch(self) -> int: ...

    @property
    def ahead(self) -> int: ...

    def submit(self, names: Sequence[bytes]) -> Answer: ...

    def close(self) -> None: ...


class LocalWorkers:
    """Threads of this process, as many as the model has streams."""

    batch = 1

    def __init__(self, judge: Judge, *, threads: int) -> None:
        self._judge = judge
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="judge")
        self.ahead = threads * PICTURES_AHEAD

    def submit(self, names: Sequence[bytes]) -> Answer:
        return self._threads.submit(self._judge.judge_all, names)

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)


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
