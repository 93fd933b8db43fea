"""The gates of a promotion: what a model must not do worse than the one in service.

Two models can only be compared on the same pictures. What decides is a paired comparison
(`PairedComparison`) on the reference data set, which an admin has chosen, while it is the
reference: a candidate's own test part comes from whoever trained it, and cannot vouch for it. What
is worse on the own test part is worse nevertheless. For a version that no job has made, the figures
of both cards count too, if they come from the same test part. What cannot be compared is not
passed.

Worse is what is proven worse by its 95 % interval, and what has lost more than `MOST_LOSS`: of few
lesions almost nothing could be proven.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from skinapi.stored_record import StoredRecord

Z_95 = 1.96  # of the normal distribution, for Wilson's interval
# With {1,100} in the pattern, pydantic would keep 10 MB of compiled classes of letters.
SourceName = Annotated[str, StringConstraints(pattern=r"^[\w .-]+$", max_length=100)]


def _as_stored(time: datetime) -> datetime:
    """In UTC, to the millisecond, as both stores keep it."""
    time = time.astimezone(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


class GateName(StrEnum):
    """What is compared.

    - the sensitivities: shares of these lesions that get the band of their threshold, or a more
      urgent one; a refused lesion is missed
    - `specificity`: share of the benign lesions without a referral
    - `refused_share`: of the lesions
    - `other_pictures`: whether pictures without skin are refused at all
    """

    MELANOMA_SENSITIVITY = "melanoma_sensitivity"
    BASAL_CELL_CARCINOMA_SENSITIVITY = "basal_cell_carcinoma_sensitivity"
    ACTINIC_KERATOSIS_SENSITIVITY = "actinic_keratosis_sensitivity"
    SPECIFICITY = "specificity"
    ECE = "ece"
    REFUSED_SHARE = "refused_share"
    OTHER_PICTURES = "other_pictures"
    LATENCY = "latency_ms"


class Outcome(StrEnum):
    PASSED = "passed"
    WORSE = "worse"
    NOT_MEASURED = "not_measured"


SENSITIVITIES = {
    GateName.MELANOMA_SENSITIVITY: "mel",
    GateName.BASAL_CELL_CARCINOMA_SENSITIVITY: "bcc",
    GateName.ACTINIC_KERATOSIS_SENSITIVITY: "akiec",
}
BENIGN = ("bkl", "df", "nv", "vasc")
# Of the others, less is better.
MORE_IS_BETTER = {*SENSITIVITIES, GateName.SPECIFICITY}
# More may not be lost, even where so few lesions prove nothing. Chosen, and not fitted to a result.
MOST_LOSS = {
    GateName.MELANOMA_SENSITIVITY: 0.03,
    GateName.BASAL_CELL_CARCINOMA_SENSITIVITY: 0.05,
    GateName.ACTINIC_KERATOSIS_SENSITIVITY: 0.05,
    GateName.SPECIFICITY: 0.05,
    GateName.ECE: 0.03,
    GateName.REFUSED_SHARE: 0.02,
}
# Fewer lesions show no share: one alone would be more than may be lost.
FEWEST_LESIONS = 20
NOT_SAME_PICTURES = "not measured on the same pictures"
OTHER_REFERENCE = (
    "it was compared on a reference data set that is not the reference any more, or of which "
    "pictures were erased since"
)
# Of the candidate's own test part, or of the data set that an admin chose as the reference.
ComparedPart = Literal["test", "reference"]
WHERE: Mapping[ComparedPart, str] = {
    "test": "on the same pictures",
    "reference": "on the reference data set",
}


class PairedDifference(StoredRecord):
    """One figure of two models on the same pictures. `low` and `high` are the 95 % interval of
    second minus first, from a paired bootstrap by patient or lesion.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    first: float
    second: float
    low: float
    high: float


class ReferenceData(StoredRecord):
    """Which data set is the reference, with how many pictures: a published one never gains any, so
    as many are the same ones.
    """

    dataset: str
    pictures: int


def _known_gates(found: Mapping[str, Any]) -> dict[str, Any]:
    """Those of this version: the next one may have added a gate."""
    known = set(GateName)
    return {name: each for name, each in found.items() if name in known}


