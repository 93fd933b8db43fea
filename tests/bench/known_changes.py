"""Pictures that were moved, turned, scaled, lit and compressed, and lesions that were made larger,
by known amounts.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from skinapi.vision.comparison.similarity import Similarity, draw_in_first

# A view has this share of its picture's sides, so that it is turned without an empty corner often.
SHARE = 0.85


def random_view(random: np.random.Generator) -> Similarity:
    """Where a point of the view lies in the picture: half of them turned a little, half anyhow."""
    most = 15 if random.random() < 0.5 else 180
    return Similarity.of(
        scale=SHARE * random.uniform(0.65, 1.0),
        degrees=random.uniform(-most, most),
        across=random.uniform(-0.06, 0.06),
        down=random.uniform(-0.06, 0.06),
    )


def take_view(picture: Image.Image, by: Similarity, random: np.random.Generator) -> Image.Image:
    """Moved, in other light (its colour, and a gradient), a little blurred, and compressed."""
    width, height = (round(SHARE * side) for side in picture.size)
    moved = draw_in_first(picture, by, (width, height))
    moved = moved.filter(ImageFilter.GaussianBlur(random.uniform(0, 0.7)))
    gradient = 1 + random.uniform(-0.15, 0.15) * np.linspace(-1, 1, width)[None, :, None]
    lit = np.asarray(moved, np.float64) * gradient * random.uniform(0.8, 1.15, 3)
    kept = io.BytesIO()
    quality = int(random.integers(50, 96))
    Image.fromarray(lit.clip(0, 255).astype(np.uint8)).save(kept, "JPEG", quality=quality)
    return Image.open(kept).convert("RGB")


def enlarge(picture: Image.Image, mask: Image.Image, area: float) -> tuple[Image.Image, float]:
    """The picture with its lesion's area made so many times as large, within skin that stays where
    it is but for a ring around the lesion; and by how much the mask's area really grew.
    """
    rows, columns = np.nonzero(np.asarray(mask))
    middle = np.array([columns.mean(), rows.mean()])
    radius = np.hypot(columns - middle[0], rows - middle[1]).max()
    down, across = np.mgrid[: picture.height, : picture.width].astype(np.float64)
    distance = np.hypot(across - middle[0], down - middle[1])
    within = np.sqrt(area) * radius
    inner = 1 / np.sqrt(area)
    shrunk = np.interp(distance, [within, within + radius / 2], [inner, 1.0])
    x, y = (middle[axis] + shrunk * (one - middle[axis]) for axis, one in enumerate((across, down)))
    grown = _sampled(np.asarray(mask, np.float64)[..., None] > 0, x, y)[..., 0] > 0.5
    pixels = _sampled(np.asarray(picture, np.float64), x, y)
    return Image.fromarray(np.rint(pixels).astype(np.uint8)), float(grown.sum() / rows.size)


def _sampled(
    values: NDArray[np.generic], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Bilinear; beyond the border the nearest pixel."""
    height, width = values.shape[:2]
    x, y = x.clip(0, width - 1.001), y.clip(0, height - 1.001)
    left, top = x.astype(int), y.astype(int)
    right, low = (x - left)[..., None], (y - top)[..., None]
    upper = values[top, left] * (1 - right) + values[top, left + 1] * right
    lower = values[top + 1, left] * (1 - right) + values[top + 1, left + 1] * right
    return np.asarray(upper * (1 - low) + lower * low)
