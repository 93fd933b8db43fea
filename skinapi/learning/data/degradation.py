"""What may go wrong between the skin and the file: another lamp, a hand that shakes, a lens that is
not in focus, hair, the dark edge of a tube, noise, a camera that sharpens, a file pressed small.
"""

import io
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Change = Callable[[Image.Image], Image.Image]
Range = tuple[float, float]

HAIR_STEPS = 24
HAIR_COLOUR = (1.0, 0.75, 0.6)


@dataclass(frozen=True, slots=True)
class Vignette:
    """The dark edge of a tube; lengths are shares of the picture's shorter side."""

    radius: Range = (0.44, 0.64)
    off_centre: float = 0.06
    edge: Range = (0.01, 0.1)


@dataclass(frozen=True, slots=True)
class Degradation:
    """How much worse a spoiled picture is.

    Blur, shake and hairs are shares of the shorter side, `channel`, `brightest` and `darkest` are
    logarithms of the light, `loudest` is in grey levels and `quality` that of a JPEG. Of the
    pictures with hairs the share `dark_hair` has dark ones.
    """

    most_at_once: int = 2
    channel: float = 0.15
    brightest: float = 0.45
    darkest: float = 0.6
    largest_blur: float = 0.018
    longest_shake: float = 0.03
    loudest: float = 14.0
    quality: tuple[int, int] = (8, 60)
    sharpened: tuple[int, int] = (40, 180)
    sharpened_radius: Range = (0.5, 2.5)
    hairs: tuple[int, int] = (2, 18)
    hair_width: Range = (0.003, 0.011)
    dark_hair: float = 0.8
    dark_grey: Range = (10, 80)
    fair_grey: Range = (160, 230)
    tube: Vignette = field(default_factory=Vignette)


Degrade = Callable[[Image.Image, np.random.Generator, Degradation], Image.Image]


def degrade_picture(
    picture: Image.Image, random: np.random.Generator, strength: Degradation
) -> Image.Image:
    """One or two misfortunes, each of its own strength."""
    many = int(random.integers(1, strength.most_at_once + 1))
    for index in random.choice(len(DEGRADATIONS), many, replace=False):
        picture = DEGRADATIONS[index](picture, random, strength)
    return picture


def seed_from(picture: Image.Image) -> np.random.Generator:
    """Chance that befalls the same pixels alike each time, to measure with."""
    return np.random.default_rng(zlib.crc32(picture.tobytes()))


def compress_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    """As a JPEG of this quality."""
    squeezed = io.BytesIO()
    picture.save(squeezed, "JPEG", quality=quality)
    return Image.open(squeezed).convert("RGB")


def scale_light(picture: Image.Image, share: NDArray[np.floating]) -> Image.Image:
    """So much of its red, green and blue, or of the light of every place."""
    return _picture(np.asarray(picture, np.float64) * share)


def add_noise(picture: Image.Image, loudness: float, random: np.random.Generator) -> Image.Image:
    pixels = np.asarray(picture, np.float64)
    return _picture(pixels + random.normal(0, loudness, pixels.shape))


def add_vignette(
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
    return scale_light(picture, lit[..., None])


def _change_light(
    picture: Image.Image, random: np.random.Generator, strength: Degradation
) -> Image.Image:
    brightness = math.exp(random.uniform(-strength.darkest, strength.brightest))
    return scale_light(
        picture, np.exp(random.uniform(-strength.channel, strength.channel, 3)) * brightness
    )


def _blur(picture: Image.Image, random: np.random.Generator, strength: Degradation) -> Image.Image:
    radius = random.uniform(0, strength.largest_blur) * min(picture.size)
    return picture.filter(ImageFilter.GaussianBlur(radius))


def _blur_by_motion(
    picture: Image.Image, random: np.random.Generator, strength: Degradation
) -> Image.Image:
    """The mean of the picture and itself moved a little further each time, round the edges."""
    pixels = np.asarray(picture, np.float32)
    reach = random.uniform(0, strength.longest_shake) * min(picture.size)
    angle = random.uniform(0, 2 * math.pi)
    steps = reach * np.linspace(-0.5, 0.5, max(2, math.ceil(reach)))
    moves = np.outer(steps, (math.sin(angle), math.cos(angle))).round().astype(int)
    moved = [np.roll(pixels, (down, across), axis=(0, 1)) for down, across in moves]
    return _picture(np.mean(moved, axis=0))


def _add_noise(
    picture: Image.Image, random: np.random.Generator, strength: Degradation
) -> Image.Image:
    return add_noise(picture, random.uniform(0, strength.loudest), random)


def _compress(
    picture: Image.Image, random: np.random.Generator, strength: Degradation
) -> Image.Image:
    return compress_jpeg(picture, int(random.integers(*strength.quality)))


def _sharpen(
    picture: Image.Image, random: np.random.Generator, strength: Degradation
) -> Image.Image:
    percent = int(random.integers(*strength.sharpened))
    return picture.filter(
        ImageFilter.UnsharpMask(random.uniform(*strength.sharpened_radius), percent)
    )


def add_random_vignette(
    picture: Image.Image, random: np.random.Generator, rim: Vignette
) -> Image.Image:
    """The edge of a dermoscope's tube, not quite in the middle."""
    away = random.uniform(-rim.off_centre, rim.off_centre, 2)
    edge = random.uniform(*rim.edge)
    return add_vignette(picture, random.uniform(*rim.radius), edge, (away[0], away[1]))


def _add_tube_edge(
    picture: Image.Image, random: np.random.Generator, strength: Degradation
) -> Image.Image:
    return add_random_vignette(picture, random, strength.tube)


def _draw_hairs(
    picture: Image.Image, random: np.random.Generator, strength: Degradation
) -> Image.Image:
    """Curved lines from edge to edge or shorter, dark as a rule, some fair."""
    haired = picture.copy()
    pen = ImageDraw.Draw(haired)
    dark = random.random() < strength.dark_hair
    shade = random.uniform(*(strength.dark_grey if dark else strength.fair_grey))
    along = np.linspace(0, 1, HAIR_STEPS)[:, None]
    fewest, most = strength.hairs
    for _ in range(int(random.integers(fewest, most + 1))):
        start, bend, end = random.uniform(-0.2, 1.2, (3, 2)) * picture.size
        way = (1 - along) ** 2 * start + 2 * along * (1 - along) * bend + along**2 * end
        colour = tuple(int(value) for value in shade * np.array(HAIR_COLOUR))
        width = max(1, round(random.uniform(*strength.hair_width) * min(picture.size)))
        pen.line([(x, y) for x, y in way], colour, width, joint="curve")
    return haired


def _picture(pixels: NDArray[np.floating]) -> Image.Image:
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))


DEGRADATIONS: tuple[Degrade, ...] = (
    _change_light,
    _blur,
    _blur_by_motion,
    _add_noise,
    _compress,
    _sharpen,
    _add_tube_edge,
    _draw_hairs,
)
