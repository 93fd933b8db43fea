"""What a network sees of a picture: its tensor, and whether a photo is good enough.

Training, evaluation and serving all use this code, so that they cannot differ.
"""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skinapi.base.stored_record import StoredRecord
from skinapi.model.decoding.isolated_process import as_rgb
from skinapi.model.decoding.photo import SMALLEST_SIDE, Photo
from skinapi.model.refusals import Reason

Tensor = NDArray[np.float32]
Box = tuple[float, float, float, float]

# The share of the shorter side that a network is shown. One whose card names none was calibrated on
# the former share, and what was found by it keeps that.
SEEN = 1.0
SEEN_BEFORE = 4 / 5

_CAFFE_MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)
_TORCH_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_TORCH_STD = np.array([0.229, 0.224, 0.225], np.float32)


class Scaling(StrEnum):
    """How a network expects its pixels to be scaled; the names are those of keras.applications."""

    CAFFE = "caffe"
    TORCH = "torch"
    TF = "tf"
    RAW = "raw"


def view_box(size: tuple[int, int], seen: float) -> Box:
    """The central square that the network sees, which a heat map covers: `seen` of the shorter
    side. docs/experiments.md explains why it is the whole side.
    """
    side = seen * min(size)
    left, top = (size[0] - side) / 2, (size[1] - side) / 2
    return left, top, left + side, top + side


def make_tensor(
    picture: Image.Image,
    *,
    side: int,
    scaling: Scaling,
    seen: float = SEEN,
    box: Box | None = None,
) -> Tensor:
    shown = as_rgb(picture).resize(
        (side, side), Image.Resampling.BILINEAR, box=box or view_box(picture.size, seen)
    )
    return scale_pixels(np.asarray(shown, np.float32), scaling)


def make_whole_tensor(picture: Image.Image, *, side: int, scaling: Scaling) -> Tensor:
    return make_tensor(picture, side=side, scaling=scaling, box=(0, 0, *picture.size))


def scale_pixels(pixels: Tensor, scaling: Scaling) -> Tensor:
    if scaling is Scaling.CAFFE:
        # Caffe networks read BGR. One channel at a time is three times as fast as all at once in
        # reversed order.
        scaled = np.empty_like(pixels)
        for channel, mean in enumerate(_CAFFE_MEAN_BGR):
            np.subtract(pixels[..., 2 - channel], mean, out=scaled[..., channel])
        return scaled
    if scaling is Scaling.TORCH:
        return (pixels / np.float32(255.0) - _TORCH_MEAN) / _TORCH_STD
    if scaling is Scaling.TF:
        return pixels / np.float32(127.5) - np.float32(1.0)
    return pixels


VIEW_SIZE = (256, 256)
# Among the training pictures the lowest highlights are 100, the highest brightness is 242 and the
# lowest sharpness 1.9 (bare skin: 1.52). Of pictures blurred by two pixels of the view, four in
# five fall below a sharpness of 1.5; of those blurred by three, nearly all. The darkest skin in
# normal light has highlights above 50 and must pass.
LEAST_HIGHLIGHTS = 40.0
MOST_BRIGHTNESS = 244.0
LEAST_SHARPNESS = 1.5


class Quality(StoredRecord):
    """The size of a photo, the share of its shorter side that the network sees, and measures of
    that part: the median grey level, the level that only the brightest twentieth exceeds, and the
    difference between neighbouring pixels; and reasons to refuse.
    """

    width: int
    height: int
    brightness: float
    highlights: float
    sharpness: float
    reasons: tuple[Reason, ...]
    seen: float = SEEN_BEFORE


def measure_quality(photo: Photo, seen: float = SEEN) -> Quality:
    grey = photo.pixels.convert("L")
    grey = grey.resize(VIEW_SIZE, Image.Resampling.BILINEAR, box=view_box(grey.size, seen))
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
        seen=seen,
    )


def levels_below(grey: Image.Image, *shares: float) -> list[float]:
    cumulative = np.cumsum(grey.histogram())
    return [float(np.searchsorted(cumulative, share * cumulative[-1])) for share in shares]


def measure_sharpness(grey: Tensor) -> float:
    """The root mean square of the second differences: blur reduces these first."""
    edges = grey[1:-1, :-2] + grey[1:-1, 2:]
    edges += grey[:-2, 1:-1] + grey[2:, 1:-1]
    edges -= 4 * grey[1:-1, 1:-1]
    return float(np.sqrt(np.mean(np.square(edges, out=edges))))
