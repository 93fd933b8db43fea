"""The gates of a promotion: what a model must not do worse than the one in service.

Two models can only be compared on the same pictures. Best is a paired comparison, which whoever
trained the candidate has made (`PairedComparison`); second best are the figures of both cards, if
they come from the same test part. What cannot be compared is not passed.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

Z_95 = 1.96  # of the normal distribution, for Wilson's interval
# With {1,100} in the pattern, pydantic would keep 10 MB of compiled classes of letters.
SourceName = Annotated[str, StringConstraints(pattern=r"^[\w .-]+$", max_length=100)]


def _as_stored(time: datetime) -> datetime:
    """In UTC, to the millisecond, as both stores keep it."""
    time = time.astimezone(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


class GateName(StrEnum):
    MELANOMA_SENSITIVITY = "melanoma_sensitivity"
    ECE = "ece"
    REFUSED_SHARE = "refused_share"
    LATENCY = "latency_ms"


class Outcome(StrEnum):
    PASSED = "passed"
    WORSE = "worse"
    NOT_MEASURED = "not_measured"


# Of the others, less is better.
MORE_IS_BETTER = {GateName.MELANOMA_SENSITIVITY}
NOT_SAME_PICTURES = "not measured on the same pictures"


class PairedDifference(BaseModel):
    """One figure of two models on the same pictures. `low` and `high` are the 95 % interval of
    second minus first, from a paired bootstrap by patient or lesion.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    first: float
    second: float
    low: float
    high: float


class PairedComparison(BaseModel):
    """A model (second) compared with the one that was in service then (first)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_version: str = Field(description="the model that was in service")
    test_part: str = Field(description="the pictures: `name_test_part` of their ids")
    pictures: int = Field(ge=1)
    lesions: int = Field(ge=1)
    measured_at: Annotated[datetime, AfterValidator(_as_stored)]
    differences: dict[GateName, PairedDifference]
    by_source: dict[SourceName, dict[GateName, PairedDifference]] = {}


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
    """What the gates read of a version: its figures on each test part that it was measured on, and
    its paired comparison, if there is one.
    """

    model_config = ConfigDict(frozen=True)

    version: str
    parts: Mapping[str, Mapping[GateName, Figure]]
    comparison: PairedComparison | None = None


def judge(candidate: Measured, serving: Measured | None) -> tuple[Gate, ...]:
    """Every gate, in a fixed order."""
    return tuple(_judge_one(name, candidate, serving) for name in GateName)


def summarise(gates: Sequence[Gate]) -> str:
    """One line for the audit trail."""
    return ", ".join(f"{gate.name}={gate.outcome}" for gate in gates)


def _judge_one(name: GateName, candidate: Measured, serving: Measured | None) -> Gate:
    if serving is None:
        return _not_measured(name, "there is no model in service to compare with")
    comparison = candidate.comparison
    compared = comparison is not None and comparison.first_version == serving.version
    if comparison and compared and name in comparison.differences:
        return _judge_paired(name, comparison.differences[name])
    for part, figures in candidate.parts.items():
        first, second = serving.parts.get(part, {}).get(name), figures.get(name)
        if first and second:
            return _judge_figures(name, first, second)
    if comparison and not compared:
        return _not_measured(
            name, f"{NOT_SAME_PICTURES}: it was compared with {comparison.first_version}, which is "
            "not in service"
        )  # fmt: skip
    return _not_measured(name, NOT_SAME_PICTURES)


def _not_measured(name: GateName, says: str) -> Gate:
    return Gate(name=name, outcome=Outcome.NOT_MEASURED, says=says)


def _judge_paired(name: GateName, paired: PairedDifference) -> Gate:
    """Worse if the whole interval of the difference is on the worse side of zero."""
    worse = paired.high < 0 if name in MORE_IS_BETTER else paired.low > 0
    return Gate(
        name=name,
        outcome=Outcome.WORSE if worse else Outcome.PASSED,
        basis="paired",
        first=paired.first,
        second=paired.second,
        low=paired.low,
        high=paired.high,
        says=f"the difference is {paired.second - paired.first:+.4g} "
        f"[{paired.low:+.4g}, {paired.high:+.4g}] on the same pictures",
    )


def _judge_figures(name: GateName, first: Figure, second: Figure) -> Gate:
    """Worse if the candidate's figure is beyond the interval of the model in service."""
    worse = second.value < first.low if name in MORE_IS_BETTER else second.value > first.high
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
    bands, classes = _at(figures, "bands", "melanoma"), _at(figures, "per_class", "mel")
    found = {
        GateName.MELANOMA_SENSITIVITY: _share(_at(bands, "sensitivity"), _at(classes, "n")),
        GateName.ECE: _with_interval(figures, "ece"),
        GateName.REFUSED_SHARE: _with_interval(_at(figures, "refusals"), "refused_share"),
    }
    return {name: figure for name, figure in found.items() if figure}


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


def _share(value: Any, of: Any) -> Figure | None:
    """A share of `of` pictures, with Wilson's interval."""
    share, n = number(value), number(of)
    if share is None or not n or n < 1 or not 0 <= share <= 1:
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
