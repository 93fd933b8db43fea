"""Runs checks of data sets one after the other, beside the requests.

Until there is a job for it: `submit` takes what a job's handler would do.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from skinapi.errors import Unavailable
from skinapi.web.error_responses import log_fault

# One check decodes thousands of pictures; a second would only slow down the first.
MOST_WAITING = 8
# Who waits in a request, with a thread of the server.
MOST_WAITING_REQUESTS = 2
LONGEST_WAIT_S = 600.0
RETRY_AFTER_S = 60

Check = Callable[[], object]


class Checks:
    """One check at a time in this process, in a thread of its own or in the caller's."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[tuple[str, Check]] = queue.Queue(MOST_WAITING)
        self._running = threading.Lock()
        self._places = threading.BoundedSemaphore(1 + MOST_WAITING_REQUESTS)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def submit(self, dataset: str, check: Check) -> None:
        """Run the check of this data set as soon as those before it have ended.
        Raises Unavailable where too many wait.
        """
        try:
            self._waiting.put_nowait((dataset, check))
        except queue.Full as error:
            raise Unavailable(retry_after=RETRY_AFTER_S) from error
        with self._starting:
            if self._thread is None:
                # A daemon, so that a server that is asked to stop does not wait for it: what is
                # interrupted is found by its silence (datasets.py).
                self._thread = threading.Thread(target=self._run, name="checks", daemon=True)
                self._thread.start()

    def waiting(self) -> list[str]:
        """The data sets whose checks have not begun."""
        return [dataset for dataset, _ in list(self._waiting.queue)]

    @contextmanager
    def now(self) -> Iterator[None]:
        """Run a check in this thread, after the one that runs. Raises Unavailable."""
        if not self._places.acquire(blocking=False):
            raise Unavailable(retry_after=RETRY_AFTER_S)
        try:
            if not self._running.acquire(timeout=LONGEST_WAIT_S):
                raise Unavailable(retry_after=RETRY_AFTER_S)
            try:
                yield
            finally:
                self._running.release()
        finally:
            self._places.release()

    def _run(self) -> None:
        while True:
            _, check = self._waiting.get()
            with self._running:
                try:
                    check()
                except Exception as error:  # noqa: BLE001 (the next check must run all the same)
                    log_fault(error)
