"""The gates of a promotion: what a model must not do worse than the one in service.

A paired comparison on the reference data set chosen by an admin decides. A candidate's own test
part is chosen by whoever trained it, so it cannot prove a model, but a worse result there still
counts. A missing comparison does not pass.

A result is worse if its 95 % interval proves it, or if more than `MOST_LOSS` was lost: few lesions
could prove almost nothing.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
)

from skinapi.base.stored_record import StoredRecord
from skinapi.base.values import Value


def _as_stored(time: datetime) -> datetime:
    time = time.astimezone(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


class GateName(StrEnum):
    """Names what is compared. A refused lesion is missed; squamous cell carcinomas are counted with
    actinic keratosis, since one of the models may have no output for them. `other_pictures`:
    whether pictures without skin are refused at all.
    """

    MELANOMA_SENSITIVITY = "melanoma_sensitivity"
    BASAL_CELL_CARCINOMA_SENSITIVITY = "basal_cell_carcinoma_sensitivity"
    ACTINIC_KERATOSIS_SENSITIVITY = "actinic_keratosis_sensitivity"
    SPECIFICITY = "specificity"
    ECE = "ece"
    REFUSED_SHARE = "refused_share"
    OTHER_PICTURES = "other_pictures"


class Outcome(StrEnum):
    PASSED = "passed"
    WORSE = "worse"
    NOT_MEASURED = "not_measured"


# Of which condition.
SENSITIVITIES = {
    GateName.MELANOMA_SENSITIVITY: "melanoma",
    GateName.BASAL_CELL_CARCINOMA_SENSITIVITY: "basal_cell_carcinoma",
    GateName.ACTINIC_KERATOSIS_SENSITIVITY: "actinic_keratosis",
}
# For the others, less is better.
MORE_IS_BETTER = {*SENSITIVITIES, GateName.SPECIFICITY}
# The largest loss, even if few lesions prove nothing. It was not fitted to a result.
MOST_LOSS = {
    GateName.MELANOMA_SENSITIVITY: 0.03,
    GateName.BASAL_CELL_CARCINOMA_SENSITIVITY: 0.05,
    GateName.ACTINIC_KERATOSIS_SENSITIVITY: 0.05,
    GateName.SPECIFICITY: 0.05,
    GateName.ECE: 0.03,
    GateName.REFUSED_SHARE: 0.02,
}
# Fewer lesions show no share: one alone would be more than may be lost, and the interval of a
# difference is so wide that no model would ever be worse.
FEWEST_LESIONS = 20
NOT_COMPARED = "not measured on the same pictures"
OTHER_REFERENCE = (
    "it was compared on a reference data set that is not the reference any more, or of which "
    "pictures were erased since"
)
# The candidate's own test part, or the reference data set chosen by an admin.
ComparedPart = Literal["test", "reference"]
WHERE: Mapping[ComparedPart, str] = {
    "test": "on the same pictures",
    "reference": "on the reference data set",
}


class PairedDifference(StoredRecord):
    """`low` and `high` are the 95 % interval of second minus first, from a paired bootstrap."""

    model_config = ConfigDict(allow_inf_nan=False)

    first: float
    second: float
    low: float
    high: float


class ReferenceData(StoredRecord):
    """A published data set never gains pictures, so as many are the same ones."""

    dataset: str
    pictures: int


def _known_gates(differences: Mapping[str, Any]) -> dict[str, Any]:
    """Drop gates that a newer version may have added."""
    known = set(GateName)
    return {name: difference for name, difference in differences.items() if name in known}


ByGate = Annotated[dict[GateName, PairedDifference], BeforeValidator(_known_gates)]


class PairedComparison(StoredRecord):
    """A model (second) compared with the one that was in service then (first)."""

    first_version: str = Field(description="the model that was in service")
    pictures: int = Field(ge=1)
    lesions: int = Field(ge=1)
    measured_at: Annotated[datetime, AfterValidator(_as_stored)]
    part: ComparedPart = "test"
    reference: ReferenceData | None = Field(
        default=None, description="what the reference was then; of a comparison on it"
    )
    differences: ByGate

    def is_current(self, reference: ReferenceData | None) -> bool:
        return self.part == "test" or (reference is not None and self.reference == reference)


class Gate(Value):
    name: GateName
    outcome: Outcome
    first: float | None = Field(default=None, description="of the model in service")
    second: float | None = Field(default=None, description="of the candidate")
    low: float | None = Field(default=None, description="of the interval that decided")
    high: float | None = None
    says: str

    @property
    def passed(self) -> bool:
        return self.outcome is Outcome.PASSED


class ComparedVersion(Value):
    version: str
    comparisons: tuple[PairedComparison, ...] = ()
    refuses_other_pictures: bool = False


def judge_gates(
    candidate: ComparedVersion, serving: ComparedVersion | None, *, reference: ReferenceData | None
) -> tuple[Gate, ...]:
    return tuple(_judge_gate(name, candidate, serving, reference) for name in GateName)


def summarise(gates: Sequence[Gate]) -> str:
    return ", ".join(f"{gate.name}={gate.outcome}" for gate in gates)


def _judge_gate(
    name: GateName,
    candidate: ComparedVersion,
    serving: ComparedVersion | None,
    reference: ReferenceData | None,
) -> Gate:
    if serving is None:
        return _not_measured(name, "there is no model in service to compare with")
    if name is GateName.OTHER_PICTURES:
        return _judge_other_pictures(candidate, serving)
    same = [
        comparison
        for comparison in candidate.comparisons
        if comparison.first_version == serving.version
    ]
    current = [comparison for comparison in same if comparison.is_current(reference)]
    paired = {
        comparison.part: _judge_paired(name, comparison.differences[name], comparison.part)
        for comparison in current
        if name in comparison.differences
    }
    worse = next((gate for gate in paired.values() if not gate.passed), None)
    if decisive := paired.get("reference"):
        return worse or decisive
    if len(current) < len(same):
        return worse or _not_measured(name, OTHER_REFERENCE)
    return worse or _not_measured(name, _why_not_measured(candidate, same, paired.get("test")))


def _why_not_measured(
    candidate: ComparedVersion, same: Sequence[PairedComparison], on_own: Gate | None
) -> str:
    if on_own:
        return (
            f"{on_own.says}, which are its own test part and cannot vouch for it; it is not "
            "measured on a reference data set"
        )
    if candidate.comparisons and not same:
        other = candidate.comparisons[0].first_version
        return f"{NOT_COMPARED}: it was compared with {other}, which is not in service"
    return NOT_COMPARED


def _judge_other_pictures(candidate: ComparedVersion, serving: ComparedVersion) -> Gate:
    """A model without the detector would find a disease in any photograph."""
    worse = serving.refuses_other_pictures and not candidate.refuses_other_pictures
    return Gate(
        name=GateName.OTHER_PICTURES,
        outcome=Outcome.WORSE if worse else Outcome.PASSED,
        says="it cannot tell pictures without skin, and the model in service can"
        if worse
        else "it refuses pictures without skin, or the model in service does not either",
    )


def _not_measured(name: GateName, says: str) -> Gate:
    return Gate(name=name, outcome=Outcome.NOT_MEASURED, says=says)


def _judge_paired(name: GateName, paired: PairedDifference, part: ComparedPart) -> Gate:
    more_is_better = name in MORE_IS_BETTER
    difference = paired.second - paired.first
    proven = paired.high < 0 if more_is_better else paired.low > 0
    lost = -difference if more_is_better else difference
    worse = proven or lost > MOST_LOSS.get(name, math.inf)
    return Gate(
        name=name,
        outcome=Outcome.WORSE if worse else Outcome.PASSED,
        first=paired.first,
        second=paired.second,
        low=paired.low,
        high=paired.high,
        says=f"the difference is {difference:+.4g} [{paired.low:+.4g}, {paired.high:+.4g}] "
        f"{WHERE[part]}",
    )
