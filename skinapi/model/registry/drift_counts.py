"""What the model did in each ISO week (UTC), by model version, counted as it happens.

Several servers add to one small document (platform/storage/background.py), no list of findings is
read for it, and nothing is counted down.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from operator import add, sub

from pydantic import BaseModel, ConfigDict

from skinapi.model.finding import Finding
from skinapi.platform.storage.background import Totals
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Store

WEEKS = "weekly_counts"
CLASS, BAND, DOUBT = "class_", "band_", "doubt_"
# The port increments by whole numbers only.
CONFIDENCE_PARTS = 1_000_000


class WeekCounts(BaseModel):
    """The numbers of one week, of one model version or of several together.

    - `classes`: findings by the most probable condition; `confidence_sum`: millionths
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


# A test for a change of a share or of a mix that may be looked at after every event, for years.
#
# The test is an e-process: a number that begins at 1 and that, as long as nothing has changed, ever
# reaches 1 / alpha with a probability of at most alpha, whenever and however often it is looked at
# (Ville's inequality). So an alarm at 1 / alpha has that false-alarm rate over the whole life of a
# model, and not for each look.
#
# It is universal inference (Wasserman, Ramdas, Balakrishnan, https://arxiv.org/abs/1912.11436) with
# the estimator of Krichevsky and Trofimov: the probability of what was counted under a mixture of
# "the mix changed at the beginning of week j", over the largest that any constant mix gives to it.
# Both depend only on sums of counts, so weekly counts are enough.
#
# The guarantee is for events that are independent of each other. Many photos of one patient in a
# row are not, and can raise a false alarm.


# The probability of any false alarm of a test in the whole life of a model version, at most. The
# test is careful: simulated, it is well below (docs/training.md).
ALPHA = 0.05
# How often each outcome was counted. Of a share: hits, and the others.
Counts = tuple[int, ...]
# The mixture has an alternative for each of so many weeks. A change after them is found later, by
# what it does to the alternatives there are.
MOST_WEEKS = 156
LOG_WEEKS = math.log(MOST_WEEKS)
JEFFREYS = 0.5
# Twelve tests of three years.
KEPT_RESULTS = 2000


@dataclass(frozen=True, slots=True)
class Evidence:
    """Holds the logarithm of the e-process, and the place of the week with which the change most
    likely began; None where "no change" is likeliest.
    """

    log_e: float = 0.0
    since: int | None = None


@lru_cache(KEPT_RESULTS)
def evidence_of_change(reference: Counts, weeks: tuple[Counts, ...]) -> Evidence:
    """Say how strongly these weeks say that the mix changed at the beginning of one of them.
    `reference` is before them. Who looks for the first alarm asks for each week again: results are
    kept.
    """
    before, after = reference, tuple(map(sum, zip(reference, *weeks, strict=True)))
    unchanged = _log_largest_likelihood(after)
    alternatives = weeks[:MOST_WEEKS]
    # "No change until now" has the share of the weeks that are still to come.
    still = 1 - len(alternatives) / MOST_WEEKS
    logs = [_log_mixture(after) + math.log(still) if still else -math.inf]
    after = tuple(map(sub, after, reference))
    for week in alternatives:
        logs.append(_log_mixture(before) + _log_mixture(after) - LOG_WEEKS)
        before = tuple(map(add, before, week))
        after = tuple(map(sub, after, week))
    largest = max(range(len(logs)), key=logs.__getitem__)
    return Evidence(_log_sum(logs) - unchanged, largest - 1 if largest else None)


def mean_evidence(parts: Sequence[Evidence]) -> float:
    """The logarithm of the mean of several e-processes over the same events: it is one too."""
    return _log_sum([part.log_e for part in parts]) - math.log(len(parts))


def first_alarm(log_evidence: Sequence[float], alpha: float) -> int | None:
    """The place of the first that reaches 1 / alpha."""
    reached = (place for place, log_e in enumerate(log_evidence) if log_e >= -math.log(alpha))
    return next(reached, None)


def _log_mixture(counts: Counts) -> float:
    """The log probability that the prior gives to one sequence with these counts."""
    log_p, total = _log_prior(len(counts)), JEFFREYS * len(counts)
    for count in counts:
        log_p += math.lgamma(count + JEFFREYS)
        total += count
    return log_p - math.lgamma(total)


@cache
def _log_prior(outcomes: int) -> float:
    return math.lgamma(JEFFREYS * outcomes) - outcomes * math.lgamma(JEFFREYS)


def _log_largest_likelihood(counts: Counts) -> float:
    total = sum(counts)
    return math.fsum(count * math.log(count / total) for count in counts if count)


def _log_sum(logs: Sequence[float]) -> float:
    largest = max(logs)
    return largest + math.log(math.fsum(math.exp(one - largest) for one in logs))
