"""The prediction pool: a bounded queue and a few threads in which photos are classified.

When the queue is full, a request gets 503 at once.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from skinapi.errors import Unavailable

MOST_WAITING = 16
RETRY_AFTER_S = 2
T = TypeVar("T")


class PredictionPool:
    """Classifies photos in as many threads as the engine has streams; further photos are queued.

    The 32 threads that serve requests do not classify: each thread that does keeps an inference
    request and the memory of its largest picture, and with pictures of twelve megapixels 32 of them
    took 200 MB more (measured).
    """

    def __init__(self, *, streams: int, queue: int = MOST_WAITING) -> None:
        self._places = threading.Semaphore(streams + queue)
        self._threads = ThreadPoolExecutor(streams, thread_name_prefix="predict")

    def run(self, work: Callable[[], T]) -> T:
        """What `work` returns, once a thread is free. Raises Unavailable when the queue is full."""
        if not self._places.acquire(blocking=False):
            raise Unavailable(retry_after=RETRY_AFTER_S)
        try:
            return self._threads.submit(work).result()
        finally:
            self._places.release()
