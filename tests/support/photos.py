import io
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

COLOURS = {
    "actinic_keratosis": (200, 110, 100),
    "basal_cell_carcinoma": (215, 160, 150),
    "benign_keratosis": (140, 100, 70),
    "dermatofibroma": (175, 135, 115),
    "melanoma": (70, 45, 40),
    "melanocytic_nevus": (110, 70, 50),
    "normal_skin": (232, 195, 175),
    "vascular_lesion": (170, 50, 60),
}
# For `models.asking_model`: dark skin under green light, and no skin at all.
LIKE_NO_SKIN, NO_SKIN = (75, 88, 55), (40, 210, 60)
# Between a cancer and a benign condition: two benign ones would be no doubt.
UNCERTAIN = tuple(
    (a + b) // 2
    for a, b in zip(COLOURS["basal_cell_carcinoma"], COLOURS["dermatofibroma"], strict=True)
)


def between(one: str, other: str, share: float) -> tuple[int, ...]:
    pairs = zip(COLOURS[one], COLOURS[other], strict=True)
    return tuple(round(a * (1 - share) + b * share) for a, b in pairs)


def photo_of(key: str, size: tuple[int, int] = (300, 225), **options: Any) -> bytes:
    return photo_in(COLOURS[key], size, **options)


@cache
def photo_in(
    colour: tuple[int, ...], size: tuple[int, int] = (300, 225), *, format: str = "JPEG"
) -> bytes:
    """Rough enough not to be refused as blurred."""
    noise = np.random.default_rng(len(colour)).normal(0, 8, (size[1], size[0], 1))
    pixels = (np.array(colour) + noise).clip(0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format)
    return out.getvalue()
