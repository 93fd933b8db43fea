"""Connected pieces of a mask, in a few passes over all of it.

Growing a piece from one pixel takes as many passes as the piece is long: half its pixels where it
winds like a labyrinth.
"""

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]


def find_component(mask: Mask, at: tuple[int, int]) -> Mask:
    """The pixels of the mask that are connected with the one at this row and column, by sides or
    corners. `mask[at]` must be true.
    """
    starts = mask.copy()
    starts[:, 1:] &= ~mask[:, :-1]
    # The number of each pixel's run, which is a row's unbroken stretch of the mask.
    runs = np.cumsum(starts).reshape(mask.shape) - 1
    groups = _join(int(starts.sum()), *_touching(mask, runs))
    piece: Mask = mask & (groups[runs] == groups[runs[at]])
    return piece


def _touching(mask: Mask, runs: Numbers) -> tuple[Numbers, Numbers]:
    """Every two runs, of one row and the next, that touch."""
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
    """For each run the lowest run that it is connected with. In every round each group joins the
    lowest that it touches, so that few rounds are needed.
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
