import io
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from skinapi.model.decoding.photo import Photo

SKIN, SPOT = (205, 150, 125), (95, 55, 45)
# A third of the time or less, for files that are somewhat larger.
QUICKLY = {"PNG": {"compress_level": 1}, "WEBP": {"method": 0}}


def skin_with_spot(
    size: tuple[int, int] = (341, 256),
    *,
    skin: tuple[int, int, int] = SKIN,
    spot: tuple[int, int, int] = SPOT,
    grain: float = 1.5,
) -> Image.Image:
    return _skin_with_spot(size, skin, spot, grain).copy()


@cache
def _skin_with_spot(
    size: tuple[int, int], skin: tuple[int, int, int], spot: tuple[int, int, int], grain: float
) -> Image.Image:
    picture = Image.new("RGB", size, skin)
    (x, y), radius = (size[0] / 2, size[1] / 2), min(size) / 5
    ImageDraw.Draw(picture).ellipse((x - radius, y - radius, x + radius, y + radius), fill=spot)
    picture = picture.filter(ImageFilter.GaussianBlur(2))
    noise = np.random.default_rng(7).normal(0, grain, (size[1], size[0], 1))
    pixels = np.asarray(picture, np.float32) + noise
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def encoded(picture: Image.Image, format_: str = "JPEG", **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, format_, **{**QUICKLY.get(format_, {}), **options})
    return out.getvalue()


def as_photo(picture: Image.Image) -> Photo:
    return Photo(picture.convert("RGB"), picture.width, picture.height, "PNG")
