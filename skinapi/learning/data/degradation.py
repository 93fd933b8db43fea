"""Worse pictures: light, blur, hair, dark edge, noise, sharpening, compression; and markings that
are not part of the skin: a surgeon's pen ring, a ruler, a dark lens rim.

In the training data markings correlate with the label: in the smartphone pictures, pen marks
surround lesions before a biopsy, and rulers come from one hospital. A network would learn them as
signs of cancer (shortcut learning). Painted on pictures of all classes alike, they carry no
information.
"""

import io
import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Change = Callable[[Image.Image], Image.Image]
Range = tuple[float, float]

HAIR_STEPS = 24
HAIR_COLOUR = (1.0, 0.75, 0.6)

Points = list[tuple[float, float]]
Colour = tuple[int, int, int]

RING_POINTS = 60
DASH, DASH_PERIOD = 3, 4
LONG_TICK, LONG_TICK_EVERY = 1.8, 5


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
    *(_change_light, _blur, _blur_by_motion, _add_noise),
    *(_compress, _sharpen, _add_tube_edge, _draw_hairs),
)


@dataclass(frozen=True, slots=True)
class Marking:
    """The look of pen rings, rulers and dark rims. Lengths are shares of the shorter side.

    `dashed` is the share of dashed pen rings, `dark_ruler` that of dark rulers, `with_baseline`
    that of rulers with a line along their ticks. The field names are keys in card.json.
    """

    inks: tuple[Colour, ...] = (
        *((60, 40, 140), (90, 50, 150), (40, 40, 90)),
        *((20, 60, 160), (30, 90, 70), (25, 25, 30)),
    )
    ink_spread: int = 15
    ink_opacity: tuple[int, int] = (110, 255)
    ring_radius: Range = (0.28, 0.52)
    ring_stretch: Range = (0.75, 1.3)
    ring_sweep: Range = (0.35, 1.0)
    ring_wobbles: Range = (0.06, 0.05)
    ring_off_centre: float = 0.08
    pen_width: Range = (0.008, 0.045)
    dashed: float = 0.25
    ruler_distance: Range = (0.3, 0.47)
    ruler_half_length: Range = (0.25, 0.6)
    ruler_line_width: Range = (0.002, 0.009)
    ruler_ticks: tuple[int, int] = (8, 40)
    tick_length: Range = (0.01, 0.045)
    dark_ruler: float = 0.8
    with_baseline: float = 0.85
    dark_grey: Range = (0, 70)
    light_grey: Range = (200, 255)
    rim: Vignette = field(default_factory=Vignette)


Mark = Callable[[Image.Image, np.random.Generator, Marking], Image.Image]

# Training also paints markings that only a wide crop shows. For a measurement they must lie in the
# central four fifths that serving shows the network (vision.network.tensor.view_box).
VISIBLE_WHEN_SERVED = Marking(
    ring_radius=(0.28, 0.38), ruler_distance=(0.3, 0.36), rim=Vignette(radius=(0.4, 0.48))
)


def mark_picture(
    picture: Image.Image, random: np.random.Generator, strength: Marking
) -> Image.Image:
    """Paints one random marking, for training."""
    paint = RANDOM_MARKINGS[random.integers(len(RANDOM_MARKINGS))]
    return paint(picture.convert("RGB"), random, strength)


def draw_pen_ring(
    picture: Image.Image, random: np.random.Generator, strength: Marking
) -> Image.Image:
    """Draws an uneven line around the centre, as by hand: often open, sometimes dashed."""
    layer = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    ink = np.array(strength.inks[random.integers(len(strength.inks))])
    ink = (ink + random.integers(-strength.ink_spread, strength.ink_spread + 1, 3)).clip(0, 255)
    red, green, blue = (int(value) for value in ink)
    colour = (red, green, blue, int(random.uniform(*strength.ink_opacity)))
    points = _ring_points(picture, random, strength)
    width = _pixels(random.uniform(*strength.pen_width), picture)
    period, length = (
        (DASH_PERIOD, DASH) if random.random() < strength.dashed else (RING_POINTS, RING_POINTS)
    )
    for start in range(0, RING_POINTS, period):
        pen.line(points[start : start + length], colour, width, joint="curve")
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


