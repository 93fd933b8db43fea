"""How big the tests are: small for every run, full for `make drill` (DRILL=1)."""

import os
from typing import TypeVar

T = TypeVar("T")
N = TypeVar("N", int, float)

drill = os.environ.get("DRILL", "") not in ("", "0")


def in_drill(*cases: T) -> tuple[T, ...]:
    """Cases that only the drill runs, because each is slow and others resemble it."""
    return cases if drill else ()


def size(small: N, full: N) -> N:
    return full if drill else small
