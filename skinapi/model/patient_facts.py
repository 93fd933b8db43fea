"""How a patient's age, sex, body site and signs change the probabilities of a picture. Fitted by
`python -m skinapi calibrate`. A fact that was not entered or learned has no effect.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from skinapi.base.stored_record import Frozen
from skinapi.model.bands import Limit, OperatingPoint
from skinapi.model.context import Context

# Fitted values stay far from these bounds; beyond them sums overflow.
Shift = Annotated[float, Field(ge=-20, le=20)]
Shifts = Mapping[str, Shift]


class Fact(StrEnum):
    AGE = "age"
    SEX = "sex"
    BODY_SITE = "body_site"
    SIGNS = "signs"


class ToldLimits(Frozen):
    thresholds: Mapping[str, Limit]
    sent: Mapping[OperatingPoint, Limit]


class PatientFactsTable(Frozen):
    """The number that each value of a fact adds to the log probability of each condition, given a
    picture of this kind. Zero is the average patient in the fit. `age` has the values at some ages,
    linearly interpolated. `limits` holds thresholds by entered facts (`name_told`): a set of facts
    without its own may raise a band but not lower it.
    """

    age: Mapping[int, Shifts] = Field(default_factory=dict)
    sex: Mapping[str, Shifts] = Field(default_factory=dict)
    body_site: Mapping[str, Shifts] = Field(default_factory=dict)
    ticked: Mapping[str, Shifts] = Field(default_factory=dict)
    not_ticked: Mapping[str, Shifts] = Field(default_factory=dict)
    limits: Mapping[str, ToldLimits] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _refuse_gaps(self) -> Self:
        if len({frozenset(shifts) for shifts in self.age.values()}) > 1:
            raise ValueError("each age moves the same conditions")
        return self

    def told(self, context: Context) -> tuple[Fact, ...]:
        return tuple(fact for fact in Fact if any(self._shifts(fact, context)))

    def shift(
        self, probabilities: Mapping[str, float], context: Context, facts: Collection[Fact]
    ) -> dict[str, float]:
        shifts = [each for fact in facts for each in self._shifts(fact, context)]
        raised = {
            key: p * math.exp(math.fsum(each.get(key, 0.0) for each in shifts))
            for key, p in probabilities.items()
        }
        whole = math.fsum(raised.values())
        return {key: value / whole for key, value in raised.items()}

    def moved_by(
        self, probabilities: Mapping[str, float], context: Context, key: str
    ) -> tuple[Fact, ...]:
        told = self.told(context)
        whole = self.shift(probabilities, context, told)[key]
        without = {
            fact: self.shift(probabilities, context, [item for item in told if item is not fact])[
                key
            ]
            for fact in told
        }
        raised = whole > probabilities[key]
        return tuple(f for f, p in without.items() if (p < whole if raised else p > whole))

    @property
    def conditions(self) -> set[str]:
        values = (self.age, self.sex, self.body_site, self.ticked, self.not_ticked)
        return {key for value in values for shifts in value.values() for key in shifts}

    def _shifts(self, fact: Fact, context: Context) -> Iterator[Shifts]:
        if fact is Fact.AGE and self.age and context.years is not None:
            yield self._at(context.years)
        elif fact is Fact.SEX:
            yield self.sex.get(context.sex or "", {})
        elif fact is Fact.BODY_SITE:
            yield self.body_site.get(context.body_site or "", {})
        elif fact is Fact.SIGNS and context.checklist is not None:
            for item in sorted({*self.ticked, *self.not_ticked}):
                answers = self.ticked if item in context.checklist else self.not_ticked
                yield answers.get(item, {})

    def _at(self, years: float) -> Shifts:
        ages = sorted(self.age)
        within = min(max(years, ages[0]), ages[-1])
        for start, end in pairwise(ages):
            if within <= end:
                part = (within - start) / (end - start)
                low, high = self.age[start], self.age[end]
                return {key: low[key] + part * (high[key] - low[key]) for key in low}
        return self.age[ages[0]]


def name_told(facts: Collection[Fact]) -> str:
    return "+".join(fact for fact in Fact if fact in facts)
