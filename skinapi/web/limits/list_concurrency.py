"""Limits how many lists are built at the same time: one per process, and a few waiting per caller.

To build a list of 1,000 items keeps Python's interpreter (GIL) busy for tens of milliseconds, in
which no other request of the process goes on. In many threads at the same time, lists would leave
no time for anything else.
"""

import threading
from collections import Counter

from flask import g

from skinapi.errors import TooManyRequests

MOST_OF_ONE_CALLER = 4
RETRY_AFTER_S = 1

one_at_a_time = threading.Lock()


class ConcurrentLists:
    """Counts the lists that each caller waits for, so that no caller takes all threads."""

    def __init__(self) -> None:
        self._of_caller: Counter[str] = Counter()
        self._lock = threading.Lock()

    def enter(self, caller: str) -> None:
        """Count a list of this caller. Raises TooManyRequests where it waits for too many."""
        with self._lock:
            if self._of_caller[caller] >= MOST_OF_ONE_CALLER:
                raise TooManyRequests(retry_after=RETRY_AFTER_S)
            self._of_caller[caller] += 1
        g.lists_for = caller

    def leave(self) -> None:
        """Count the list of the current request, if it has one, as done; also after an error."""
        caller = g.pop("lists_for", None)
        if caller is None:
            return
        with self._lock:
            self._of_caller[caller] -= 1
            if not self._of_caller[caller]:
                del self._of_caller[caller]
