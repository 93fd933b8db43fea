"""How many lists are made at once: of one caller, and in all.

A list of 1,000 items keeps Python's interpreter busy for tens of milliseconds, which every other
request of the process needs as well. In many threads at once they would leave it nothing.
"""

import threading
from collections import Counter

from flask import g

from skinapi.errors import TooManyRequests

MOST_OF_ONE_CALLER = 4
RETRY_AFTER_S = 1

one_at_a_time = threading.Lock()


class ConcurrentLists:
    """Counts the lists that each caller waits for, so that nobody takes every thread with them."""

    def __init__(self) -> None:
        self._of_caller: Counter[str] = Counter()
        self._lock = threading.Lock()

    def enter(self, caller: str) -> None:
        """Raises TooManyRequests where so many of this caller are under way."""
        with self._lock:
            if self._of_caller[caller] >= MOST_OF_ONE_CALLER:
                raise TooManyRequests(retry_after=RETRY_AFTER_S)
            self._of_caller[caller] += 1
        g.lists_for = caller

    def leave(self) -> None:
        """At the end of the request at hand, whatever became of it."""
        caller = g.pop("lists_for", None)
        if caller is None:
            return
        with self._lock:
            self._of_caller[caller] -= 1
            if not self._of_caller[caller]:
                del self._of_caller[caller]
