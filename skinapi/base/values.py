import math
from dataclasses import dataclass
from typing import Any

from pydantic import ConfigDict

from skinapi.base.stored_record import FromRecord

Z_95 = 1.959964


class Value(FromRecord):
    model_config = ConfigDict(
        frozen=True, populate_by_name=True, defer_build=True, from_attributes=True
    )


@dataclass(frozen=True, slots=True)
class PartHead:
    name: str
    filename: str | None
    charset: str


@dataclass(frozen=True)
class GaugeReading:
    """A figure that is read on request, because all servers share it."""

    name: str
    says: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


def wilson_interval(share: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of `n`, which must be at least one."""
    squared = Z_95**2 / n
    middle = (share + squared / 2) / (1 + squared)
    reach = Z_95 * math.sqrt(share * (1 - share) / n + squared / (4 * n)) / (1 + squared)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def finite_number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None
