"""A part that changed is seen, where the whole of the spot hardly did; hairs are none."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from skinapi.model.comparison.changed_part import (
    find_changed_part,
    to_linear,
)
from skinapi.model.comparison.comparison import Change, Measure, NotMeasured
from tests.model.comparison.pictures import BLACK, BLUE_WHITE, MIDDLE, pattern, spot, with_disc
from tests.model.comparison.test_comparison import changes, compared

WHOLE = {*Measure} - {Measure.PART}


def part(before: Image.Image, after: Image.Image) -> Change:
    return changes(compared(before, after))[Measure.PART]


@pytest.mark.parametrize(
    ("after", "darker"),
    [
        (with_disc(spot(1), 265, 200, 24), True),
        (with_disc(spot(1), *MIDDLE, 30, BLUE_WHITE), False),
    ],
    ids=["nodule", "blue-white centre"],
)
def test_a_part_that_the_whole_of_the_spot_hides_is_told_as_changed(
    after: Image.Image, darker: bool
) -> None:
    found = changes(compared(spot(1), after))
    assert found[Measure.PART].measurable
    assert (found[Measure.PART].value < 0) == darker
    assert not any(found[measure].measurable for measure in WHOLE)


def test_hairs_a_ruler_and_glints_are_no_change() -> None:
    drawn = spot(1).copy()
    draw = ImageDraw.Draw(drawn)
    for start in (150, 230, 300):
        draw.line((start, 60, start + 60, 330), fill=BLACK, width=4)
    for tick in range(60, 460, 40):
        draw.line((tick, 320, tick, 340), fill=BLACK, width=4)
    for across in (230, 265, 280):
        draw.ellipse((across, 170, across + 7, 177), fill=(255, 255, 255))
    assert not part(spot(1), drawn).measurable


def test_colours_that_another_camera_renders_otherwise_are_no_change_of_a_part() -> None:
    pixels = np.asarray(spot(1), np.float64)
    warmer = 255 * (pixels / 255) ** np.array([0.85, 1.0, 1.2])
    assert not part(spot(1), Image.fromarray(warmer.astype(np.uint8))).measurable


def outlines_agree(before: Image.Image, after: Image.Image) -> bool:
    """Of outlines of which the later one is larger by a tenth."""
    pixels = [to_linear(np.asarray(one, np.float64)[::2, ::2]) for one in (before, after)]
    rows, columns = np.mgrid[-1:1:192j, -1.333:1.333:256j]
    one, other = (np.hypot(rows, columns) < radius for radius in (0.35, 0.385))
    found = find_changed_part(pixels[0], pixels[1], np.ones_like(one), (one, other))
    assert found
    return found.outlines_agree


def test_outlines_differ_only_where_the_photos_do() -> None:
    assert outlines_agree(spot(1), spot(1))
    assert not outlines_agree(spot(1), spot(1, area=1.21))


def test_of_a_spot_that_is_nearly_black_no_part_is_told_as_unchanged() -> None:
    black = spot(1, darker=60)
    comparison = compared(black, black)
    assert comparison.part_not_measured is NotMeasured.TOO_DARK
    assert Measure.PART not in changes(comparison)
    assert not comparison.has_changed


def test_of_photos_that_differ_everywhere_no_part_is_told_as_unchanged() -> None:
    noise = [pattern(np.random.default_rng(seed), (384, 512)) for seed in (5, 6, 7)]
    spoiled = np.asarray(spot(1)) + 15 * np.concatenate(noise, axis=-1) / np.std(noise)
    comparison = compared(spot(1), Image.fromarray(spoiled.clip(0, 255).astype(np.uint8)))
    assert comparison.part_not_measured is NotMeasured.OTHER_COLOURS
    assert Measure.PART not in changes(comparison)
