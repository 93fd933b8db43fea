"""Image degradation: light, blur, motion blur, hair, dark edge, noise, sharpening, compression."""

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
    """The dark edge of a dermoscope's tube. Lengths are shares of the picture's shorter side."""

    radius: Range = (0.44, 0.64)
    off_centre: float = 0.06
    edge: Range = (0.01, 0.1)


@dataclass(frozen=True, slots=True)
class Degradation:
    """How strongly pictures are degraded. The field names are keys in card.json.

    - blur, motion blur and hair widths are shares of the picture's shorter side
    - `channel`, `brightest`, `darkest`: logarithms of a factor on the light
    - `loudest`: standard deviation of the noise in grey levels, at most
    - `quality`: of the JPEG compression
    - `dark_hair`: share of dark hairs among pictures with hairs
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
    """Applies one or two random degradations, each with a random strength."""
    many = int(random.integers(1, strength.most_at_once + 1))
    for index in random.choice(len(DEGRADATIONS), many, replace=False):
        picture = DEGRADATIONS[index](picture, random, strength)
    return picture


def seed_from(picture: Image.Image) -> np.random.Generator:
    """A random generator seeded by the pixels: measurements change a picture alike each time."""
    return np.random.default_rng(zlib.crc32(picture.tobytes()))


def compress_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    """Compresses as JPEG and decodes again."""
    squeezed = io.BytesIO()
    picture.save(squeezed, "JPEG", quality=quality)
    return Image.open(squeezed).convert("RGB")


def scale_light(picture: Image.Image, share: NDArray[np.floating]) -> Image.Image:
    """Multiplies the pixels by a factor for each channel, or for each position."""
    return _picture(np.asarray(picture, np.float64) * share)


def add_noise(picture: Image.Image, loudness: float, random: np.random.Generator) -> Image.Image:
    pixels = np.asarray(picture, np.float64)
    return _picture(pixels + random.normal(0, loudness, pixels.shape))


def add_vignette(
    picture: Image.Image, radius: float, edge: float, away: tuple[float, float] = (0.0, 0.0)
) -> Image.Image:
    """Blackens everything outside a circle, as seen through a tube.

    Lengths are shares of the shorter side. `away` is the offset of the circle from the centre.
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
    """Motion blur: the mean of shifted copies, wrapped around at the edges."""
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
    """The edge of a dermoscope's tube, slightly off centre."""
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
    """Draws curved hairs across the picture, most of them dark."""
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
