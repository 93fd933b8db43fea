"""The alignment finds what was done to a picture, whatever the light and the compression."""

import numpy as np
import pytest
from PIL import Image

from skinapi.model.comparison.alignment import (
    Similarity,
    draw_in_first,
    find_fit,
    grid,
)
from tests.model.comparison.pictures import spot, take_view
from tests.support.size import in_drill


def distance(true: Similarity, found: Similarity, size: tuple[int, int]) -> float:
    """In pixels of a picture with a shorter side of 256."""
    points = grid(size)[:, ::41]
    return float(256 * np.hypot(*(found.at(true.at(points)) - points)).mean())


@pytest.mark.parametrize(
    "by",
    [
        Similarity.of(scale=0.7, degrees=25, across=0.05, down=-0.04),
        Similarity.of(scale=0.6, degrees=-140, across=-0.04),
    ],
    ids=["turned", "upside down"],
)
def test_a_view_that_was_moved_turned_scaled_lit_and_compressed_is_found(by: Similarity) -> None:
    picture = spot(1)
    view = take_view(picture, by, np.random.default_rng(3))
    fit = find_fit(picture, view)
    assert distance(by, fit.by, view.size) < 1
    assert fit.correlation > 0.6


def test_the_rims_of_a_dermoscope_make_two_lesions_no_more_alike() -> None:
    rows, columns = np.mgrid[-1:1:384j, -1.33:1.33:512j]
    rim = (np.hypot(rows, columns) > 1.1)[..., None]
    one, other = (
        Image.fromarray(np.where(rim, 4, np.asarray(spot(seed))).astype(np.uint8))
        for seed in (1, 2)
    )
    assert find_fit(one, other).correlation < 0.4


def test_a_similarity_draws_what_it_says() -> None:
    picture = Image.new("L", (80, 60))
    picture.putpixel((60, 20), 255)
    by = Similarity.of(scale=1, degrees=90)
    row, column = np.unravel_index(
        int(np.asarray(draw_in_first(picture, by, (60, 60))).argmax()), (60, 60)
    )
    (x,), (y,) = by.at(np.array([[(column + 0.5 - 30) / 60], [(row + 0.5 - 30) / 60]]))
    assert (x * 60 + 40, y * 60 + 30) == pytest.approx((60.5, 20.5))


@pytest.mark.parametrize("size", [(1, 900), (3, 3), *in_drill((900, 60), (4000, 40))])
def test_any_size_of_picture_gets_a_fit(size: tuple[int, int]) -> None:
    assert -1 <= find_fit(Image.new("RGB", size, (200, 150, 120)), spot(1)).correlation <= 1
