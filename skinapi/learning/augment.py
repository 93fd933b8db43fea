"""Every picture a little different each time it is seen: turned, cropped, tinted."""

import math

import numpy as np
from PIL import Image

DIHEDRAL: tuple[Image.Transpose | None, ...] = (None, *Image.Transpose)
SMALLEST_CROP = 0.35
ASPECT = 4 / 3
COLOUR = 0.2
TINT = 0.06


def augment_picture(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """One random view of the picture; what comes out goes through vision.tensor like any other picture."""
    view = _crop(picture.convert("RGB"), random)
    turn = DIHEDRAL[random.integers(len(DIHEDRAL))]
    return _tint(view if turn is None else view.transpose(turn), random)


def _crop(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    area = random.uniform(SMALLEST_CROP, 1.0)
    aspect = math.exp(random.uniform(-math.log(ASPECT), math.log(ASPECT)))
    width = min(1.0, math.sqrt(area * aspect)) * picture.width
    height = min(1.0, math.sqrt(area / aspect)) * picture.height
    left = random.uniform(0, picture.width - width)
    top = random.uniform(0, picture.height - height)
    return picture.crop((round(left), round(top), round(left + width), round(top + height)))


def _tint(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Brightness, contrast and saturation within a fifth, each channel's gain within a few percent."""
    pixels = np.asarray(picture, np.float32)
    brightness, contrast, saturation = random.uniform(1 - COLOUR, 1 + COLOUR, 3)
    grey = pixels.mean(axis=2, keepdims=True)
    pixels = grey + (pixels - grey) * np.float32(saturation)
    middle = grey.mean()
    pixels = middle + (pixels - middle) * np.float32(contrast)
    pixels = pixels * (brightness * random.uniform(1 - TINT, 1 + TINT, 3)).astype(np.float32)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