ByGate = Annotated[dict[GateName, PairedDifference], BeforeValidator(_known_gates)]


class PairedComparison(StoredRecord):
    """A model (second) compared with the one that was in service then (first)."""

    first_version: str = Field(description="the model that was in service")
    test_part: str = Field(description="the pictures: `name_test_part` of their ids")
    pictures: int = Field(ge=1)
    lesions: int = Field(ge=1)
    measured_at: Annotated[datetime, AfterValidator(_as_stored)]
    part: ComparedPart = "test"
    reference: ReferenceData | None = Field(
        default=None, description="what the reference was then; of a comparison on it"
    )
    differences: ByGate
    by_source: Mapping[SourceName, ByGate] = {}

    def is_current(self, reference: ReferenceData | None) -> bool:
        """Whether its pictures may still decide, now that this is the reference."""
        return self.part == "test" or (reference is not None and self.reference == reference)


class Gate(BaseModel):
    """One gate: what was compared, and whether it is passed."""

    model_config = ConfigDict(frozen=True)

    name: GateName
    outcome: Outcome
    basis: Literal["paired", "figures"] | None = None
    first: float | None = Field(default=None, description="of the model in service")
    second: float | None = Field(default=None, description="of the candidate")
    low: float | None = Field(default=None, description="of the interval that decided")
    high: float | None = None
    says: str

    @property
    def passed(self) -> bool:
        return self.outcome is Outcome.PASSED


