"""Values that services and routes share: the base of answers, a part of a form, a reading of a
gauge.
"""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


# What is sent in a form, part by part.


@dataclass(frozen=True, slots=True)
class PartHead:
    """Of a text field, or of a file where `filename` is set."""

    name: str
    filename: str | None
    charset: str


# What a service tells the metrics.


@dataclass(frozen=True)
class GaugeReading:
    """A figure that is looked up when it is asked for, because all servers share it."""

    name: str
    says: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()
