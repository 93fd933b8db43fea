"""Compares the time that two models take for one photo, on one machine."""

import random
import time
from statistics import median

from PIL import Image

from skinapi.registry.gates.judging import PairedDifference
from skinapi.vision.network.model import Model

PASSES = 40
DRAWS = 1000
LOW, HIGH = 25, 974  # of 1000 sorted draws: 95 %


def compare_latency(first: Model, second: Model, *, passes: int = PASSES) -> PairedDifference:
    """The medians in milliseconds, and the 95 % interval of their difference.

    The models take turns, so that whatever else the machine does slows both. For
    `PairedComparison.differences`.
    """
    pairs = [(_time(first), _time(second)) for _ in range(passes)]
    dice = random.Random(0)  # noqa: S311 (a bootstrap)
    draws = sorted(_difference(dice.choices(pairs, k=len(pairs))) for _ in range(DRAWS))
    return PairedDifference(
        first=median(one for one, _ in pairs),
        second=median(other for _, other in pairs),
        low=draws[LOW],
        high=draws[HIGH],
    )


def _difference(pairs: list[tuple[float, float]]) -> float:
    return median(other for _, other in pairs) - median(one for one, _ in pairs)


def _time(model: Model) -> float:
    picture = Image.new("RGB", (model.card.side, model.card.side), (120, 90, 80))
    started = time.perf_counter()
    model.read([picture])
    return (time.perf_counter() - started) * 1000
