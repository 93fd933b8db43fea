"""Sensitivity, specificity and agreement, each with its 95 % interval."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from skinapi.intervals import wilson_interval
from skinapi.records.outcomes.outcome_counts import CountedOutcome


class Figure(NamedTuple):
    """Of `n` results. All three are None where `n` does not suffice."""

    value: float | None
    low: float | None
    high: float | None
    n: int


class Figures(NamedTuple):
    """`named_…` count a condition that is a cancer or may become one; `sent_…` the advice to see a
    doctor. `kappa` is Cohen's, of the conditions.
    """

    results: int
    malignant: int
    named_sensitivity: Figure
    named_specificity: Figure
    sent_sensitivity: Figure
    sent_specificity: Figure
    kappa: Figure


def figures_of(outcomes: Sequence[CountedOutcome]) -> Figures:
    malignant = [one for one in outcomes if one.malignant]
    benign = [one for one in outcomes if not one.malignant]
    return Figures(
        results=_sum(outcomes),
        malignant=_sum(malignant),
        named_sensitivity=_share(malignant, lambda one: one.named_malignant),
        named_specificity=_share(benign, lambda one: not one.named_malignant),
        sent_sensitivity=_share(malignant, lambda one: one.sent),
        sent_specificity=_share(benign, lambda one: not one.sent),
        kappa=_kappa(outcomes),
    )


def _sum(outcomes: Iterable[CountedOutcome]) -> int:
    return sum(one.n for one in outcomes)


def _share(outcomes: Sequence[CountedOutcome], holds: Callable[[CountedOutcome], bool]) -> Figure:
    """With Wilson's interval."""
    n, hits = _sum(outcomes), _sum(one for one in outcomes if holds(one))
    if n == 0:
        return Figure(None, None, None, 0)
    return Figure(hits / n, *wilson_interval(hits / n, n), n)


def _kappa(outcomes: Sequence[CountedOutcome]) -> Figure:
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
        return Figure(None, None, None, n)
    observed = _sum(one for one in outcomes if one.agrees) / n

    def beyond_chance(agreement: float) -> float:
        return (agreement - by_chance) / (1 - by_chance)

    low, high = wilson_interval(observed, n)
    return Figure(beyond_chance(observed), beyond_chance(low), beyond_chance(high), n)
