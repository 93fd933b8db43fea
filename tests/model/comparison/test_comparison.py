import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from skinapi.model.comparison.alignment import Similarity
from skinapi.model.comparison.changed_part import find_changed_part, to_linear
from skinapi.model.comparison.comparison import (
    Change,
    Comparison,
    Measure,
    NotComparable,
    NotMeasured,
    compare,
)
from tests.model.comparison.pictures import (
    BLACK,
    BLUE_WHITE,
    MIDDLE,
    SKIN,
    pattern,
    spot,
    take_view,
    with_disc,
)
from tests.model.photos import as_photo, skin_with_spot

VIEW = Similarity.from_parameters(scale=0.8, degrees=15, across=0.03, down=-0.02)


def compared(before: Image.Image, after: Image.Image) -> Comparison:
    """The second photo has other light, is compressed and turned, and is taken from nearer."""
    view = take_view(after, VIEW, np.random.default_rng(5))
    return compare(as_photo(before), as_photo(view))


def changes(comparison: Comparison) -> dict[Measure, Change]:
    return {change.measure: change for change in comparison.changes}


def test_a_lesion_that_grew_is_told_from_one_that_was_photographed_from_nearer() -> None:
    area = changes(compared(spot(1), spot(1, area=1.35)))[Measure.AREA]
    assert area.value == pytest.approx(0.35, abs=0.07)
    assert area.measurable


def test_a_lesion_that_became_darker_has_changed_in_colour_though_the_light_has_too() -> None:
    darker = changes(compared(spot(1), spot(1, darker=60)))
    assert darker[Measure.COLOUR].measurable
    assert not darker[Measure.AREA].measurable


def test_without_a_pattern_of_the_skin_no_change_of_the_area_is_told() -> None:
    lesion = np.asarray(spot(1), np.float64)
    rows, columns = np.mgrid[-1:1:384j, -1.333:1.333:512j]
    around = np.clip((np.hypot(rows, columns) - 0.42) * 20, 0, 1)[..., None]
    picture = Image.fromarray((lesion * (1 - around) + SKIN * around).astype(np.uint8))
    comparison = compared(picture, picture)
    assert comparison.not_measured is NotMeasured.NO_SCALE
    assert set(changes(comparison)) == {*Measure} - {Measure.AREA}


def test_without_an_outline_only_a_part_is_compared() -> None:
    skin = spot(1, area=0.001)
    comparison = compared(skin, skin)
    assert comparison.alignment
    assert comparison.not_measured is NotMeasured.NO_OUTLINE
    assert set(changes(comparison)) == {Measure.PART}
    assert not comparison.has_changed
    assert changes(compared(skin, with_disc(skin, *MIDDLE, 20)))[Measure.PART].measurable


def test_a_lesion_that_one_photo_cuts_off_is_not_measured() -> None:
    cut = spot(1).crop((240, 20, 512, 384))
    comparison = compare(as_photo(spot(1)), as_photo(cut))
    assert comparison.not_measured in {NotMeasured.CUT_OFF, NotMeasured.NO_OUTLINE}
    assert set(changes(comparison)) <= {Measure.PART}


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (spot(2), NotComparable.NO_FIT),
        (skin_with_spot(grain=4), NotComparable.NO_FIT),
        (spot(1).filter(ImageFilter.GaussianBlur(12)), NotComparable.QUALITY),
        (Image.new("RGB", (300, 300), (3, 2, 2)), NotComparable.QUALITY),
    ],
    ids=["another spot", "another lesion", "blurred", "dark"],
)
def test_what_cannot_be_compared_is_said_to_be_so(
    other: Image.Image, reason: NotComparable
) -> None:
    comparison = compare(as_photo(spot(1)), as_photo(other))
    assert comparison == Comparison(not_comparable=reason)


def test_a_comparison_is_read_back_as_it_was_stored_and_so_is_one_of_before() -> None:
    comparison = compared(spot(1), spot(1))
    stored = comparison.stored()
    assert Comparison.model_validate(stored) == comparison
    del stored["part_not_measured"]  # of before parts were compared
    assert Comparison.model_validate(stored) == comparison


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


def outlines_agree(before: Image.Image, after: Image.Image) -> bool:
    """The later outline is larger by a tenth."""
    pixels = [to_linear(np.asarray(item, np.float64)[::2, ::2]) for item in (before, after)]
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
