"""A thread that works beside the requests of a process."""

import threading
from abc import ABC, abstractmethod

from skinapi.errors import StoreUnavailable
from skinapi.logs import log

STOP_S = 5.0


class BackgroundThread(ABC):
    """`run` works until `stopping` is set."""

    def __init__(self, name: str) -> None:
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self.run, name=name, daemon=True)

    @abstractmethod
    def run(self) -> None: ...

    def start(self) -> None:
        """Call it in the process that serves: a thread does not survive a fork."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after what it is doing, before the store is closed."""
        self.stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)


class PeriodicThread(BackgroundThread):
    """Makes a pass every so many seconds. One that fails is logged as `failure`, and the next one
    may succeed; while the store is away, nothing is logged.
    """

    def __init__(self, name: str, *, every_s: float, failure: str) -> None:
        super().__init__(name)
        self.every_s = every_s
        self._failure = failure

    @abstractmethod
    def make_pass(self) -> None: ...

    def run(self) -> None:
        while not self.stopping.wait(self.every_s):
            try:
                self.make_pass()
            except StoreUnavailable:
                continue
            except Exception as error:  # noqa: BLE001 (one bad record must not end the passes)
                log.error(self._failure, reason=type(error).__name__)
