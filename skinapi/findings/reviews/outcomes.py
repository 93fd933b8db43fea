"""Model answers against laboratory results by month. A count identifies no person, so it survives
deletions.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import product
from typing import Any, Literal, NamedTuple, TypeVar

from pydantic import Field, model_validator

from skinapi.base.stored_record import StoredRecord
from skinapi.base.values import Value, wilson_interval
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.status.reviews import Review
from skinapi.findings.status.spot import names_cancer
from skinapi.model.bands import OperatingPoint, is_sent
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.context import Modality
from skinapi.model.finding import Finding
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Filter
from skinapi.platform.storage.records import Repository

# `both`: the kind was in doubt or both kinds were sent, and the more serious answer was given.
Pictures = Literal["dermoscopic", "clinical", "both"]
PICTURES: tuple[Pictures, ...] = ("dermoscopic", "clinical", "both")


class _AtPoint(NamedTuple):
    operating_point: OperatingPoint
    pictures: Pictures
    urgent: bool

    @property
    def field(self) -> str:
        return f"at_{self.operating_point}_{self.pictures}_{'urgent' if self.urgent else 'later'}"


_AT_POINTS = {
    item.field: item
    for item in (_AtPoint(*each) for each in product(OperatingPoint, PICTURES, (True, False)))
}


class CountAtPoint(NamedTuple):
    operating_point: OperatingPoint
    pictures: Pictures
    malignant: bool
    sent: bool
    urgent: bool
    n: int


class Outcome(StoredRecord):
    """`sent` is true if the answer referred the patient to a doctor."""

    subject: str
    month: str
    truth: str
    said: str
    sent: bool

    @property
    def id(self) -> str:
        return f"{self.month}/{self.subject}/{self.truth}/{self.said}/{int(self.sent)}"

    @property
    def malignant(self) -> bool:
        return names_cancer(self.truth)

    @property
    def named_malignant(self) -> bool:
        return names_cancer(self.said)


class CountedOutcome(Outcome):
    n: int
    at_points: Mapping[str, int] = {}

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        return {**given, "at_points": {name: given[name] for name in _AT_POINTS if name in given}}

    def by_point(self) -> Iterator[CountAtPoint]:
        for field, n in self.at_points.items():
            point, pictures, urgent = _AT_POINTS[field]
            yield CountAtPoint(point, pictures, self.malignant, self.sent, urgent, n)


class FigureView(Value):
    """A share with its 95 % interval (Wilson's); null where there is no result."""

    value: float | None
    low: float | None
    high: float | None
    n: int = Field(description="how many results it is of")


class FiguresAtPoint(Value):
    """What an operating point did with the lesions that have the laboratory's result.

    `sent`: a doctor was advised, `urgent`: within a week, `spared`: no doctor was advised.
    """

    operating_point: OperatingPoint
    pictures: Pictures = Field(description="both: the kind was in doubt, or pictures of both")
    results: int = Field(description="findings with the laboratory's result")
    malignant: int = Field(description="of these, a cancer or what may become one")
    malignant_sent: FigureView
    benign_spared: FigureView
    benign_urgent: FigureView
    urgent_malignant: FigureView = Field(description="of those told urgent, the malignant ones")


class ModelOutcomes(Value):
    """`named_…`: a cancer, or what may become one, was named. `sent_…`: a doctor was advised."""

    results: int = Field(description="findings with the laboratory's result")
    malignant: int = Field(description="of these, a cancer or what may become one")
    named_sensitivity: FigureView
    named_specificity: FigureView
    sent_sensitivity: FigureView
    sent_specificity: FigureView
    points: list[FiguresAtPoint] = Field(
        description="by the operating point at which a finding was made, and the kind of pictures"
    )


class OutcomeCounts(Repository[CountedOutcome]):
    collection, record = "outcome_counts", CountedOutcome
    indexes = (("month", "id"),)

    def recount(
        self, finding: StoredFinding, before: Sequence[Review], after: Sequence[Review]
    ) -> None:
        """Count the newest result instead of the former, for the version that the doctor saw."""
        counted, counts = _find_result(finding, before), _find_result(finding, after)
        if counted != counts:
            self._take_back(finding, counted)
            self._add(finding, counts)

    def _add(self, finding: StoredFinding, result: Review | None) -> None:
        if result:
            judged = _find_judged(finding, result)
            outcome = _outcome(judged, result)
            facts: Filter = {"id": outcome.id, "schema": 1, **outcome.stored()}
            steps = dict.fromkeys(_counters(judged), 1)
            self._documents.update(facts, {"$inc": steps}, upsert=True)

    def _take_back(self, finding: StoredFinding, result: Review | None) -> None:
        if result:
            judged = _find_judged(finding, result)
            counters = _counters(judged)
            counted: Filter = {field: {"$gt": 0} for field in counters}
            counted["id"] = _outcome(judged, result).id
            self._documents.update(counted, {"$inc": dict.fromkeys(counters, -1)})

    def of_models(self, *, months: int) -> dict[str, ModelOutcomes]:
        counted = self._list({"month": {"$gte": _first_month(months)}}, sort="month")
        by_version = dict[str, list[CountedOutcome]]()
        for item in sorted(counted, key=lambda each: each.subject):
            if item.n:
                by_version.setdefault(item.subject, []).append(item)
        return {version: figures_of(each) for version, each in by_version.items()}


def _find_result(finding: StoredFinding, reviews: Sequence[Review]) -> Review | None:
    signed = (item for item in reversed(reviews) if item.submission == finding.id)
    return next((item for item in signed if item.opinion.proven and not item.voided), None)


def _find_judged(finding: StoredFinding, result: Review) -> Finding:
    return finding.found_in(finding.as_told_at(result.created_at).version)


def _outcome(finding: Finding, result: Review) -> Outcome:
    truth = result.opinion.label or ""
    outputs = [item.key for item in finding.ranked]
    return Outcome(
        subject=finding.model_version,
        month=f"{result.created_at:%Y-%m}",
        # A model without this condition counts it within another one.
        truth=conditions_table().counted_as(truth, outputs) or truth,
        said=finding.stated,
        sent=is_sent(finding.band),
    )


def _counters(finding: Finding) -> tuple[str, ...]:
    if finding.operating_point is None:
        return ("n",)
    urgent = finding.band is Band.URGENT_REFERRAL
    return "n", _AtPoint(finding.operating_point, _pictures_of(finding), urgent).field


def _pictures_of(finding: Finding) -> Pictures:
    used = {
        kind
        for item in (finding, *finding.pictures)
        if item.modality
        for kind in item.modality.used
    }
    if used == {Modality.DERMOSCOPIC}:
        return "dermoscopic"
    return "clinical" if used == {Modality.CLINICAL} else "both"


def _first_month(months: int) -> str:
    day = now().date()
    for _ in range(months - 1):
        day = day.replace(day=1) - timedelta(days=1)
    return f"{day:%Y-%m}"


T = TypeVar("T", CountedOutcome, CountAtPoint)


def figures_of(outcomes: Sequence[CountedOutcome]) -> ModelOutcomes:
    malignant = [outcome for outcome in outcomes if outcome.malignant]
    benign = [outcome for outcome in outcomes if not outcome.malignant]
    at_points = [count for outcome in outcomes for count in outcome.by_point() if count.n]
    by_kind = {
        kind: [point for point in at_points if point[:2] == kind]
        for kind in product(OperatingPoint, PICTURES)
    }
    return ModelOutcomes(
        results=_sum(outcomes),
        malignant=_sum(malignant),
        named_sensitivity=_share(malignant, lambda item: item.named_malignant),
        named_specificity=_share(benign, lambda item: not item.named_malignant),
        sent_sensitivity=_share(malignant, lambda item: item.sent),
        sent_specificity=_share(benign, lambda item: not item.sent),
        points=[_figures_at(*kind, counts) for kind, counts in by_kind.items() if counts],
    )


def _figures_at(
    point: OperatingPoint, pictures: Pictures, counts: Sequence[CountAtPoint]
) -> FiguresAtPoint:
    malignant = [count for count in counts if count.malignant]
    benign = [count for count in counts if not count.malignant]
    urgent = [count for count in counts if count.urgent]
    return FiguresAtPoint(
        operating_point=point,
        pictures=pictures,
        results=_sum(counts),
        malignant=_sum(malignant),
        malignant_sent=_share(malignant, lambda item: item.sent),
        benign_spared=_share(benign, lambda item: not item.sent),
        benign_urgent=_share(benign, lambda item: item.urgent),
        urgent_malignant=_share(urgent, lambda item: item.malignant),
    )


def _sum(counted: Iterable[CountedOutcome | CountAtPoint]) -> int:
    return sum(item.n for item in counted)


def _share(outcomes: Sequence[T], holds: Callable[[T], bool]) -> FigureView:
    n, hits = _sum(outcomes), _sum(outcome for outcome in outcomes if holds(outcome))
    if n == 0:
        return FigureView(value=None, low=None, high=None, n=0)
    low, high = wilson_interval(hits / n, n)
    return FigureView(value=hits / n, low=low, high=high, n=n)
