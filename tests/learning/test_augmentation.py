"""Random views: never twice the same, yet always a picture of that lesion, in any clinic."""

import numpy as np
import pytest
from PIL import Image

from skinapi.learning.data import augmentation
from skinapi.learning.data.augmentation import (
    Augmentation,
    OtherClinic,
    augment_picture,
    relight,
    widen,
)
from tests.learning.pictures import draw_lesion

PICTURE = draw_lesion("mel", np.random.default_rng(0), (341, 256))
STRENGTH = Augmentation()
CLINIC = OtherClinic()


def views(count: int) -> list[Image.Image]:
    return [
        augment_picture(PICTURE, np.random.default_rng(seed), STRENGTH) for seed in range(count)
    ]


def test_the_same_seed_makes_the_same_view_and_another_seed_another() -> None:
    first, second = views(2)
    assert first.tobytes() != second.tobytes()
    again = augment_picture(PICTURE, np.random.default_rng(0), STRENGTH)
    assert again.tobytes() == first.tobytes()


def test_every_view_shows_the_lesion_and_most_of_the_shorter_side() -> None:
    for view in views(60):
        assert 256 * STRENGTH.smallest_crop / STRENGTH.aspect <= min(view.size) <= 256
        darkest = np.percentile(np.asarray(view, np.float64).mean(axis=2), 2)
        assert darkest < 100


def test_a_picture_without_colour_is_taken_too() -> None:
    grey = augment_picture(PICTURE.convert("L"), np.random.default_rng(1), STRENGTH)
    assert grey.mode == "RGB"


@pytest.mark.parametrize("angle", [0, 45, 200])
def test_spinning_uncovers_no_black_corner(angle: float) -> None:
    bright = Image.new("RGB", (341, 256), (220, 180, 150))
    spun = augmentation.rotate_picture(bright, angle)
    assert spun.size == bright.size
    assert np.asarray(spun).min() >= 149


def test_what_is_hidden_is_one_rectangle_of_the_mean_colour() -> None:
    hidden = augmentation._erase_rectangle(PICTURE, np.random.default_rng(4), STRENGTH)
    changed = (np.asarray(hidden) != np.asarray(PICTURE)).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    inside = np.asarray(hidden)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert (inside == inside[0, 0]).all()
    assert 0.15**2 * 0.9 < inside.shape[0] * inside.shape[1] / (341 * 256) < 0.4**2 * 1.1


def grey_of(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("L"), np.float64).ravel()


def test_relit_pictures_have_many_colours_and_show_what_they_showed() -> None:
    relit = [relight(PICTURE, np.random.default_rng(seed), CLINIC) for seed in range(80)]
    means = np.array([np.asarray(one, np.float64).mean(axis=(0, 1)) for one in relit])
    assert (means.std(axis=0) > 10).all()
    for one in relit:
        assert one.size == PICTURE.size
        assert np.corrcoef(grey_of(one), grey_of(PICTURE))[0, 1] > 0.9


def test_darker_skin_than_that_of_any_source_is_drawn() -> None:
    light = Image.new("RGB", (64, 64), (205, 165, 150))
    relit = [relight(light, np.random.default_rng(seed), CLINIC) for seed in range(400)]
    assert min(np.asarray(one).mean() for one in relit) < 110


def test_a_widened_picture_holds_the_whole_picture_and_no_black_border() -> None:
    bright = Image.new("RGB", (341, 256), (220, 180, 150))
    sizes = set()
    for seed in range(30):
        wide = widen(bright, np.random.default_rng(seed), CLINIC)
        edge = (wide.width - 341) // 2
        assert wide.height - 256 == 2 * edge
        assert 0 <= edge <= 0.2 * 256 + 1
        assert np.asarray(wide).min() >= 149
        sizes.add(wide.size)
    assert len(sizes) > 10
    wide = widen(PICTURE, np.random.default_rng(3), CLINIC)
    edge = (wide.width - PICTURE.width) // 2
    inner = wide.crop((edge, edge, edge + PICTURE.width, edge + PICTURE.height))
    assert inner.tobytes() == PICTURE.tobytes()
