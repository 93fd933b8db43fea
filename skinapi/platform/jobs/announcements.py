"""Announcements of jobs through a message broker, so that workers on many machines start new jobs
at once without polling the store.

The stored job is authoritative. A worker that gets an announcement takes whichever job is next, so
an announcement may be lost, duplicated or late. A broker that is down delays jobs but refuses none.
"""

from contextlib import suppress
from queue import Full, Queue
from threading import Lock, Thread
from typing import Protocol

from skinapi.base.logs import log

MOST_WAITING = 1000  # announcements in memory, while the broker does not answer


class BrokerUnavailableError(Exception):
    pass


class Broker(Protocol):
    def announce(self, job: str) -> None: ...

    def receive(self) -> bool:
        """Wait up to half a second, and return whether an announcement came. No other process gets
        it unless this one ends before `acknowledge`.
        """

    def acknowledge(self) -> None: ...

    def disconnect(self) -> None: ...


class Announcer:
    """Announces jobs in its own thread, so that no request waits for the broker."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._waiting: Queue[str] = Queue(MOST_WAITING)
        self._lock = Lock()
        self._thread: Thread | None = None

    def announce(self, job: str) -> None:
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
