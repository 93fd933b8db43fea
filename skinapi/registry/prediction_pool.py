"""The bounded gate in front of the engine: whoever finds the queue full is told so at once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from skinapi.errors import Unavailable

QUEUE = 16
RETRY_AFTER_S = 2
T = TypeVar("T")


class PredictionPool:
    """As many threads as the engine has streams do all the judging, with a queue in front.

    A thread that has judged keeps its network's request and the memory of its largest picture.
    Measured on the 32 serving threads instead, with pictures of twelve megapixels: 200 MB more.
    """

    def __init__(self, *, streams: int, queue: int = QUEUE) -> None:
        self._places = threading.Semaphore(streams + queue)
        self._judges = ThreadPoolExecutor(streams, thread_name_prefix="judge")

    def judge(self, work: Callable[[], T]) -> T:
        """In turn. Raises Unavailable when every place is taken."""
        if not self._places.acquire(blocking=False):
            raise Unavailable(retry_after=RETRY_AFTER_S)
        try:
            return self._judges.submit(work).result()
        finally:
            self._places.release()
