"""The use cases of outcomes: doctors read their own and the model's, admins any doctor's."""

from datetime import timedelta
from itertools import groupby
from typing import NamedTuple

from skinapi.auth.accounts.accounts import Accounts
from skinapi.errors import NotFound
from skinapi.records.outcomes.figures import (
    FiguresAtPoint,
    OutcomeFigures,
    figures_by_point,
    figures_of,
)
from skinapi.records.outcomes.outcome_counts import CountedOutcome, OutcomeCounts
from skinapi.storage.ids import now

NO_DOCTOR = "There is no such doctor"
Months = list[tuple[str, OutcomeFigures]]


class Course(NamedTuple):
    """Over all months, and in each that has results."""

    whole: OutcomeFigures
    months: Months
    points: list[FiguresAtPoint]


class OutcomesService:
    def __init__(self, *, counts: OutcomeCounts, accounts: Accounts) -> None:
        self._counts = counts
        self._accounts = accounts

    def of_models(self, *, months: int) -> dict[str, Course]:
        """By version."""
        found = self._counts.of_models(since=_first_month(months))
        versions = sorted({one.subject for one in found})
        return {name: _course([one for one in found if one.subject == name]) for name in versions}

    def of_doctor(self, account: str, *, months: int) -> Course:
        return _course(self._counts.of_doctor(account, since=_first_month(months)))

    def of_doctor_named(self, email: str | None, *, months: int) -> Course:
        """Of nobody, no results. Raises NotFound."""
        if email is None:
            return _course([])
        account = self._accounts.find_by_email(email)
        if account is None or account.role != "doctor":
            raise NotFound(NO_DOCTOR)
        return self.of_doctor(account.id, months=months)


def _first_month(months: int) -> str:
    """The first of so many months, of which this one is the last."""
    day = now().date()
    for _ in range(months - 1):
        day = day.replace(day=1) - timedelta(days=1)
    return f"{day:%Y-%m}"


def _course(outcomes: list[CountedOutcome]) -> Course:
    by_month = groupby(outcomes, key=lambda one: one.month)  # the store lists them so
    months = [(month, figures_of([*found])) for month, found in by_month]
    return Course(figures_of(outcomes), months, figures_by_point(outcomes))
