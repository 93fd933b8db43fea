"""Finds connected pieces of a mask in a few passes over the whole mask.

Growing a piece from one pixel would take as many passes as the piece is long; for a piece that
winds like a labyrinth that is half its number of pixels.
"""

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]


def component_at(mask: Mask, at: tuple[int, int]) -> Mask:
    """The pixels of the mask that are connected, by sides or corners, with the pixel at this row
    and column. `mask[at]` must be true.
    """
    starts = mask.copy()
    starts[:, 1:] &= ~mask[:, :-1]
    # For each pixel the number of its run; a run is an unbroken stretch of the mask in one row.
    runs = np.cumsum(starts).reshape(mask.shape) - 1
    groups = _join(int(starts.sum()), *_touching(mask, runs))
    piece: Mask = mask & (groups[runs] == groups[runs[at]])
    return piece


def _touching(mask: Mask, runs: Numbers) -> tuple[Numbers, Numbers]:
    """All pairs of runs that touch, one in a row and one in the next row."""
    upper, lower = [], []
    width = mask.shape[1]
    for across in (-1, 0, 1):
        above = slice(max(0, -across), width - max(0, across))
        below = slice(max(0, across), width - max(0, -across))
        both = mask[:-1, above] & mask[1:, below]
        upper.append(runs[:-1, above][both])
        lower.append(runs[1:, below][both])
    return np.concatenate(upper), np.concatenate(lower)


def _join(count: int, some: Numbers, others: Numbers) -> Numbers:
    """For each run the lowest-numbered run that it is connected with.

    In each round every group joins the lowest group that it touches, so that few rounds are needed.
    """
    groups = np.arange(count)
    while some.size:
        ends = groups[some], groups[others]
        lowest = np.minimum(*ends)
        for end in ends:
            np.minimum.at(groups, end, lowest)
        while not np.array_equal(further := groups[groups], groups):
            groups = further
        apart = groups[some] != groups[others]
        some, others = some[apart], others[apart]
    return groups
