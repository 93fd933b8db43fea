"""The prediction pool: a bounded queue and a few threads in which photos are classified.

When the queue is full, one photo of the caller who has most of them is answered with 503, so that
nobody can keep the others out. Somebody may have many addresses, but not many approved accounts: so
a photo without an account gives way to one with an account.
"""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from skinapi.errors import Unavailable

MOST_WAITING = 16
RETRY_AFTER_S = 2
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PoolCaller:
    """Who sends a photo: `key` is an account's id or, without an account, an address's site."""

    key: str
    signed_in: bool


# Gives way to everybody.
BACKGROUND = PoolCaller("background", signed_in=False)


@dataclass(frozen=True, slots=True)
class _Place:
    """`held` has the work as long as no thread has taken it. The executor keeps a cancelled task in
    its queue, and with it would keep the picture.
    """

    caller: PoolCaller
    held: list[Callable[[], Any]]

    def work(self) -> Any:
        return self.held.pop()()


class PredictionPool:
    """Classifies photos in as many threads as the engine has streams; further photos are queued.

    The 32 threads that serve requests do not classify: each thread that does keeps an inference
    request and the memory of its largest picture, and with pictures of twelve megapixels 32 of them
    took 200 MB more (measured).
    """

    def __init__(self, *, streams: int, queue: int = MOST_WAITING) -> None:
        self._places = streams + queue
        self._threads = ThreadPoolExecutor(streams, thread_name_prefix="predict")
        self._lock = threading.Lock()
        # In the order of their arrival, with the caller of each.
        self._under_way: dict[Future[Any], _Place] = {}

    def __len__(self) -> int:
        """How many photos are in it, queued or in a thread."""
        return len(self._under_way)

    def run(self, work: Callable[[], T], *, caller: PoolCaller) -> T:
        """What `work` returns, once a thread is free. Raises Unavailable when the queue is full, at
        once or, for the caller who has most photos in it, while this one is queued.
        """
        with self._lock:
            if len(self._under_way) >= self._places:
                self._make_room(caller)
            place = _Place(caller, [work])
            future: Future[T] = self._threads.submit(place.work)
            self._under_way[future] = place
        try:
            return future.result()
        except CancelledError as error:
            raise Unavailable(retry_after=RETRY_AFTER_S) from error
        finally:
            with self._lock:
                self._under_way.pop(future, None)
            # An error that the future holds refers to this frame: a circle of references would keep
            # a refused picture in memory until the next collection of garbage.
            del future

    def run_idle(self, work: Callable[[], object]) -> bool:
        """Run `work` in the background if no photo is queued or in a thread. False: it is not run.

        While it is queued, any photo may take its place.
        """

        def job() -> None:
            try:
                work()
            finally:
                with self._lock:
                    self._under_way.pop(future, None)

        with self._lock:
            if self._under_way:
                return False
            place = _Place(BACKGROUND, [job])
            future = self._threads.submit(place.work)
            self._under_way[future] = place
        return True

    def _make_room(self, caller: PoolCaller) -> None:
        """Drop the newest queued photo of whoever must give way to `caller`. Raises Unavailable
        where none can be dropped.
        """
        has = Counter(place.caller for place in self._under_way.values())
        yielding = [owner for owner in has if _gives_way(owner, caller, has)]
        # Those without an account first, then whoever has most photos.
        yielding.sort(key=lambda owner: (owner.signed_in, -has[owner]))
        if not any(self._drop_newest(owner) for owner in yielding):
            raise Unavailable(retry_after=RETRY_AFTER_S)

    def _drop_newest(self, owner: PoolCaller) -> bool:
        """False where all photos of this caller are in threads already: those go on."""
        for future, place in reversed(self._under_way.items()):
            if place.caller == owner and future.cancel():
                place.held.clear()
                del self._under_way[future]
                return True
        return False


def _gives_way(owner: PoolCaller, newcomer: PoolCaller, has: Counter[PoolCaller]) -> bool:
    if owner.signed_in == newcomer.signed_in:
        return has[owner] > has[newcomer] + 1
    return newcomer.signed_in
