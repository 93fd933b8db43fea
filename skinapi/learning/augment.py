"""Every picture a little different each time: turned, cropped, tinted, blurred, partly hidden."""

import math

import numpy as np
from PIL import Image, ImageFilter

DIHEDRAL: tuple[Image.Transpose | None, ...] = (None, *Image.Transpose)
SMALLEST_CROP = 0.5
FARTHEST = 0.12
ASPECT = 4 / 3
COLOUR = 0.25
TINT = 0.08
LEAST_GAMMA = 0.8
SPUN, BLURRED, HIDDEN = 0.5, 0.15, 0.25
LARGEST_BLUR = 0.006
HIDDEN_SIDE = (0.15, 0.4)


def augment_picture(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """One random view, to be shown whole: vision.tensor turns it into numbers like any other
    picture.
    """
    view = picture.convert("RGB")
    if random.random() < SPUN:
        view = spin_picture(view, random.uniform(0, 360))
    view = view.crop(_random_box(view, random))
    view = _tint(turn_picture(view, random), random)
    if random.random() < BLURRED:
        radius = random.uniform(0, LARGEST_BLUR) * max(view.size)
        view = view.filter(ImageFilter.GaussianBlur(radius))
    return _hide(view, random) if random.random() < HIDDEN else view


def turn_picture(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """One of the eight ways to lay it down."""
    turn = DIHEDRAL[random.integers(len(DIHEDRAL))]
    return picture if turn is None else picture.transpose(turn)


def spin_picture(picture: Image.Image, angle: float) -> Image.Image:
    """By any angle; the corners that this uncovers show the skin beside them mirrored."""
    edge = math.ceil((math.hypot(*picture.size) - min(picture.size)) / 2)
    pixels = np.pad(np.asarray(picture), ((edge, edge), (edge, edge), (0, 0)), mode="reflect")
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    x, y = picture.width / 2, picture.height / 2
    right = (cos, sin, x + edge - cos * x - sin * y)
    down = (-sin, cos, y + edge + sin * x - cos * y)
    return Image.fromarray(pixels).transform(
        picture.size, Image.Transform.AFFINE, right + down, Image.Resampling.BILINEAR
    )


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
    """Brightness, contrast, saturation and gamma within a quarter, every channel within a few
    percent.
    """
    pixels = np.asarray(picture, np.float32)
    brightness, contrast, saturation = random.uniform(1 - COLOUR, 1 + COLOUR, 3)
    grey = pixels.mean(axis=2, keepdims=True)
    pixels = grey + (pixels - grey) * np.float32(saturation)
    middle = grey.mean()
    pixels = middle + (pixels - middle) * np.float32(contrast)
    pixels = pixels * (brightness * random.uniform(1 - TINT, 1 + TINT, 3)).astype(np.float32)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).point(_gamma_table(random))


def _gamma_table(random: np.random.Generator) -> list[int]:
    gamma = math.exp(random.uniform(-1, 1) * math.log(LEAST_GAMMA))
    return [round(255 * (value / 255) ** gamma) for value in range(256)] * 3


def _hide(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """A rectangle becomes the mean colour: no single spot may decide."""
    width, height = (round(random.uniform(*HIDDEN_SIDE) * side) for side in picture.size)
    corner = (
        int(random.integers(picture.width - width)),
        int(random.integers(picture.height - height)),
    )
    mean = np.asarray(picture, np.float32).mean(axis=(0, 1))
    hidden = picture.copy()
    hidden.paste(Image.new("RGB", (width, height), tuple(int(value) for value in mean)), corner)
    return hidden
