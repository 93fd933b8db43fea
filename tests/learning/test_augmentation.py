"""Random views: never twice the same, yet always a picture of that lesion."""

import numpy as np
import pytest
from PIL import Image

from skinapi.learning.data import augmentation
from skinapi.learning.data.augmentation import Augmentation, augment_picture
from tests.learning.pictures import draw_lesion

PICTURE = draw_lesion("mel", np.random.default_rng(0), (341, 256))
STRENGTH = Augmentation()


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
