"""Intervals of shares."""

import math

Z_95 = 1.959964


def wilson_interval(share: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of `n`, which is at least one."""
    squared = Z_95**2 / n
    middle = (share + squared / 2) / (1 + squared)
    reach = Z_95 * math.sqrt(share * (1 - share) / n + squared / (4 * n)) / (1 + squared)
    return max(0.0, middle - reach), min(1.0, middle + reach)
