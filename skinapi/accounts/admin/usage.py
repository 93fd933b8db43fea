"""A day (UTC) is one document that all servers increment. Later deletions decrease nothing."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from prometheus_client import Histogram

from skinapi.model.conditions import Band
from skinapi.model.finding import Finding
from skinapi.platform.storage.background import Totals
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Store

DAYS = "daily_counts"
WRITER = "writer_"
FINDINGS, REFUSED, ACCOUNTS, REPORTS = "findings", "refused", "accounts", "reports"
# With a label, the library opens no file before the first photo. The limits are dense where most
# photos are: of 1,000 dermoscopic pictures from two hospitals, the middle half has scores of 0.01
# to 0.41, sharpness of 3.8 to 6.6 and brightness of 138 to 173.
SCORES = Histogram(
    "skinapi_malignant_score",
    "Malignant score of the findings, by the version that made them",
    ["version"],
    buckets=(0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1),
)
SHARPNESS = Histogram(
    "skinapi_photo_sharpness",
    "Sharpness of the photos of the findings",
    ["version"],
    buckets=(2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 10, 12, 16, 24),
)
BRIGHTNESS = Histogram(
    "skinapi_photo_brightness",
    "Median grey level of the photos of the findings",
    ["version"],
    buckets=range(40, 250, 20),
)


class DailyCounts:
    def __init__(self, store: Store, totals: Totals) -> None:
        self._days = store.collection(DAYS)
        self._totals = totals

    def add_finding(self, finding: Finding) -> None:
        self.add(FINDINGS, field_of(finding.band))
        version = finding.model_version
        SCORES.labels(version).observe(finding.malignant_score)
        for picture in finding.pictures or (finding,):
            SHARPNESS.labels(version).observe(picture.quality.sharpness)
            BRIGHTNESS.labels(version).observe(picture.quality.brightness)

    def add_writing(self, figures: Mapping[str, int]) -> None:
        self._add_all({WRITER + name: count for name, count in figures.items() if count})

    def read(self, *, days: int) -> Sequence[tuple[date, Document]]:
        """A day without counts has an empty document."""
        today = now().date()
        wanted = [today - timedelta(days=back) for back in reversed(range(days))]
        within = {"$gte": wanted[0].isoformat(), "$lte": today.isoformat()}
        found = {row["id"]: row for row in self._days.find({"id": within})}
        return [(day, found.get(day.isoformat(), {})) for day in wanted]

    def add(self, *fields: str) -> None:
        self._add_all(dict.fromkeys(fields, 1))

    def _add_all(self, counts: Mapping[str, int]) -> None:
        today = now().date()
        begins = datetime.combine(today, time(), UTC)
        facts: Document = {"schema": 1, "created_at": begins}
        self._totals.add(DAYS, today.isoformat(), counts, facts)


def writing_of(counted: Document) -> dict[str, int]:
    return {
        name.removeprefix(WRITER): count
        for name, count in counted.items()
        if name.startswith(WRITER)
    }


def field_of(band: Band) -> str:
    return f"band_{band}"
