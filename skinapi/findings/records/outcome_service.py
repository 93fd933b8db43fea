"""The use cases of outcomes: doctors read their own and the model's, admins any doctor's."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby, product
from typing import TypeVar

from pydantic import Field

from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import NotFound
from skinapi.base.intervals import wilson_interval
from skinapi.base.values import Value
from skinapi.findings.records.outcome_counts import (
    PICTURES,
    CountAtPoint,
    CountedOutcome,
    OutcomeCounts,
    Pictures,
)
from skinapi.model.bands import OperatingPoint
from skinapi.platform.storage.ids import now

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
    """With Wilson's interval."""
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
        """Return no results where nobody is named. Raises NotFound."""
        if email is None:
            return _course([])
        account = self.accounts.find_by_email(email)
        if account is None or account.role != "doctor":
            raise NotFound(NO_DOCTOR)
        return self.of_doctor(account.id, months=months)


def _first_month(months: int) -> str:
    """The first of so many months, of which this one is the last."""
    day = now().date()
    for _ in range(months - 1):
        day = day.replace(day=1) - timedelta(days=1)
    return f"{day:%Y-%m}"


def _course(outcomes: list[CountedOutcome]) -> OutcomeCourse:
    by_month = groupby(outcomes, key=lambda one: one.month)  # the store lists them so
    months = [MonthOfOutcomes(month=month, **dict(figures_of([*one]))) for month, one in by_month]
    return OutcomeCourse(**dict(figures_of(outcomes)), months=months)
