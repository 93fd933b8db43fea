"""A lesion is measured where it can be told from skin, and not assessed where it cannot."""

import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from skinapi.model.comparison.outline import (
    MOST_SEARCHED_PIXELS,
    SIDE,
    Mask,
    Shape,
    component_at,
    measure_shape,
    shrink_smoothly,
)
from tests.model.photos import SKIN, SPOT, as_photo, skin_with_spot


def measured(picture: Image.Image) -> Shape:
    shape = measure_shape(as_photo(picture))
    assert shape is not None
    return shape


def painted(*points: tuple[int, int]) -> Image.Image:
    picture = Image.new("RGB", (341, 256), SKIN)
    ImageDraw.Draw(picture).polygon(points, fill=SPOT)
    return picture


def star(points: int, outer: float, inner: float) -> list[tuple[int, int]]:
    angles = np.linspace(0, 2 * np.pi, points * 2, endpoint=False)
    radii = np.where(np.arange(points * 2) % 2, inner, outer)
    return [
        (int(170 + r * np.cos(a)), int(128 + r * np.sin(a)))
        for r, a in zip(radii, angles, strict=True)
    ]


def test_a_plain_disc_is_even_smooth_and_of_one_colour() -> None:
    shape = measured(skin_with_spot())
    assert max(shape.asymmetry, shape.border) < 0.1
    assert shape.colour < 0.25
    assert shape.diameter == pytest.approx(0.4, abs=0.04)


def test_a_star_is_more_ragged_and_a_wedge_more_uneven_than_a_disc() -> None:
    disc = measured(skin_with_spot())
    assert measured(painted(*star(7, 90, 45))).border > disc.border + 0.2
    assert measured(painted((90, 60), (250, 90), (110, 200))).asymmetry > disc.asymmetry + 0.1


def test_the_outline_of_a_faded_lesion_is_where_it_fades_into_the_skin() -> None:
    rows, columns = np.mgrid[:256, :341]
    share = np.clip((80 - np.hypot(rows - 128, columns - 170)) / 60, 0, 1)[..., None]
    faded = share * np.array(SPOT) + (1 - share) * np.array(SKIN)
    shape = measured(Image.fromarray(faded.astype(np.uint8)))
    # It fades from 20 to 80 pixels from its middle.
    assert shape.diameter == pytest.approx(2 * 68 / 256, abs=0.02)


def test_two_colours_are_more_than_one() -> None:
    two = skin_with_spot()
    ImageDraw.Draw(two).pieslice((119, 77, 221, 179), 0, 180, fill=(20, 15, 30))
    assert measured(two).colour > measured(skin_with_spot()).colour + 0.15


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


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_component_is_exactly_the_connected_pixels(share: float) -> None:
    random = np.random.default_rng(3)
    for size in ((1, 30), (30, 1), (24, 17), (40, 40)):
        mask = random.random(size) < share
        places: NDArray[Any] = np.argwhere(mask)
        for row, column in random.choice(places, 3):
            at = int(row), int(column)
            np.testing.assert_array_equal(component_at(mask, at), flooded(mask, at))


@pytest.mark.parametrize("turned", [False, True])
def test_a_shape_that_winds_like_a_labyrinth_is_followed_in_few_passes(turned: bool) -> None:
    corridor = serpentine(512, 2048)
    winding = np.ascontiguousarray(corridor.T) if turned else corridor
    began = time.thread_time()
    assert component_at(winding, (0, 0)).sum() == winding.sum()
    assert time.thread_time() - began < 2
