"""Lets a long check say now and then that it goes on."""

import time
from collections.abc import Callable

# Less often than a request asks for it, and much more often than its silence counts as its end.
EVERY_S = 2.0


class Heartbeat:
    """Calls `beat` when it is called itself, but not again within EVERY_S.

    What `beat` raises, because the data set was deleted, ends the check.
    """

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._next_at = 0.0

    def __call__(self) -> None:
        moment = time.monotonic()
        if moment >= self._next_at:
            self._beat()
            self._next_at = time.monotonic() + EVERY_S
