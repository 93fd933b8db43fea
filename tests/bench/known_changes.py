"""Pictures that were moved, turned, scaled, lit and compressed, and lesions that were made larger
or painted on, by known amounts.
"""

import io
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from skinapi.vision.comparison.similarity import Mask, Similarity, draw_in_first

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


class Alarm(StrEnum):
    """What the worst lesions announce themselves by, painted into a picture."""

    NODULE = "black disc of 12 % of the area"
    LARGE_NODULE = "black disc of 25 % of the area"
    SATELLITE = "black satellite of 6 % of the area"
    CENTRE = "blue-white centre of 20 % of the area"


# Of the lesion's area, the colour, and how much of what lies below is covered.
PAINT = {
    Alarm.NODULE: (0.12, (22, 16, 18), 0.95),
    Alarm.LARGE_NODULE: (0.25, (22, 16, 18), 0.95),
    Alarm.SATELLITE: (0.06, (22, 16, 18), 0.95),
    Alarm.CENTRE: (0.20, (140, 150, 180), 0.7),
}


def paint(
    picture: Image.Image, lesion: Mask, shown: Mask, alarm: Alarm, random: np.random.Generator
) -> Image.Image | None:
    """The picture with an alarm in its lesion, or beside it, where `shown` is true. None if there
    is no such place.
    """
    share, colour, cover = PAINT[alarm]
    radius = float(np.sqrt(share * lesion.sum() / np.pi))
    if alarm is Alarm.SATELLITE:
        near = _share_within(lesion, 2 * radius) > 0.02
        possible = near & (_share_within(lesion, 1.3 * radius) < 0.01)
    else:
        inside = _share_within(lesion, radius)
        possible = inside > min(0.97, inside.max() - 1e-3)
    possible &= _share_within(shown, radius) > 0.98
    rows, columns = np.nonzero(possible)
    if not rows.size:
        return None
    if alarm is Alarm.CENTRE:
        middle = [float(places.mean()) for places in np.nonzero(lesion)]
        chosen = int(np.hypot(rows - middle[0], columns - middle[1]).argmin())
    else:
        chosen = int(random.integers(rows.size))
    down, across = np.mgrid[: picture.height, : picture.width]
    distance = np.hypot(down - rows[chosen], across - columns[chosen])
    covered = cover * np.clip((radius - distance) / 2 + 0.5, 0, 1)[..., None]
    painted = np.asarray(picture, np.float64) * (1 - covered) + np.array(colour) * covered
    return Image.fromarray(np.rint(painted).astype(np.uint8))


def _share_within(mask: Mask, radius: float) -> NDArray[np.float64]:
    """Which share of the disc about each pixel is in the mask; beyond the border nothing is."""
    margin = int(np.ceil(radius)) + 1
    padded = np.pad(mask.astype(np.float64), margin)
    height, width = padded.shape
    down, across = (
        np.minimum(one, side - one)
        for one, side in ((np.arange(height)[:, None], height), (np.arange(width)[None], width))
    )
    disc = np.hypot(down, across) <= radius
    summed = np.fft.irfft2(np.fft.rfft2(padded) * np.fft.rfft2(disc), padded.shape)
    return np.asarray(summed[margin:-margin, margin:-margin] / disc.sum())
