"""What training does to its pictures, and how strongly: random rotation, crop, flip, colour, blur
and erasing, and the light, distance and skin of another clinic.

A network that saw few clinics takes their colours and their scale for signs of a disease.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from skinapi.learning.data.degradation import Degradation, Marking

DIHEDRAL: tuple[Image.Transpose | None, ...] = (None, *Image.Transpose)
DARKEST = 8.0


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How strongly views of a picture differ. The field names are keys in card.json.

    - `smallest_crop`, `farthest` (distance from the centre): shares of the picture's shorter side
    - `aspect`: aspect ratio of the widest crop
    - `colour`: largest change of brightness, contrast and saturation; `tint`: of each channel
    - `spun`, `blurred`, `hidden`: shares of the views that are rotated, blurred, partly erased
    - `largest_blur`, `hidden_side`: shares of the view's sides
    """

    smallest_crop: float = 0.5
    farthest: float = 0.12
    aspect: float = 4 / 3
    colour: float = 0.25
    tint: float = 0.08
    least_gamma: float = 0.8
    spun: float = 0.5
    blurred: float = 0.15
    largest_blur: float = 0.006
    hidden: float = 0.25
    hidden_side: tuple[float, float] = (0.15, 0.4)


@dataclass(frozen=True, slots=True)
class OtherClinic:
    """How far a picture is moved. The field names are keys in card.json.

    - `colour`, `spread`: mean and covariance of a picture's mean colour, as the logarithm of RGB +
      8, over 2,000 pictures of five sources. The spread is twice the measured one: other skin and
      cameras than theirs are meant
    - `widest`: how much more than the picture is shown at most, as a factor of its shorter side
    """

    colour: tuple[float, float, float] = (5.198, 4.921, 4.826)
    spread: tuple[tuple[float, float, float], ...] = (
        (0.0722, 0.0587, 0.0540),
        (0.0587, 0.1031, 0.1003),
        (0.0540, 0.1003, 0.1383),
    )
    widest: float = 1.4


@dataclass(frozen=True, slots=True)
class AugmentationConfig:
    """How strongly training changes its pictures. Which share of them is changed is the phase's.

    A new kind of change gets its field here: then the card records it, and a training cannot be
    resumed with another value.
    """

    augmentation: Augmentation = field(default_factory=Augmentation)
    spoiling: Degradation = field(default_factory=Degradation)
    marking: Marking = field(default_factory=Marking)
    clinic: OtherClinic = field(default_factory=OtherClinic)


def augment_picture(
    picture: Image.Image, random: np.random.Generator, strength: Augmentation
) -> Image.Image:
    """A random view of the picture. It is already cropped, so make a tensor of the whole view."""
    view = picture.convert("RGB")
    if random.random() < strength.spun:
        view = rotate_picture(view, random.uniform(0, 360))
    view = view.crop(_random_box(view, random, strength))
    view = _tint(flip_or_turn(view, random), random, strength)
    if random.random() < strength.blurred:
        radius = random.uniform(0, strength.largest_blur) * max(view.size)
        view = view.filter(ImageFilter.GaussianBlur(radius))
    return _erase_rectangle(view, random, strength) if random.random() < strength.hidden else view


