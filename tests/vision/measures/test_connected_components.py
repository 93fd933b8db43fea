"""A connected component of a mask is found whole, at a cost that does not depend on its shape."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from skinapi.vision import outline
from skinapi.vision.outline import Mask, component_at


def serpentine(height: int, width: int) -> Mask:
    """One corridor two pixels wide, which runs to and fro over the whole mask."""
    mask = np.zeros((height, width), bool)
    mask[0::4] = mask[1::4] = True
    for number, row in enumerate(range(2, height, 4)):
        mask[row : row + 2, slice(width - 2, width) if number % 2 == 0 else slice(0, 2)] = True
    return mask


def flooded(mask: Mask, at: tuple[int, int]) -> Mask:
    """The same by walking from pixel to pixel."""
    reached, waiting = np.zeros_like(mask), [at]
    reached[at] = True
    while waiting:
        row, column = waiting.pop()
        near = (slice(max(0, row - 1), row + 2), slice(max(0, column - 1), column + 2))
        for down, across in np.argwhere(mask[near] & ~reached[near]):
            neighbour = (int(near[0].start + down), int(near[1].start + across))
            reached[neighbour] = True
            waiting.append(neighbour)
    return reached


@contextmanager
def counting_lines(code_in: str) -> Iterator[Callable[[], int]]:
    """How many lines of this file run inside; each looks at every pixel at most once."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace if frame.f_code.co_filename == code_in else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield lambda: count
    finally:
        sys.settrace(before)


def lines_for(mask: Mask) -> int:
    with counting_lines(outline.__file__) as lines:
        component_at(mask, (0, 0))
    return lines()


@pytest.mark.parametrize("share", [0.3, 0.45, 0.6, 0.9])
def test_a_component_is_exactly_the_connected_pixels(share: float) -> None:
    random = np.random.default_rng(3)
    for size in ((1, 30), (30, 1), (24, 17), (40, 40)):
        mask = random.random(size) < share
        places: NDArray[Any] = np.argwhere(mask)
        for row, column in random.choice(places, 3):
            at = int(row), int(column)
            np.testing.assert_array_equal(component_at(mask, at), flooded(mask, at))


@pytest.mark.parametrize("turned", [False, True])
def test_a_winding_shape_takes_few_passes_more_than_a_full_square(turned: bool) -> None:
    corridor = serpentine(128, 512)
    winding = np.ascontiguousarray(corridor.T) if turned else corridor
    assert component_at(winding, (0, 0)).sum() == winding.sum()
    assert lines_for(winding) <= 4 * lines_for(np.ones_like(winding))
