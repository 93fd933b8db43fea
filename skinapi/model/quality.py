"""Checks whether a photo is good enough to be classified, by a few measures of its pixels.

The limits lie outside the range of HAM10000's training lesions, as measured by
`python -m bench.refusal_limits`. So a doubtful photo passes; the finding states its own
doubts.
"""

import numpy as np
from PIL import Image

from skinapi.base.stored_record import StoredRecord
from skinapi.model.decoding.photo import SMALLEST_SIDE, Photo
from skinapi.model.network.tensor import Tensor, view_box
from skinapi.model.refusals import Reason

VIEW_SIZE = (256, 256)
# Among the training pictures the lowest highlights are 100, the highest brightness is 242 and the
# lowest sharpness 1.9 (bare skin: 1.52). Of pictures blurred by two pixels of the view, four in
# five fall below a sharpness of 1.5; of those blurred by three, nearly all. The darkest skin in
# normal light has highlights above 50 and must pass.
LEAST_HIGHLIGHTS = 40.0
MOST_BRIGHTNESS = 244.0
LEAST_SHARPNESS = 1.5


class Quality(StoredRecord):
    """The size of a photo, and measures of the part that the network sees.

    `brightness` is the median grey level, `highlights` the grey level that only the brightest
    twentieth of the pixels exceeds, `sharpness` how much neighbouring pixels differ. `reasons` are
    the reasons to refuse the photo.
    """

    width: int
    height: int
    brightness: float
    highlights: float
    sharpness: float
    reasons: tuple[Reason, ...]


def measure_quality(photo: Photo) -> Quality:
    grey = _grey_view(photo.pixels)
    brightness, highlights = levels_below(grey, 0.50, 0.95)
    sharpness = measure_sharpness(np.asarray(grey, np.float32))
    ruled_out = {
        Reason.TOO_SMALL: min(photo.width, photo.height) < SMALLEST_SIDE,
        Reason.TOO_DARK: highlights < LEAST_HIGHLIGHTS,
        Reason.TOO_BRIGHT: brightness > MOST_BRIGHTNESS,
        Reason.BLURRED: sharpness < LEAST_SHARPNESS,
    }
    return Quality(
        width=photo.width,
        height=photo.height,
        brightness=round(brightness, 1),
        highlights=round(highlights, 1),
        sharpness=round(sharpness, 3),
        reasons=tuple(reason for reason, holds in ruled_out.items() if holds),
    )


def levels_below(grey: Image.Image, *shares: float) -> list[float]:
    """The grey level that each of these shares of the pixels does not exceed (a quantile)."""
    cumulative = np.cumsum(grey.histogram())
    return [float(np.searchsorted(cumulative, share * cumulative[-1])) for share in shares]


def measure_sharpness(grey: Tensor) -> float:
    """The root mean square of the second differences, in grey levels: blur reduces these first."""
    edges = grey[1:-1, :-2] + grey[1:-1, 2:]
    edges += grey[:-2, 1:-1] + grey[2:, 1:-1]
    edges -= 4 * grey[1:-1, 1:-1]
    return float(np.sqrt(np.mean(np.square(edges, out=edges))))


def _grey_view(pixels: Image.Image) -> Image.Image:
    grey = pixels.convert("L")
    return grey.resize(VIEW_SIZE, Image.Resampling.BILINEAR, box=view_box(pixels.size))
