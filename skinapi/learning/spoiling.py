"""What may go wrong between the skin and the file: another lamp, a hand that shakes, a lens that is
not in focus, hair, the dark edge of a tube, noise, a camera that sharpens, a file pressed small.
"""

import io
import math
import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Change = Callable[[Image.Image], Image.Image]
Spoil = Callable[[Image.Image, np.random.Generator], Image.Image]

MOST_AT_ONCE = 2
CHANNEL, BRIGHTEST, DARKEST = 0.15, 0.45, 0.6
LARGEST_BLUR, LONGEST_SHAKE = 0.018, 0.03
LOUDEST = 14.0
QUALITY = (8, 60)
FEWEST_HAIRS, MOST_HAIRS, STEPS = 2, 18, 24
SHARPENED = (40, 180)
TUBE = (0.44, 0.64)


def spoil_picture(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """One or two misfortunes, each of its own strength."""
    many = int(random.integers(1, MOST_AT_ONCE + 1))
    for index in random.choice(len(SPOILS), many, replace=False):
        picture = SPOILS[index](picture, random)
    return picture


def seeded_by(picture: Image.Image) -> np.random.Generator:
    """Chance that befalls the same pixels alike each time, to measure with."""
    return np.random.default_rng(zlib.crc32(picture.tobytes()))


def press(picture: Image.Image, quality: int) -> Image.Image:
    """As a JPEG of this quality."""
    squeezed = io.BytesIO()
    picture.save(squeezed, "JPEG", quality=quality)
    return Image.open(squeezed).convert("RGB")


def light(picture: Image.Image, share: NDArray[np.floating]) -> Image.Image:
    """So much of its red, green and blue, or of the light of every place."""
    return _picture(np.asarray(picture, np.float64) * share)


def add_grain(picture: Image.Image, loudness: float, random: np.random.Generator) -> Image.Image:
    pixels = np.asarray(picture, np.float64)
    return _picture(pixels + random.normal(0, loudness, pixels.shape))


def frame_darkly(
    picture: Image.Image, radius: float, edge: float, away: tuple[float, float] = (0.0, 0.0)
) -> Image.Image:
    """Black outside a circle, as through a tube; lengths are shares of the shorter side, `away` is
    how far the circle lies from the middle.
    """
    side = min(picture.size)
    across = np.arange(picture.width) - (picture.width - 1) / 2 - away[0] * side
    down = np.arange(picture.height) - (picture.height - 1) / 2 - away[1] * side
    distance = np.hypot(across[None, :], down[:, None]) / side
    lit = np.clip((radius - distance) / edge + 0.5, 0.0, 1.0)
    return light(picture, lit[..., None])


def _another_lamp(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    brightness = math.exp(random.uniform(-DARKEST, BRIGHTEST))
    return light(picture, np.exp(random.uniform(-CHANNEL, CHANNEL, 3)) * brightness)


def _out_of_focus(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    radius = random.uniform(0, LARGEST_BLUR) * min(picture.size)
    return picture.filter(ImageFilter.GaussianBlur(radius))


def _shaken(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """The mean of the picture and itself moved a little further each time, round the edges."""
    pixels = np.asarray(picture, np.float32)
    reach = random.uniform(0, LONGEST_SHAKE) * min(picture.size)
    angle = random.uniform(0, 2 * math.pi)
    steps = reach * np.linspace(-0.5, 0.5, max(2, math.ceil(reach)))
    moves = np.outer(steps, (math.sin(angle), math.cos(angle))).round().astype(int)
    moved = [np.roll(pixels, (down, across), axis=(0, 1)) for down, across in moves]
    return _picture(np.mean(moved, axis=0))


def _noisy(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    return add_grain(picture, random.uniform(0, LOUDEST), random)


def _pressed(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    return press(picture, int(random.integers(*QUALITY)))


def _sharpened(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    percent = int(random.integers(*SHARPENED))
    return picture.filter(ImageFilter.UnsharpMask(random.uniform(0.5, 2.5), percent))


def darken_rim(
    picture: Image.Image, random: np.random.Generator, radius: tuple[float, float] = TUBE
) -> Image.Image:
    """The edge of a dermoscope's tube, not quite in the middle; `radius` is a range of shares of
    the shorter side.
    """
    away = random.uniform(-0.06, 0.06, 2)
    edge = random.uniform(0.01, 0.1)
    return frame_darkly(picture, random.uniform(*radius), edge, (away[0], away[1]))


def _hairy(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Curved lines from edge to edge or shorter, dark as a rule, some fair."""
    haired = picture.copy()
    pen = ImageDraw.Draw(haired)
    shade = random.uniform(10, 80) if random.random() < 0.8 else random.uniform(160, 230)
    along = np.linspace(0, 1, STEPS)[:, None]
    for _ in range(int(random.integers(FEWEST_HAIRS, MOST_HAIRS + 1))):
        start, bend, end = random.uniform(-0.2, 1.2, (3, 2)) * picture.size
        way = (1 - along) ** 2 * start + 2 * along * (1 - along) * bend + along**2 * end
        colour = tuple(int(value) for value in shade * np.array([1.0, 0.75, 0.6]))
        width = max(1, round(random.uniform(0.003, 0.011) * min(picture.size)))
        pen.line([(x, y) for x, y in way], colour, width, joint="curve")
    return haired


def _picture(pixels: NDArray[np.floating]) -> Image.Image:
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))


SPOILS: tuple[Spoil, ...] = (
    _another_lamp,
    _out_of_focus,
    _shaken,
    _noisy,
    _pressed,
    _sharpened,
    darken_rim,
    _hairy,
)
