"""What the model and each doctor had said before the laboratory's result: counts by month, and the
figures made of them.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby, product
from typing import Any, Literal, NamedTuple, TypeVar

from pydantic import Field, model_validator

from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import NotFound
from skinapi.base.intervals import wilson_interval
from skinapi.base.stored_record import StoredRecord
from skinapi.base.values import Value
from skinapi.findings.records.reviews import Review
from skinapi.findings.records.submission import Submission
from skinapi.model.bands import OperatingPoint, is_sent
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.context import Modality
from skinapi.model.finding.finding import Finding
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Filter, Store

Kind = Literal["model", "doctor"]
# `both`: the kind was in doubt, or there were pictures of both; the graver answer was given.
Pictures = Literal["dermoscopic", "clinical", "both"]
PICTURES: tuple[Pictures, ...] = ("dermoscopic", "clinical", "both")


class _AtPoint(NamedTuple):
    operating_point: OperatingPoint
    pictures: Pictures
    urgent: bool

    @property
    def field(self) -> str:
        """Where a document counts the findings that were made so."""
        return f"at_{self.operating_point}_{self.pictures}_{'urgent' if self.urgent else 'later'}"


_AT_POINTS = {
    one.field: one
    for one in (_AtPoint(*each) for each in product(OperatingPoint, PICTURES, (True, False)))
}


class CountAtPoint(NamedTuple):
    """So many findings that were made at this operating point, of this kind of pictures."""

    operating_point: OperatingPoint
    pictures: Pictures
    malignant: bool
    sent: bool
    urgent: bool
    n: int


class Outcome(StoredRecord):
    """What somebody had `said`, and whether that `sent` the patient to a doctor, where the result
    was `truth`. `subject` is the version of a model or the account of a doctor; `month` that of the
    result.
    """

    kind: Kind
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
        return conditions_table().label(self.truth).malignant

    @property
    def named_malignant(self) -> bool:
        return conditions_table().label(self.said).malignant

    @property
    def agrees(self) -> bool:
        return self.said == self.truth


class CountedOutcome(Outcome):
    """`n` findings. `at_points` counts those of them that were made at an operating point; findings
    of before there were any, and what doctors said, are in `n` alone.

    These counts are further fields of the same document, because servers of version 7 of the store
    know `n` alone: beside them `n` stays right, whoever counts a result or takes it back. What they
    do so is missing at the operating points.
    """

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
            at = _AT_POINTS[field]
            yield CountAtPoint(
                at.operating_point, at.pictures, self.malignant, self.sent, at.urgent, n
            )


class OutcomeCounts:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("outcome_counts")
        self._documents.ensure_index("kind", "month", "id")
        self._documents.ensure_index("subject", "month", "id")

    def add(
        self, submission: Submission, reviews: Sequence[Review], *, doctors: Collection[str]
    ) -> None:
        """Count the newest review, which brings a result, and take back what an earlier one
        counted.
        """
        self.take_back(submission, reviews[:-1], doctors=doctors)
        for outcome in _outcomes(submission, reviews, doctors):
            facts: Filter = {"id": outcome.id, "schema": 1, **outcome.stored()}
            steps = dict.fromkeys(_counters(outcome, submission.finding), 1)
            self._documents.update(facts, {"$inc": steps}, upsert=True)

    def take_back(
        self, submission: Submission, reviews: Sequence[Review], *, doctors: Collection[str]
    ) -> None:
        results = [place for place, one in enumerate(reviews) if one.opinion.histology_result]
        if results:
            for outcome in _outcomes(submission, reviews[: results[-1] + 1], doctors):
                self._take_back(outcome, submission.finding)

    def _take_back(self, outcome: Outcome, finding: Finding) -> None:
        """Only `n`, where a server of version 7 has counted it: that knows no operating point."""
        counters = _counters(outcome, finding)
        for taken in (counters, counters[:1]):
            counted: Filter = {"id": outcome.id, **{field: {"$gt": 0} for field in taken}}
            if self._documents.update(counted, {"$inc": dict.fromkeys(taken, -1)}):
                return

    def of_models(self, *, since: str) -> list[CountedOutcome]:
        return self._read({"kind": "model"}, since)

    def of_doctor(self, account: str, *, since: str) -> list[CountedOutcome]:
        return self._read({"subject": account}, since)

    def forget(self, account: str) -> None:
        """Delete what a doctor had said. Idempotent."""
        self._documents.delete({"subject": account})

    def _read(self, wanted: Filter, since: str) -> list[CountedOutcome]:
        found = self._documents.find({**wanted, "month": {"$gte": since}}, sort="month")
        return [CountedOutcome.model_validate(one) for one in found if one["n"]]


def _outcomes(
    submission: Submission, reviews: Sequence[Review], doctors: Collection[str]
) -> Iterator[Outcome]:
    result = reviews[-1]
    truth = result.opinion.histology_result or ""
    month = f"{result.created_at:%Y-%m}"
    finding = submission.finding
    outputs = [one.key for one in finding.ranked]
    yield Outcome(
        kind="model",
        subject=finding.model_version,
        month=month,
        # A model without an output for it counts it within another condition.
        truth=conditions_table().counted_as(truth, outputs) or truth,
        said=finding.stated,
        sent=is_sent(finding.band),
    )
    for doctor, review in _opinions(reviews).items():
        if doctor not in doctors:
            continue
        said = review.opinion.label or ""
        band = review.opinion.urgency or conditions_table().label(said).urgency
        yield Outcome(
            kind="doctor", subject=doctor, month=month, truth=truth, said=said, sent=is_sent(band)
        )


def _counters(outcome: Outcome, finding: Finding) -> tuple[str, ...]:
    if outcome.kind == "doctor" or finding.operating_point is None:
        return ("n",)
    urgent = finding.band is Band.URGENT_REFERRAL
    return "n", _AtPoint(finding.operating_point, _pictures_of(finding), urgent).field


def _pictures_of(finding: Finding) -> Pictures:
    used = {
        kind for one in (finding, *finding.pictures) if one.modality for kind in one.modality.used
    }
    if used == {Modality.DERMOSCOPIC}:
        return "dermoscopic"
    return "clinical" if used == {Modality.CLINICAL} else "both"


def _opinions(reviews: Sequence[Review]) -> dict[str, Review]:
    first = next(place for place, one in enumerate(reviews) if one.opinion.histology_result)
    return {one.doctor: one for one in reviews[:first] if one.opinion.label}


T = TypeVar("T", CountedOutcome, CountAtPoint)


class FigureView(Value):
    """A share, or kappa, with its 95 % interval; null where there are too few results."""

    value: float | None
    low: float | None
    high: float | None
    n: int = Field(description="how many results it is of")


class OutcomeFigures(Value):
    """`named_…`: a cancer, or what may become one, was named. `sent_…`: a doctor was advised."""

    results: int = Field(description="findings with the laboratory's result")
    malignant: int = Field(description="of these, a cancer or what may become one")
    named_sensitivity: FigureView
    named_specificity: FigureView
    sent_sensitivity: FigureView
    sent_specificity: FigureView
    kappa: FigureView = Field(description="Cohen's, of the conditions")


class MonthOfOutcomes(OutcomeFigures):
    month: str = Field(description="of the result, as 2026-11")


class OutcomeCourse(OutcomeFigures):
    months: list[MonthOfOutcomes] = Field(description="those with results, oldest first")


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


class ModelOutcomes(OutcomeCourse):
    points: list[FiguresAtPoint] = Field(
        description="by the operating point at which a finding was made, and the kind of pictures"
    )


def figures_of(outcomes: Sequence[CountedOutcome]) -> OutcomeFigures:
    malignant = [one for one in outcomes if one.malignant]
    benign = [one for one in outcomes if not one.malignant]
    return OutcomeFigures(
        results=_sum(outcomes),
        malignant=_sum(malignant),
        named_sensitivity=_share(malignant, lambda one: one.named_malignant),
        named_specificity=_share(benign, lambda one: not one.named_malignant),
        sent_sensitivity=_share(malignant, lambda one: one.sent),
        sent_specificity=_share(benign, lambda one: not one.sent),
        kappa=_kappa(outcomes),
    )


def figures_by_point(outcomes: Iterable[CountedOutcome]) -> list[FiguresAtPoint]:
    """Those with results, by operating point, then by kind of pictures."""
    counts = [count for one in outcomes for count in one.by_point() if count.n]
    kinds = product(OperatingPoint, PICTURES)
    found = {kind: [one for one in counts if one[:2] == kind] for kind in kinds}
    return [_figures_at(*kind, counted) for kind, counted in found.items() if counted]


def _figures_at(
    point: OperatingPoint, pictures: Pictures, counts: Sequence[CountAtPoint]
) -> FiguresAtPoint:
    malignant = [one for one in counts if one.malignant]
    benign = [one for one in counts if not one.malignant]
    urgent = [one for one in counts if one.urgent]
    return FiguresAtPoint(
        operating_point=point,
        pictures=pictures,
        results=_sum(counts),
        malignant=_sum(malignant),
        malignant_sent=_share(malignant, lambda one: one.sent),
        benign_spared=_share(benign, lambda one: not one.sent),
        benign_urgent=_share(benign, lambda one: one.urgent),
        urgent_malignant=_share(urgent, lambda one: one.malignant),
    )


def _sum(counted: Iterable[CountedOutcome | CountAtPoint]) -> int:
    return sum(one.n for one in counted)


def _share(outcomes: Sequence[T], holds: Callable[[T], bool]) -> FigureView:
    n, hits = _sum(outcomes), _sum(one for one in outcomes if holds(one))
    if n == 0:
        return _without_value(0)
    low, high = wilson_interval(hits / n, n)
    return FigureView(value=hits / n, low=low, high=high, n=n)


def _kappa(outcomes: Sequence[CountedOutcome]) -> FigureView:
    """Its interval is Wilson's of the observed agreement, as if that by chance were known: the
    usual standard error is zero where all agree, or none.
    """
    n = _sum(outcomes)
    truths, said = Counter[str](), Counter[str]()
    for one in outcomes:
        truths[one.truth] += one.n
        said[one.said] += one.n
    by_chance = sum(truths[key] * said[key] for key in truths) / (n * n) if n else 1.0
    if by_chance == 1:  # both name one condition alone: there is nothing to agree about
        return _without_value(n)
    observed = _sum(one for one in outcomes if one.agrees) / n

    def beyond_chance(agreement: float) -> float:
        return (agreement - by_chance) / (1 - by_chance)

    value, low, high = map(beyond_chance, (observed, *wilson_interval(observed, n)))
    return FigureView(value=value, low=low, high=high, n=n)


def _without_value(n: int) -> FigureView:
    return FigureView(value=None, low=None, high=None, n=n)


NO_DOCTOR = "There is no such doctor"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomesService:
    counts: OutcomeCounts
    accounts: Accounts

    def of_models(self, *, months: int) -> dict[str, ModelOutcomes]:
        """By version."""
        found = self.counts.of_models(since=_first_month(months))
        by_version = {
            version: [one for one in found if one.subject == version]
            for version in sorted({one.subject for one in found})
        }
        return {
            version: ModelOutcomes(**dict(_course(each)), points=figures_by_point(each))
            for version, each in by_version.items()
        }

    def of_doctor(self, account: str, *, months: int) -> OutcomeCourse:
        return _course(self.counts.of_doctor(account, since=_first_month(months)))

    def of_doctor_named(self, email: str | None, *, months: int) -> OutcomeCourse:
        """Return no results where nobody is named."""
        if email is None:
            return _course([])
        account = self.accounts.find_by_email(email)
        if account is None or account.role != "doctor":
            raise NotFound(NO_DOCTOR)
        return self.of_doctor(account.id, months=months)


def _first_month(months: int) -> str:
    day = now().date()
    for _ in range(months - 1):
        day = day.replace(day=1) - timedelta(days=1)
    return f"{day:%Y-%m}"


def _course(outcomes: list[CountedOutcome]) -> OutcomeCourse:
    by_month = groupby(outcomes, key=lambda one: one.month)  # the store lists them so
    months = [MonthOfOutcomes(month=month, **dict(figures_of([*one]))) for month, one in by_month]
    return OutcomeCourse(**dict(figures_of(outcomes)), months=months)
