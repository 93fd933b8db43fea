"""Turns a picture into one of another clinic: its light, its camera's distance, its skin.

A network that saw few clinics takes their colours and their scale for signs of a disease.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

DARKEST = 8.0


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