def _ring_points(picture: Image.Image, random: np.random.Generator, strength: Marking) -> Points:
    """Points of a rotated ellipse with a few bulges."""
    side = min(picture.size)
    long = random.uniform(*strength.ring_radius) * side
    stretch = random.uniform(*strength.ring_stretch)
    tilt, start = random.uniform(0, 2 * math.pi, 2)
    angles = start + np.linspace(0, random.uniform(*strength.ring_sweep) * 2 * math.pi, RING_POINTS)
    three, two = random.normal(size=2) * strength.ring_wobbles
    bulge = 1 + three * np.sin(3 * angles + tilt) + two * np.sin(2 * angles)
    right = np.cos(angles) * long * bulge * stretch
    down = np.sin(angles) * long * bulge / stretch
    away = random.uniform(-strength.ring_off_centre, strength.ring_off_centre, 2)
    x, y = np.array(picture.size) / 2 + away * side
    across = x + right * math.cos(tilt) - down * math.sin(tilt)
    along = y + right * math.sin(tilt) + down * math.cos(tilt)
    return list(zip(across.tolist(), along.tolist(), strict=True))


def draw_ruler(picture: Image.Image, random: np.random.Generator, strength: Marking) -> Image.Image:
    """Draws ticks beside the centre at any angle, mostly on a baseline."""
    side = min(picture.size)
    ruled = picture.copy()
    pen = ImageDraw.Draw(ruled)
    dark = random.random() < strength.dark_ruler
    grey = int(random.uniform(*(strength.dark_grey if dark else strength.light_grey)))
    colour = (grey, grey, grey)
    angle = random.uniform(0, 2 * math.pi)
    outward = np.array((math.cos(angle), math.sin(angle)))
    lengthwise = np.array((-outward[1], outward[0]))
    middle = np.array(picture.size) / 2 + outward * random.uniform(*strength.ruler_distance) * side
    half = lengthwise * random.uniform(*strength.ruler_half_length) * side
    ticks = int(random.integers(*strength.ruler_ticks))
    width = _pixels(random.uniform(*strength.ruler_line_width), picture)
    if random.random() < strength.with_baseline:
        pen.line(_line(middle - half, middle + half), colour, width)
    tick = random.uniform(*strength.tick_length) * side
    for number in range(ticks + 1):
        foot = middle + half * (2 * number / ticks - 1)
        length = tick * (LONG_TICK if number % LONG_TICK_EVERY == 0 else 1)
        pen.line(_line(foot, foot - outward * length), colour, width)
    return ruled


def _line(start: NDArray[np.floating], end: NDArray[np.floating]) -> Points:
    return [(float(start[0]), float(start[1])), (float(end[0]), float(end[1]))]


def _pixels(share: float, picture: Image.Image) -> int:
    return max(1, round(share * min(picture.size)))


def _draw_dark_rim(
    picture: Image.Image, random: np.random.Generator, strength: Marking
) -> Image.Image:
    return add_random_vignette(picture, random, strength.rim)


RANDOM_MARKINGS: tuple[Mark, ...] = (draw_pen_ring, draw_ruler, _draw_dark_rim)

MARKINGS: Mapping[str, Change] = {
    "pen ring": lambda picture: draw_pen_ring(picture, seed_from(picture), VISIBLE_WHEN_SERVED),
    "ruler": lambda picture: draw_ruler(picture, seed_from(picture), VISIBLE_WHEN_SERVED),
    "dark rim": lambda picture: _draw_dark_rim(picture, seed_from(picture), VISIBLE_WHEN_SERVED),
}
"""For measuring: the same picture always gets the same marking. Input must be RGB."""
