"""Limits how many requests a day are sent to the LLM."""

from contextlib import suppress
from datetime import date, timedelta

from skinapi.errors import Duplicate
from skinapi.reports.narrative import NarrativeUnavailable, Reason
from skinapi.storage.ids import now
from skinapi.storage.ports import Store

COUNTER = "llm_calls"


class DailyBudget:
    """Counts the requests of a day (UTC) in the store, so for all workers and across restarts."""

    def __init__(self, store: Store, *, most: int) -> None:
        self._counters = store.collection("counters")
        self._most = most

    def spend(self) -> None:
        """Count one request. Raises NarrativeUnavailable if the day's budget is used up."""
        today = now().date()
        # The first count fails on a new day. Another worker may start that day first, so then count
        # again.
        if not self._most or not (
            self._count(today) or self._start_day(today) or self._count(today)
        ):
            raise NarrativeUnavailable(Reason.BUDGET)

    def _count(self, today: date) -> bool:
        left = {"id": COUNTER, "day": today.isoformat(), "value": {"$lt": self._most}}
        return self._counters.update(left, {"$inc": {"value": 1}}) is not None

    def _start_day(self, today: date) -> bool:
        """Start a new day and count its first request. False if another worker has started it.

        A day after tomorrow was counted under a wrong clock. Tomorrow is not taken for one: around
        midnight, workers whose clocks differ would each begin their own day again and again.
        """
        day, tomorrow = today.isoformat(), (today + timedelta(days=1)).isoformat()
        for over in ({"$lt": day}, {"$gt": tomorrow}):
            counted = {"id": COUNTER, "day": over}
            if self._counters.update(counted, {"$set": {"day": day, "value": 1}}):
                return True
        with suppress(Duplicate):
            first = {"id": COUNTER, "schema": 1, "created_at": now(), "day": day, "value": 1}
            self._counters.insert(first)
            return True
        return False
