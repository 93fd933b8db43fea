"""Is the photo good enough to be classified? A few measures of its pixels, and what they rule out.

The limits stand outside everything that HAM10000's training lesions show, as measured by
`python -m tests.bench.refusal_limits`: in doubt a photo passes, because the answer carries its own
doubts.
"""

import numpy as np
from PIL import Image

from skinapi.vision.conditions import Frozen
from skinapi.vision.decode_limits import SMALLEST_SIDE
from skinapi.vision.photo import Photo
from skinapi.vision.refusals import Reason
from skinapi.vision.tensor import Tensor, view_box

SIDE = 256
# The darkest training picture has highlights of 100, the palest a brightness of 242, the softest a
# sharpness of 1.9 (bare skin: 1.52). Of pictures blurred by two of the view's pixels four in five
# fall below 1.5, by three nearly all. The darkest skin in plain light has highlights above 50, and
# must pass.
DIMMEST_HIGHLIGHTS = 40.0
PALEST = 244.0
SOFTEST = 1.5


class Quality(Frozen):
    """All within the network's view: `brightness` is its median grey level, `highlights` what the
    brightest twentieth exceeds, `sharpness` how much neighbours differ.
    """

    width: int
    height: int
    brightness: float
    highlights: float
    sharpness: float
    reasons: tuple[Reason, ...]


def measure_quality(photo: Photo) -> Quality:
    grey = _grey_view(photo.pixels)
    brightness, highlights = level_below(grey, 0.50), level_below(grey, 0.95)
    sharpness = measure_sharpness(np.asarray(grey, np.float32))
    ruled_out = {
        Reason.TOO_SMALL: min(photo.width, photo.height) < SMALLEST_SIDE,
        Reason.TOO_DARK: highlights < DIMMEST_HIGHLIGHTS,
        Reason.TOO_BRIGHT: brightness > PALEST,
        Reason.BLURRED: sharpness < SOFTEST,
    }
    return Quality(
        width=photo.width,
        height=photo.height,
        brightness=round(brightness, 1),
        highlights=round(highlights, 1),
        sharpness=round(sharpness, 3),
        reasons=tuple(reason for reason, holds in ruled_out.items() if holds),
    )


def level_below(grey: Image.Image, share: float) -> float:
    """The grey level that so large a share of the pixels does not exceed."""
    up_to = np.cumsum(grey.histogram())
    return float(np.searchsorted(up_to, share * up_to[-1]))


def measure_sharpness(grey: Tensor) -> float:
    """The size of the second differences, in grey levels: blur takes them away first."""
    across = grey[1:-1, :-2] + grey[1:-1, 2:]
    along = grey[:-2, 1:-1] + grey[2:, 1:-1]
    edges = across + along - 4 * grey[1:-1, 1:-1]
    return float(np.sqrt(np.mean(np.square(edges))))


def _grey_view(pixels: Image.Image) -> Image.Image:
    grey = pixels.convert("L")
    return grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=view_box(pixels))
