"""The base of what a service works out and a route answers as it is."""

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
