"""Whether the model in service meets other photos, or judges them otherwise, than when it began.

Four measures are tested for each version: how often reviewers disagree, photos are refused, and
findings are in doubt, and the mix of the most probable conditions. The first events of the version
are the reference. An alert says only that something has changed.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pydantic import Field

from skinapi.base.errors import SkinAPIError
from skinapi.base.logs import log
from skinapi.base.values import GaugeReading, Value
from skinapi.model.conditions import conditions_table
from skinapi.model.registry.drift_counts import (
    ALPHA,
    Counts,
    Evidence,
    WeekCounts,
    WeeklyCounts,
    evidence_of_change,
    first_alarm,
    last_weeks,
    mean_evidence,
)
from skinapi.model.registry.version_service import ModelsService
from skinapi.platform.storage.ports import Document

REFERENCE_FINDINGS = 500
REFERENCE_REVIEWS = 200
CLASSES = "classes"


class AlertView(Value):
    measure: str = Field(description="disagreement, refused, doubt or classes")
    model_version: str
    since: str = Field(description="the week with which the change most likely began")
    raised: str = Field(description="the week in which the evidence was enough")
    value: float = Field(description="the share since then")
    reference: float = Field(description="the share before")
    condition: str | None = Field(
        description="of classes: the condition whose share has changed most clearly"
    )
    sentence: str


class MeasureTestView(Value):
    measure: str
    reference_size: int = Field(description="events that the reference needs")
    reference_events: int = Field(description="events that it has")
    tested_events: int = Field(description="events after the reference")
    tested_since: str | None = Field(description="the first week after the reference with any")
    evidence: float = Field(
        description=f"an alarm is raised where it reaches {1 / ALPHA:.0f} at any time"
    )


MeasureTest = tuple[MeasureTestView, AlertView | None]


@dataclass(frozen=True, slots=True)
class Share:
    """A measure that is a share: so many hits of so many events."""

    name: str
    reference_size: int
    count: Callable[[WeekCounts], Counts]
    sentence: str


SHARES = (
    Share(
        "disagreement",
        REFERENCE_REVIEWS,
        lambda week: (week.disagreements, week.reviews - week.disagreements),
        "Reviewers disagree with {value} of the findings they review since {since}; "
        "before it was {reference}.",
    ),
    Share(
        "refused",
        REFERENCE_FINDINGS,
        lambda week: (week.refused, week.findings),
        "{value} of the photos are refused since {since}; before it was {reference}.",
    ),
    Share(
        "doubt",
        REFERENCE_FINDINGS,
        lambda week: (week.uncertain, week.findings - week.uncertain),
        "{value} of the findings are in doubt since {since}; before it was {reference}.",
    ),
)
CLASS_SENTENCE = (
    "{name} is the most probable condition in {value} of the findings since {since}; "
    "before it was {reference}."
)


@dataclass(frozen=True, slots=True)
class _Weeks:
    """The counts of one measure: those of the reference, and those after it, by week."""

    reference: Counts
    names: tuple[str, ...]
    counts: tuple[Counts, ...]

    @classmethod
    def split(cls, weeks: Sequence[tuple[str, Counts]], *, outcomes: int, size: int) -> "_Weeks":
        """End the reference with the week that reaches its size. Empty weeks are left out."""
        weeks = [(name, counts) for name, counts in weeks if sum(counts)]
        end, events = 0, 0
        while end < len(weeks) and events < size:
            events += sum(weeks[end][1])
            end += 1
        reference = [(0,) * outcomes, *(counts for _, counts in weeks[:end])]
        return cls(
            reference=tuple(map(sum, zip(*reference, strict=True))),
            names=tuple(name for name, _ in weeks[end:]),
            counts=tuple(counts for _, counts in weeks[end:]),
        )

    def of(self, place: int) -> "_Weeks":
        """The share of one outcome."""
        return _Weeks(
            _one_of(self.reference, place),
            self.names,
            tuple(_one_of(counts, place) for counts in self.counts),
        )

    def evidence(self) -> list[Evidence]:
        """What was known at the end of each week; of the last one, now."""
        ends = range(1, len(self.counts) + 1)
        return [evidence_of_change(self.reference, self.counts[:end]) for end in ends]

    def shares(self, since: int) -> tuple[float, float]:
        """The share of hits from this week on, and before it."""
        before = (self.reference, *self.counts[:since])
        return _share(self.counts[since:]), _share(before)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftService:
    counts: WeeklyCounts
    models: ModelsService

    def read_weeks(self, *, weeks: int) -> list[tuple[str, list[Document]]]:
        """The stored counts of the last weeks, oldest first, one document for each version."""
        wanted = last_weeks(weeks)
        rows = self.counts.list_weeks(wanted[0], wanted[-1])
        return [(week, [row for row in rows if row["week"] == week]) for week in wanted]

    def run_tests(self) -> list[MeasureTest]:
        """All measures of the version in service; none without a model."""
        version = self.models.serving_version()
        if version is None:
            return []
        rows = self.counts.list_of_version(version)
        weeks = [(str(row["week"]), WeekCounts.of([row])) for row in rows]
        return [
            *(_test_share(measure, version, weeks) for measure in SHARES),
            _test_classes(version, weeks),
        ]

    def gauges(self) -> list[GaugeReading]:
        """Give Prometheus this week's figures and alerts; nothing while the store is away."""
        try:
            [(_, rows)] = self.read_weeks(weeks=1)
            return [*_gauges_of(WeekCounts.of(rows)), *_gauges_of_tests(self.run_tests())]
        except SkinAPIError as error:
            log.error("drift_unknown", code=error.code)
            return []


