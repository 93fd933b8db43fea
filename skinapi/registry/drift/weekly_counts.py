"""What the model did in each ISO week (UTC), by model version, counted as it happens.

As with the usage by day (admin/usage.py), several servers add to one small document
(storage/background/totals.py), no list of findings is read for it, and nothing is counted down.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from pydantic import BaseModel, ConfigDict

from skinapi.storage.background.totals import Totals
from skinapi.storage.ids import now
from skinapi.storage.ports import Document, Store
from skinapi.vision.finding.finding import Finding

WEEKS = "weekly_counts"
CLASS, BAND, DOUBT = "class_", "band_", "doubt_"
# The port increments by whole numbers only.
CONFIDENCE_PARTS = 1_000_000


class WeekCounts(BaseModel):
    """The numbers of one week, of one model version or of several together.

    - `classes`: findings by the most probable condition, and `confidence_sum` the sum of its
      probabilities, in millionths
    - `uncertain`: findings with a doubt; `doubts`: by reason, and a finding may have several
    - `reviews`: signed in this week, whenever the finding was made; `disagreements` among them
    """

    model_config = ConfigDict(frozen=True)

    findings: int = 0
    refused: int = 0
    uncertain: int = 0
    confidence_sum: int = 0
    reviews: int = 0
    disagreements: int = 0
    classes: Mapping[str, int] = {}
    bands: Mapping[str, int] = {}
    doubts: Mapping[str, int] = {}

    @property
    def mean_confidence(self) -> float | None:
        if not self.findings:
            return None
        return self.confidence_sum / CONFIDENCE_PARTS / self.findings

    @classmethod
    def of(cls, rows: Sequence[Document]) -> "WeekCounts":
        """The sum of these stored documents."""
        totals: dict[str, int] = {}
        for row in rows:
            for name, value in row.items():
                if isinstance(value, int) and name != "schema":
                    totals[name] = totals.get(name, 0) + value

        def of_kind(prefix: str) -> dict[str, int]:
            kind = {name: n for name, n in totals.items() if name.startswith(prefix)}
            return {name.removeprefix(prefix): n for name, n in sorted(kind.items())}

        plain = {name: n for name, n in totals.items() if name in cls.model_fields}
        return cls(**plain, classes=of_kind(CLASS), bands=of_kind(BAND), doubts=of_kind(DOUBT))


class WeeklyCounts:
    def __init__(self, store: Store, totals: Totals) -> None:
        self._totals = totals
        self._weeks = store.collection(WEEKS)
        self._weeks.ensure_index("version", "id")

    def add_finding(self, finding: Finding) -> None:
        first = finding.ranked[0]
        doubts = {f"{DOUBT}{doubt}": 1 for doubt in finding.reasons}
        self._add(
            finding.model_version,
            {
                "findings": 1,
                "uncertain": int(finding.uncertain),
                "confidence_sum": round(first.probability * CONFIDENCE_PARTS),
                f"{CLASS}{first.key}": 1,
                f"{BAND}{finding.band}": 1,
                **doubts,
            },
        )

    def add_refused(self, version: str) -> None:
        self._add(version, {"refused": 1})

    def add_review(self, version: str, disagrees: bool) -> None:
        """A review of a finding that this version made."""
        self._add(version, {"reviews": 1, "disagreements": int(disagrees)})

    def list_weeks(self, first: str, last: str) -> list[Document]:
        """The documents of these weeks and all between them."""
        # "~" sorts behind all that may follow the week in an id.
        return self._weeks.find({"id": {"$gte": first, "$lte": f"{last}~"}})

    def list_of_version(self, version: str) -> list[Document]:
        """The documents of one version, oldest first."""
        return self._weeks.find({"version": version})

    def _add(self, version: str, numbers: Mapping[str, int]) -> None:
        week = week_of(now().date())
        begins = datetime.combine(first_day(week), time(), UTC)
        facts: Document = {"schema": 1, "created_at": begins, "week": week, "version": version}
        self._totals.add(WEEKS, f"{week} {version}", numbers, facts)


def week_of(day: date) -> str:
    """The ISO week of a day, such as 2026-W46."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def first_day(week: str) -> date:
    """The Monday of an ISO week."""
    year, number = week.split("-W")
    return date.fromisocalendar(int(year), int(number), 1)


def last_weeks(weeks: int) -> list[str]:
    """The last `weeks` weeks, oldest first; the one of today is the last."""
    today = now().date()
    return [week_of(today - timedelta(weeks=back)) for back in reversed(range(weeks))]
