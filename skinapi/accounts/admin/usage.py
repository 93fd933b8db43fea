"""How much the server is used: numbers for each day (UTC), counted as things happen, photos also by
week.

A day is one document, to which all servers add: reading a year costs 366 small documents. Nothing
is ever counted down: a finding that was deleted was made on that day all the same.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from skinapi.model.conditions import Band
from skinapi.model.finding import Finding
from skinapi.model.registry.drift_counts import WeeklyCounts
from skinapi.platform.storage.background import Totals
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Store

DAYS = "daily_counts"
WRITER = "writer_"
FINDINGS, REFUSED, ACCOUNTS, REPORTS = "findings", "refused", "accounts", "reports"


class DailyCounts:
    def __init__(self, store: Store, totals: Totals) -> None:
        self._days = store.collection(DAYS)
        self._totals = totals

    def add_finding(self, band: Band) -> None:
        self._add(FINDINGS, field_of(band))

    def add_refused(self) -> None:
        self._add(REFUSED)

    def add_account(self) -> None:
        self._add(ACCOUNTS)

    def add_report(self) -> None:
        self._add(REPORTS)

    def add_writing(self, figures: Mapping[str, int]) -> None:
        """Count what an LLM wrote and what was kept of it."""
        self._add_all({WRITER + name: count for name, count in figures.items() if count})

    def read(self, *, days: int) -> Sequence[tuple[date, Document]]:
        """Oldest first; today is the last one. A day without counts has an empty document."""
        today = now().date()
        wanted = [today - timedelta(days=back) for back in reversed(range(days))]
        within = {"$gte": wanted[0].isoformat(), "$lte": today.isoformat()}
        found = {row["id"]: row for row in self._days.find({"id": within})}
        return [(day, found.get(day.isoformat(), {})) for day in wanted]

    def _add(self, *fields: str) -> None:
        self._add_all(dict.fromkeys(fields, 1))

    def _add_all(self, counts: Mapping[str, int]) -> None:
        today = now().date()
        begins = datetime.combine(today, time(), UTC)
        facts: Document = {"schema": 1, "created_at": begins}
        self._totals.add(DAYS, today.isoformat(), counts, facts)


def writing_of(counted: Document) -> dict[str, int]:
    """What was counted of an LLM's writing."""
    return {
        name.removeprefix(WRITER): count
        for name, count in counted.items()
        if name.startswith(WRITER)
    }


def field_of(band: Band) -> str:
    return f"band_{band}"


# Counts each photo that was judged or refused: by day for the usage, by week for drift.
#
# What serves calls it, for every photo; admins read what it counted (usage.py).


class PhotoCounts:
    def __init__(self, *, daily: DailyCounts, weekly: WeeklyCounts) -> None:
        self._daily = daily
        self._weekly = weekly

    def add_finding(self, finding: Finding) -> None:
        self._daily.add_finding(finding.band)
        self._weekly.add_finding(finding)

    def add_refused(self, model_version: str) -> None:
        self._daily.add_refused()
        self._weekly.add_refused(model_version)
