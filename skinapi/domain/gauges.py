"""What a service tells the metrics."""

from dataclasses import dataclass


@dataclass(frozen=True)
class GaugeReading:
    """A figure that is looked up when it is asked for, because all servers share it."""

    name: str
    says: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()
