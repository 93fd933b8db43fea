"""A thread that works beside the requests of a process."""

import threading
from abc import ABC, abstractmethod

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
