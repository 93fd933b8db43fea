"""What the patient tells (age, sex, site) shifts the probabilities a little, in log space."""

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from skinapi.vision.conditions import Frozen
from skinapi.vision.context import Context

Shifts = Mapping[str, Mapping[str, float]]


class PatientFactsTable(Frozen):
    """For each fact and value, what is added to the log probability of each condition.

    Learned from the training pictures' own patients. It never lowers a band: that rule is in
    `classification`.
    """

    age_band: Shifts = Field(default_factory=dict)
    sex: Shifts = Field(default_factory=dict)
    body_site: Shifts = Field(default_factory=dict)

    def shift(self, probabilities: Mapping[str, float], context: Context) -> dict[str, float]:
        """The probabilities with what was told; the same ones where nothing was."""
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
