import time

import numpy as np
import pytest
from PIL import Image, ImageDraw

from skinapi.model.comparison.outline import (
    MOST_SEARCHED_PIXELS,
    SIDE,
    Mask,
    component_at,
    measure_shape,
    shrink_smoothly,
)
from tests.model.photos import SKIN, SPOT, as_photo, skin_with_spot


def painted(*points: tuple[int, int]) -> Image.Image:
    picture = Image.new("RGB", (341, 256), SKIN)
    ImageDraw.Draw(picture).polygon(points, fill=SPOT)
    return picture


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("RGB", (341, 256), SKIN),
        skin_with_spot(grain=20, spot=SKIN),
        skin_with_spot(spot=(198, 144, 120)),
        painted((170, 128), (178, 128), (178, 134)),
        painted((0, 0), (200, 0), (200, 255), (0, 255)),
        painted((-10, 90), (180, 90), (180, 180), (-10, 180)),
        Image.new("RGB", (1, 900), SKIN),
    ],
    ids=["bare", "grain", "faint", "tiny", "huge", "cut off", "a line"],
)
def test_what_cannot_be_trusted_is_not_assessed(picture: Image.Image) -> None:
    assert measure_shape(as_photo(picture)) is None


@pytest.mark.parametrize("size", [(4000, 3000), (400, 40_000)])
def test_the_search_looks_at_few_pixels_whatever_the_picture_s_sides(size: tuple[int, int]) -> None:
    height, width, _ = shrink_smoothly(Image.new("RGB", size, SKIN)).shape
    assert height * width <= MOST_SEARCHED_PIXELS * 1.05
    assert max(size) / min(size) > 4 or min(height, width) == SIDE


def serpentine(height: int, width: int) -> Mask:
    """One corridor two pixels wide, which winds over the whole mask."""
    mask = np.zeros((height, width), bool)
    mask[0::4] = mask[1::4] = True
    for number, row in enumerate(range(2, height, 4)):
        mask[row : row + 2, slice(width - 2, width) if number % 2 == 0 else slice(0, 2)] = True
    return mask


@pytest.mark.parametrize("turned", [False, True])
def test_a_shape_that_winds_like_a_labyrinth_is_followed_in_few_passes(turned: bool) -> None:
    corridor = serpentine(512, 2048)
    winding = np.ascontiguousarray(corridor.T) if turned else corridor
    began = time.thread_time()
    assert component_at(winding, (0, 0)).sum() == winding.sum()
    assert time.thread_time() - began < 2
