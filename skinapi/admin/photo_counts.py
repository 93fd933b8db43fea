"""Counts each photo that was judged or refused: by day for the usage, by week for drift.

What serves calls it, for every photo; admins read what it counted (usage.py).
"""

from skinapi.admin.usage import DailyCounts
from skinapi.registry.drift.weekly_counts import WeeklyCounts
from skinapi.vision.finding.finding import Finding


class PhotoCounts:
    def __init__(self, *, daily: DailyCounts, weekly: WeeklyCounts) -> None:
        self._daily = daily
        self._weekly = weekly

    def add_finding(self, finding: Finding) -> None:
        self._daily.add_finding(finding.band)
        self._weekly.add_finding(finding)

    def add_refused(self, model_version: str) -> None:
        """A photo that nobody could judge, while this version was in service."""
        self._daily.add_refused()
        self._weekly.add_refused(model_version)