def flip_or_turn(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """One of the eight combinations of flips and quarter turns."""
    turn = DIHEDRAL[random.integers(len(DIHEDRAL))]
    return picture if turn is None else picture.transpose(turn)


def rotate_picture(picture: Image.Image, angle: float) -> Image.Image:
    """Rotates by any angle. The corners are filled with mirrored skin: black ones would be a
    shortcut.
    """
    pixels, edge = mirror_edges(picture)
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    x, y = picture.width / 2, picture.height / 2
    right = (cos, sin, x + edge - cos * x - sin * y)
    down = (-sin, cos, y + edge + sin * x - cos * y)
    return Image.fromarray(pixels).transform(
        picture.size, Image.Transform.AFFINE, right + down, Image.Resampling.BILINEAR
    )


def mirror_edges(picture: Image.Image) -> tuple[NDArray[np.uint8], int]:
    """The picture with a mirrored border that covers the corners at any rotation, and its width."""
    edge = math.ceil((math.hypot(*picture.size) - min(picture.size)) / 2)
    return np.pad(np.asarray(picture), ((edge, edge), (edge, edge), (0, 0)), mode="reflect"), edge


def _random_box(
    picture: Image.Image, random: np.random.Generator, strength: Augmentation
) -> tuple[int, int, int, int]:
    """A crop around the centre, where the lesion is: smaller or larger than the one that serving
    takes, and not quite square.
    """
    side = random.uniform(strength.smallest_crop, 1.0) * min(picture.size)
    widest = math.log(strength.aspect)
    # On a logarithmic scale, so that wide and tall crops are equally likely.
    stretch = math.exp(random.uniform(-widest, widest) / 2)
    width, height = min(side * stretch, picture.width), min(side / stretch, picture.height)
    away = random.uniform(-strength.farthest, strength.farthest, 2) * min(picture.size)
    left = min(max((picture.width - width) / 2 + away[0], 0.0), picture.width - width)
    top = min(max((picture.height - height) / 2 + away[1], 0.0), picture.height - height)
    return round(left), round(top), round(left + width), round(top + height)


def _tint(picture: Image.Image, random: np.random.Generator, strength: Augmentation) -> Image.Image:
    """Changes brightness, contrast, saturation, gamma, and the colour of the light."""
    pixels = np.asarray(picture, np.float32)
    brightness, contrast, saturation = random.uniform(1 - strength.colour, 1 + strength.colour, 3)
    grey = pixels.mean(axis=2, keepdims=True)
    pixels = grey + (pixels - grey) * np.float32(saturation)
    middle = grey.mean()
    pixels = middle + (pixels - middle) * np.float32(contrast)
    channels = random.uniform(1 - strength.tint, 1 + strength.tint, 3)
    pixels = pixels * (brightness * channels).astype(np.float32)
    gamma = math.exp(random.uniform(-1, 1) * math.log(strength.least_gamma))
    table = [round(255 * (value / 255) ** gamma) for value in range(256)] * 3
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).point(table)


def _erase_rectangle(
    picture: Image.Image, random: np.random.Generator, strength: Augmentation
) -> Image.Image:
    """Random erasing: fills a rectangle with the mean colour, so that no single spot decides."""
    width, height = (round(random.uniform(*strength.hidden_side) * side) for side in picture.size)
    corner = (
        int(random.integers(picture.width - width)),
        int(random.integers(picture.height - height)),
    )
    mean = np.asarray(picture, np.float32).mean(axis=(0, 1))
    hidden = picture.copy()
    hidden.paste(Image.new("RGB", (width, height), tuple(int(value) for value in mean)), corner)
    return hidden


def relight(
    picture: Image.Image, random: np.random.Generator, strength: OtherClinic
) -> Image.Image:
    """Moves the mean colour part of the way to that of another clinic's picture."""
    pixels = np.log(np.asarray(picture.convert("RGB"), np.float32) + DARKEST)
    drawn = random.multivariate_normal(strength.colour, strength.spread)
    move = (drawn - pixels.mean(axis=(0, 1))) * random.random()
    moved = np.exp(pixels + move.astype(np.float32)) - DARKEST
    return Image.fromarray(moved.round().clip(0, 255).astype(np.uint8))


def widen(picture: Image.Image, random: np.random.Generator, strength: OtherClinic) -> Image.Image:
    """Puts mirrored skin around the picture: the lesion is as small as from farther away."""
    edge = round((random.uniform(1.0, strength.widest) - 1.0) / 2 * min(picture.size))
    border = ((edge, edge), (edge, edge), (0, 0))
    return Image.fromarray(np.pad(np.asarray(picture.convert("RGB")), border, mode="reflect"))