class Figure(BaseModel):
    """A figure with its 95 % interval."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float
    high: float


class Measured(BaseModel):
    """What the gates read of a version: its figures on each test part that it was measured on
    (none where a job has made it), its paired comparisons, and whether it refuses pictures without
    skin.
    """

    model_config = ConfigDict(frozen=True)

    version: str
    parts: Mapping[str, Mapping[GateName, Figure]]
    comparisons: tuple[PairedComparison, ...] = ()
    refuses_other_pictures: bool = False


def judge(
    candidate: Measured, serving: Measured | None, *, reference: ReferenceData | None
) -> tuple[Gate, ...]:
    """Every gate, in a fixed order. `reference` is what the reference is now: a comparison on
    another one, or on pictures of which some were erased since, does not count.
    """
    return tuple(_judge_one(name, candidate, serving, reference) for name in GateName)


def summarise(gates: Sequence[Gate]) -> str:
    """One line for the audit trail."""
    return ", ".join(f"{gate.name}={gate.outcome}" for gate in gates)


def _judge_one(
    name: GateName,
    candidate: Measured,
    serving: Measured | None,
    reference: ReferenceData | None,
) -> Gate:
    if serving is None:
        return _not_measured(name, "there is no model in service to compare with")
    if name is GateName.OTHER_PICTURES:
        return _judge_other_pictures(candidate, serving)
    same = [each for each in candidate.comparisons if each.first_version == serving.version]
    current = [each for each in same if each.is_current(reference)]
    paired = {
        each.part: _judge_paired(name, each.differences[name], each.part)
        for each in current
        if name in each.differences
    }
    worse = next((gate for gate in paired.values() if not gate.passed), None)
    # How long a picture takes does not depend on which pictures they are.
    decisive = paired.get("reference") or (paired.get("test") if name is GateName.LATENCY else None)
    if decisive:
        return worse or decisive
    for part, figures in candidate.parts.items():
        first, second = serving.parts.get(part, {}).get(name), figures.get(name)
        if first and second:
            return worse or _judge_figures(name, first, second)
    if len(current) < len(same):
        return worse or _not_measured(name, OTHER_REFERENCE)
    return worse or _not_measured(name, _why_not_measured(candidate, same, paired.get("test")))


def _why_not_measured(
    candidate: Measured, same: Sequence[PairedComparison], on_own: Gate | None
) -> str:
    if on_own:
        return (
            f"{on_own.says}, which are its own test part and cannot vouch for it; it is not "
            "measured on a reference data set"
        )
    if candidate.comparisons and not same:
        other = candidate.comparisons[0].first_version
        return f"{NOT_SAME_PICTURES}: it was compared with {other}, which is not in service"
    return NOT_SAME_PICTURES


def _judge_other_pictures(candidate: Measured, serving: Measured) -> Gate:
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
    """Worse if the whole interval of the difference is on the worse side of zero, or if more is
    lost than may be.
    """
    proven = paired.high < 0 if name in MORE_IS_BETTER else paired.low > 0
    worse = proven or _loss(name, paired.first, paired.second) > MOST_LOSS.get(name, math.inf)
    return Gate(
        name=name,
        outcome=Outcome.WORSE if worse else Outcome.PASSED,
        basis="paired",
        first=paired.first,
        second=paired.second,
        low=paired.low,
        high=paired.high,
        says=f"the difference is {paired.second - paired.first:+.4g} "
        f"[{paired.low:+.4g}, {paired.high:+.4g}] {WHERE[part]}",
    )


def _loss(name: GateName, first: float, second: float) -> float:
    return first - second if name in MORE_IS_BETTER else second - first


def _judge_figures(name: GateName, first: Figure, second: Figure) -> Gate:
    """Worse if the candidate's figure is beyond the interval of the model in service, or if more is
    lost than may be.
    """
    beyond = second.value < first.low if name in MORE_IS_BETTER else second.value > first.high
    worse = beyond or _loss(name, first.value, second.value) > MOST_LOSS.get(name, math.inf)
    return Gate(
        name=name,
        outcome=Outcome.WORSE if worse else Outcome.PASSED,
        basis="figures",
        first=first.value,
        second=second.value,
        low=first.low,
        high=first.high,
        says=f"{second.value:.4g}; the model in service has {first.value:.4g} "
        f"[{first.low:.4g}, {first.high:.4g}] on the same pictures",
    )


def figures_of_gates(figures: Any) -> dict[GateName, Figure]:
    """What a card's `figures.test`, or the figures of another test part, say about the gates.

    A figure that is missing, or not as `evaluate` writes it, is left out. Latency is left out too:
    it says nothing without the machine, so only a paired comparison has it.
    """
    bands = _at(figures, "bands")
    found = {
        name: _share(
            _at(bands, name.value.removesuffix("_sensitivity"), "sensitivity"),
            _pictures_of(figures, class_name),
        )
        for name, class_name in SENSITIVITIES.items()
    }
    found[GateName.SPECIFICITY] = _share(
        _at(bands, "malignant", "specificity"), _pictures_of(figures, *BENIGN)
    )
    found[GateName.ECE] = _with_interval(figures, "ece")
    found[GateName.REFUSED_SHARE] = _with_interval(_at(figures, "refusals"), "refused_share")
    return {name: figure for name, figure in found.items() if figure}


def _pictures_of(figures: Any, *classes: str) -> float:
    return sum(number(_at(figures, "per_class", name, "n")) or 0 for name in classes)


def _at(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def number(value: Any) -> float | None:
    """The value where it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _with_interval(figures: Any, name: str) -> Figure | None:
    value, interval = number(_at(figures, name)), _at(figures, f"{name}_interval")
    if value is None or not isinstance(interval, list | tuple) or len(interval) != 2:
        return None
    low, high = (number(end) for end in interval)
    if low is None or high is None:
        return None
    return Figure(value=value, low=low, high=high)


def _share(value: Any, n: float) -> Figure | None:
    """A share of `n` pictures, with Wilson's interval."""
    share = number(value)
    if share is None or n < FEWEST_LESIONS or not 0 <= share <= 1:
        return None
    middle = share + Z_95**2 / (2 * n)
    spread = Z_95 * math.sqrt(share * (1 - share) / n + Z_95**2 / (4 * n**2))
    scale = 1 + Z_95**2 / n
    return Figure(
        value=share,
        low=max(0.0, (middle - spread) / scale),
        high=min(1.0, (middle + spread) / scale),
    )


def name_test_part(pictures: Iterable[str]) -> str:
    """The name of a test part: a checksum of its pictures' ids. Equal names mean equal pictures."""
    return hashlib.sha256("\n".join(sorted(set(pictures))).encode()).hexdigest()
