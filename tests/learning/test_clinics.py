"""Pictures as another clinic takes them: other colours, another distance, the same lesion."""

import numpy as np
from PIL import Image

from skinapi.learning.data.clinics import OtherClinic, relight, widen
from tests.learning.pictures import draw_lesion

PICTURE = draw_lesion("mel", np.random.default_rng(0), (341, 256))
STRENGTH = OtherClinic()


def grey_of(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("L"), np.float64).ravel()


def test_relit_pictures_have_many_colours_and_show_what_they_showed() -> None:
    relit = [relight(PICTURE, np.random.default_rng(seed), STRENGTH) for seed in range(80)]
    means = np.array([np.asarray(one, np.float64).mean(axis=(0, 1)) for one in relit])
    assert (means.std(axis=0) > 10).all()
    for one in relit:
        assert one.size == PICTURE.size
        assert np.corrcoef(grey_of(one), grey_of(PICTURE))[0, 1] > 0.9


def test_darker_skin_than_that_of_any_source_is_drawn() -> None:
    light = Image.new("RGB", (64, 64), (205, 165, 150))
    relit = [relight(light, np.random.default_rng(seed), STRENGTH) for seed in range(400)]
    assert min(np.asarray(one).mean() for one in relit) < 110


def test_a_widened_picture_holds_the_whole_picture_and_no_black_border() -> None:
    bright = Image.new("RGB", (341, 256), (220, 180, 150))
    sizes = set()
    for seed in range(30):
        wide = widen(bright, np.random.default_rng(seed), STRENGTH)
        edge = (wide.width - 341) // 2
        assert wide.height - 256 == 2 * edge
        assert 0 <= edge <= 0.2 * 256 + 1
        assert np.asarray(wide).min() >= 149
        sizes.add(wide.size)
    assert len(sizes) > 10
    wide = widen(PICTURE, np.random.default_rng(3), STRENGTH)
    edge = (wide.width - PICTURE.width) // 2
    inner = wide.crop((edge, edge, edge + PICTURE.width, edge + PICTURE.height))
    assert inner.tobytes() == PICTURE.tobytes()
