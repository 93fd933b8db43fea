"""Adjusts the probabilities a little by what the patient tells (age, sex, body site)."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from pydantic import Field

from skinapi.vision.conditions import Frozen
from skinapi.vision.context import Context

# Nothing that is fitted comes near these bounds; beyond them sums overflow.
Shift = Annotated[float, Field(ge=-20, le=20)]
Shifts = Mapping[str, Mapping[str, Shift]]


class PatientFactsTable(Frozen):
    """For each fact and value, the number that is added to the log probability of each condition.

    It is learned from the patients of the training pictures. It never lowers a band; that rule is
    in `assessment`.
    """

    age_band: Shifts = Field(default_factory=dict)
    sex: Shifts = Field(default_factory=dict)
    body_site: Shifts = Field(default_factory=dict)

    def shift(self, probabilities: Mapping[str, float], context: Context) -> dict[str, float]:
        """The probabilities after the patient's facts are applied; unchanged if none are known."""
        told = (
            self.age_band.get(context.age_band or "", {}),
            self.sex.get(context.sex or "", {}),
            self.body_site.get(context.body_site or "", {}),
        )
        if not any(told):
            return dict(probabilities)
        raised = {
            key: p * float(np.exp(sum(shifts.get(key, 0.0) for shifts in told)))
            for key, p in probabilities.items()
        }
        whole = sum(raised.values())
        return {key: value / whole for key, value in raised.items()}
