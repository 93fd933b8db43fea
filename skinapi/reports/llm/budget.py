"""How much the LLM may be asked: not while it keeps failing, and so many times a day."""

import threading
import time
from contextlib import suppress

from skinapi.errors import Duplicate
from skinapi.reports.errors import NarrativeUnavailable
from skinapi.reports.narrative import Reason
from skinapi.storage.ids import now
from skinapi.storage.ports import Store

COUNTER = "llm_calls"
MOST_FAILURES = 3
REST_S = 60.0


class CircuitBreaker:
    """After three failures in a row nobody asks for a minute; then one tries for all."""

    def __init__(self, rest_s: float = REST_S) -> None:
        self._rest_s = rest_s
        self._turn = threading.Lock()
        self._failures = 0
        self._rests_until = 0.0

    def admit(self) -> None:
        """Raises NarrativeUnavailable while it rests."""
        with self._turn:
            if self._failures < MOST_FAILURES:
                return
            if time.monotonic() < self._rests_until:
                raise NarrativeUnavailable(Reason.RESTING)
            self._rests_until = time.monotonic() + self._rest_s

    def tell(self, *, well: bool) -> None:
        with self._turn:
            self._failures = 0 if well else self._failures + 1
            if self._failures == MOST_FAILURES:
                self._rests_until = time.monotonic() + self._rest_s


class DailyBudget:
    """Requests a day, by UTC, counted in the store: for all workers, and across restarts."""

    def __init__(self, store: Store, *, most: int) -> None:
        self._counters = store.collection("counters")
        self._most = most

    def spend(self) -> None:
        """Raises NarrativeUnavailable when the day's are spent."""
        today = now().date().isoformat()
        if not self._most or not (self._count(today) or self._open(today) or self._count(today)):
            raise NarrativeUnavailable(Reason.BUDGET)

    def _count(self, today: str) -> bool:
        left = {"id": COUNTER, "day": today, "value": {"$lt": self._most}}
        return self._counters.update(left, {"$inc": {"value": 1}}) is not None

    def _open(self, today: str) -> bool:
        """Whether this is the day's first request, counted with that."""
        yesterday = {"id": COUNTER, "day": {"$lt": today}}
        if self._counters.update(yesterday, {"$set": {"day": today, "value": 1}}):
            return True
        with suppress(Duplicate):
            first = {"id": COUNTER, "schema": 1, "created_at": now(), "day": today, "value": 1}
            self._counters.insert(first)
            return True
        return False
