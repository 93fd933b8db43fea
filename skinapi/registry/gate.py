"""The bounded gate in front of the engine: whoever finds the queue full is told so at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from skinapi.errors import Unavailable

QUEUE = 16
RETRY_AFTER_S = 2


class Gate:
    """As many at a time as the engine has streams, and a queue behind them. Decoding has turns of
    its own: a large picture is many times its file, and more at once would only cost memory.
    """

    def __init__(self, *, streams: int, queue: int = QUEUE) -> None:
        self._places = threading.Semaphore(streams + queue)
        self.decoding = threading.Semaphore(streams)
        self.engine = threading.Semaphore(streams)

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Raises Unavailable when every place is taken."""
        if not self._places.acquire(blocking=False):
            raise Unavailable(retry_after=RETRY_AFTER_S)
        try:
            yield
        finally:
            self._places.release()