def _test_share(
    measure: Share, version: str, weeks: Sequence[tuple[str, WeekCounts]]
) -> MeasureTest:
    counted = [(name, measure.count(week)) for name, week in weeks]
    split = _Weeks.split(counted, outcomes=2, size=measure.reference_size)
    evidence = split.evidence()
    log_e = [week.log_e for week in evidence]
    raised = first_alarm(log_e, ALPHA)
    alert = None
    if raised is not None:
        alert = _alert(measure.name, version, split, evidence, raised, measure.sentence)
    return _result(measure.name, measure.reference_size, split, log_e, alert)


def _test_classes(version: str, weeks: Sequence[tuple[str, WeekCounts]]) -> MeasureTest:
    """Test the mix as a whole and the share of each condition, all together by their mean. The
    first finds changes of many conditions, the others those of one.
    """
    keys = conditions_table().keys
    counted = [(name, tuple(week.classes.get(key, 0) for key in keys)) for name, week in weeks]
    split = _Weeks.split(counted, outcomes=len(keys), size=REFERENCE_FINDINGS)
    parts = map(split.of, range(len(keys)))
    by_key = [(key, part, part.evidence()) for key, part in zip(keys, parts, strict=True)]
    series = [evidence for _, _, evidence in by_key]
    together = [mean_evidence(each) for each in zip(split.evidence(), *series, strict=True)]
    raised = first_alarm(together, ALPHA)
    alert = None
    if raised is not None:
        key, part, evidence = max(by_key, key=lambda one: one[2][raised].log_e)
        name = conditions_table().by_key(key).names.en
        sentence = CLASS_SENTENCE.replace("{name}", name)
        alert = _alert(CLASSES, version, part, evidence, raised, sentence, key)
    return _result(CLASSES, REFERENCE_FINDINGS, split, together, alert)


def _alert(
    measure: str,
    version: str,
    weeks: _Weeks,
    evidence: Sequence[Evidence],
    raised: int,
    sentence: str,
    condition: str | None = None,
) -> AlertView:
    since = evidence[raised].since
    since = raised if since is None else since
    value, reference = weeks.shares(since)
    said = sentence.format(
        value=f"{value:.1%}", reference=f"{reference:.1%}", since=weeks.names[since]
    )
    return AlertView(
        measure=measure,
        model_version=version,
        since=weeks.names[since],
        raised=weeks.names[raised],
        value=round(value, 4),
        reference=round(reference, 4),
        sentence=said,
        condition=condition,
    )


def _result(
    measure: str, size: int, weeks: _Weeks, log_e: Sequence[float], alert: AlertView | None
) -> MeasureTest:
    test = MeasureTestView(
        measure=measure,
        reference_size=size,
        reference_events=sum(weeks.reference),
        tested_events=sum(map(sum, weeks.counts)),
        tested_since=weeks.names[0] if weeks.names else None,
        evidence=float(f"{math.exp(min(log_e[-1], 300.0)):.4g}") if log_e else 1.0,
    )
    return test, alert


def _gauges_of(week: WeekCounts) -> Iterator[GaugeReading]:
    plain = {
        "findings": week.findings,
        "refused": week.refused,
        "uncertain": week.uncertain,
        "reviews": week.reviews,
        "disagreements": week.disagreements,
        "mean_confidence": week.mean_confidence,
    }
    for name, value in plain.items():
        if value is not None:
            yield GaugeReading(f"skinapi_week_{name}", f"This ISO week: {name}", value)
    kinds = (
        ("classes", "condition", week.classes),
        ("bands", "band", week.bands),
        ("doubts", "reason", week.doubts),
    )
    for name, label, counts in kinds:
        says = f"This ISO week: findings by {label}"
        for key, count in counts.items():
            yield GaugeReading(f"skinapi_week_{name}", says, count, ((label, key),))


def _gauges_of_tests(tests: Sequence[MeasureTest]) -> Iterator[GaugeReading]:
    for test, alert in tests:
        labels = (("measure", test.measure),)
        says = "1 where the measure has changed for the model in service"
        yield GaugeReading("skinapi_drift_alert", says, float(alert is not None), labels)
    for test, _ in tests:
        labels = (("measure", test.measure),)
        says = f"E-process of the measure; an alarm at {1 / ALPHA:.0f}"
        yield GaugeReading("skinapi_drift_evidence", says, test.evidence, labels)


def _one_of(counts: Counts, place: int) -> Counts:
    return counts[place], sum(counts) - counts[place]


def _share(counts: Sequence[Counts]) -> float:
    total = sum(map(sum, counts))
    return sum(one[0] for one in counts) / total if total else 0.0
