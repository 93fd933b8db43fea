"""Is the photo good enough to be judged? A few measures of its own pixels, and what they rule out."""

import numpy as np
from PIL import Image

from skinapi.vision.conditions import Frozen
from skinapi.vision.photo import Photo
from skinapi.vision.refusals import Reason
from skinapi.vision.tensor import Tensor, view_box

SIDE = 256
SMALLEST_SIDE = 96
DARKEST = 28.0
BRIGHTEST = 245.0
BLUREST = 1.0


class Quality(Frozen):
    """`brightness` 0..255 and `sharpness` are measured inside the network's view."""

    width: int
    height: int
    brightness: float
    sharpness: float
    reasons: tuple[Reason, ...]


def measure_quality(photo: Photo) -> Quality:
    grey = _grey_view(photo.pixels)
    brightness, sharpness = float(np.median(grey)), measure_sharpness(grey)
    ruled_out = {
        Reason.TOO_SMALL: min(photo.width, photo.height) < SMALLEST_SIDE,
        Reason.TOO_DARK: brightness < DARKEST,
        Reason.TOO_BRIGHT: brightness > BRIGHTEST,
        Reason.BLURRED: sharpness < BLUREST,
    }
    return Quality(
        width=photo.width,
        height=photo.height,
        brightness=round(brightness, 1),
        sharpness=round(sharpness, 3),
        reasons=tuple(reason for reason, holds in ruled_out.items() if holds),
    )


def measure_sharpness(grey: Tensor) -> float:
    """How strongly neighbours differ from their mean, in grey levels: blur takes this away first."""
    across = grey[1:-1, :-2] + grey[1:-1, 2:]
    along = grey[:-2, 1:-1] + grey[2:, 1:-1]
    edges = across + along - 4 * grey[1:-1, 1:-1]
    return float(np.sqrt(np.mean(np.square(edges))))


def _grey_view(pixels: Image.Image) -> Tensor:
    view = pixels.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=view_box(pixels))
    return np.asarray(view, np.float32)
