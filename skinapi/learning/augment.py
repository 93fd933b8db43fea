"""Every picture a little different each time it is seen: turned, cropped, tinted."""

import math

import numpy as np
from PIL import Image

DIHEDRAL: tuple[Image.Transpose | None, ...] = (None, *Image.Transpose)
SMALLEST_CROP = 0.6
FARTHEST = 0.15
ASPECT = 4 / 3
COLOUR = 0.2
TINT = 0.06


def augment_picture(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """One random view, to be shown whole: vision.tensor turns it into numbers like any other
    picture.
    """
    view = picture.convert("RGB").crop(_random_box(picture, random))
    turn = DIHEDRAL[random.integers(len(DIHEDRAL))]
    return _tint(view if turn is None else view.transpose(turn), random)


def _random_box(picture: Image.Image, random: np.random.Generator) -> tuple[int, int, int, int]:
    """Around the middle, where the lesion is: smaller and larger than what serving shows, and not
    quite square.
    """
    side = random.uniform(SMALLEST_CROP, 1.0) * min(picture.size)
    stretch = math.exp(random.uniform(-math.log(ASPECT), math.log(ASPECT)) / 2)
    width, height = min(side * stretch, picture.width), min(side / stretch, picture.height)
    away = random.uniform(-FARTHEST, FARTHEST, 2) * min(picture.size)
    left = min(max((picture.width - width) / 2 + away[0], 0.0), picture.width - width)
    top = min(max((picture.height - height) / 2 + away[1], 0.0), picture.height - height)
    return round(left), round(top), round(left + width), round(top + height)


def _tint(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Brightness, contrast and saturation within a fifth, every channel within a few percent."""
    pixels = np.asarray(picture, np.float32)
    brightness, contrast, saturation = random.uniform(1 - COLOUR, 1 + COLOUR, 3)
    grey = pixels.mean(axis=2, keepdims=True)
    pixels = grey + (pixels - grey) * np.float32(saturation)
    middle = grey.mean()
    pixels = middle + (pixels - middle) * np.float32(contrast)
    pixels = pixels * (brightness * random.uniform(1 - TINT, 1 + TINT, 3)).astype(np.float32)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
