"""Our PNG is read by others as the very picture that went in."""

import io

import numpy as np
import pytest
from PIL import Image

from skinapi.vision.drawing.png import encode_png
from tests.vision.photos import skin_with_spot


@pytest.mark.parametrize("sides", [(1, 1), (1, 40), (40, 1), (341, 256), (50, 600)])
def test_every_pixel_comes_back(sides: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    noise = Image.fromarray(random.integers(0, 256, (sides[1], sides[0], 3), np.uint8))
    for picture in (noise, skin_with_spot(sides)):
        with Image.open(io.BytesIO(encode_png(picture)), formats=("PNG",)) as read:
            read.load()
            assert read.mode == "RGB"
            assert np.array_equal(np.asarray(read), np.asarray(picture))
