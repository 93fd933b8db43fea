"""Announcements of jobs through a message broker, so that workers on many machines learn of a new
job at once and need not ask the store all the time.

The record of a job stays the truth. An announcement only says that there may be work: a worker that
gets one takes the job whose turn it is, as it would without. So it may be lost, doubled or late,
and a broker that is away delays jobs and refuses none.
"""

from contextlib import suppress
from queue import Full, Queue
from threading import Lock, Thread
from typing import Protocol

from skinapi.base.logs import log

MOST_WAITING = 1000  # announcements in memory, while the broker does not answer


class BrokerUnavailableError(Exception):
    """The broker cannot be reached, or answers with an error."""


class Broker(Protocol):
    """A queue of announcements that several servers and workers share. For one thread."""

    def announce(self, job: str) -> None: ...

    def receive(self) -> bool:
        """Wait for half a second; whether an announcement came. Nobody else gets it unless this
        process ends before `acknowledge`.
        """

    def acknowledge(self) -> None: ...

    def disconnect(self) -> None:
        """Close the connections of this thread; the next call opens them again."""


class Announcer:
    """Announces jobs in a thread of its own, so that no request waits for the broker."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._waiting: Queue[str] = Queue(MOST_WAITING)
        self._lock = Lock()
        self._thread: Thread | None = None

    def announce(self, job: str) -> None:
        """Returns at once. The announcement is lost if the broker cannot be reached."""
        with suppress(Full):
            self._waiting.put_nowait(job)
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="announcer", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        away = False
        while True:
            job = self._waiting.get()
            try:
                self._broker.announce(job)
            except BrokerUnavailableError as error:
                if not away:
                    log.warning("job_not_announced", job=job, why=str(error))
                away = True
            else:
                away = False
            if self._waiting.empty():
                self._broker.disconnect()
