import io
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from skinapi.model.comparison.alignment import Floats, Similarity, blur, draw_in_first

# Of the patches of a pattern, in pixels.
SIZES = (2, 5, 12)
SKIN, LESION = np.array([205.0, 150, 125]), np.array([120.0, 70, 55])
BLACK, BLUE_WHITE = (22, 16, 18), (140, 150, 180)
# A view has this share of its picture's sides, so that it is turned without an empty corner often.
SHARE = 0.85
# Of the spot, which has a radius of about 67 pixels.
MIDDLE = (256, 192)


@cache
def spot(seed: int, *, area: float = 1.0, darker: float = 0.0, side: int = 384) -> Image.Image:
    """`area` is the factor by which the lesion is enlarged, on the same skin; `darker` is in grey
    levels.
    """
    random = np.random.default_rng(seed)
    width = side * 4 // 3
    rows, columns = np.mgrid[-1 : 1 : side * 1j, -1.333 : 1.333 : width * 1j]
    angles = np.arctan2(rows, columns)
    radius = 0.35 * np.sqrt(area) * (1 + 0.1 * np.cos(3 * angles + seed))
    inside = 1 / (1 + np.exp((np.hypot(rows, columns) - radius) * 60))[..., None]
    skin, net = (weight * pattern(random, (side, width)) for weight in (12, 30))
    pixels = (SKIN + skin) * (1 - inside) + (LESION - darker + net) * inside
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def with_disc(
    picture: Image.Image,
    across: float,
    down: float,
    radius: float,
    colour: tuple[int, int, int] = BLACK,
) -> Image.Image:
    picture = picture.copy()
    box = (across - radius, down - radius, across + radius, down + radius)
    ImageDraw.Draw(picture).ellipse(box, fill=colour)
    return picture


def pattern(random: np.random.Generator, shape: tuple[int, int]) -> Floats:
    patches = [size * blur(random.normal(0, 1, shape).astype(np.float32), size) for size in SIZES]
    return np.asarray(np.stack(patches, axis=-1).sum(axis=-1, keepdims=True))


def take_view(picture: Image.Image, by: Similarity, random: np.random.Generator) -> Image.Image:
    width, height = (round(SHARE * side) for side in picture.size)
    moved = draw_in_first(picture, by, (width, height))
    moved = moved.filter(ImageFilter.GaussianBlur(random.uniform(0, 0.7)))
    gradient = 1 + random.uniform(-0.15, 0.15) * np.linspace(-1, 1, width)[None, :, None]
    lit = np.asarray(moved, np.float64) * gradient * random.uniform(0.8, 1.15, 3)
    kept = io.BytesIO()
    quality = int(random.integers(50, 96))
    Image.fromarray(lit.clip(0, 255).astype(np.uint8)).save(kept, "JPEG", quality=quality)
    return Image.open(kept).convert("RGB")
