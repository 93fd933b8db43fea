"""Paints markings that are not part of the skin: a surgeon's pen ring, a ruler, a dark lens rim.

In the training data they correlate with the label: in the smartphone pictures, pen marks surround
lesions before a biopsy, and rulers come from one hospital. A network would learn them as signs of
cancer (shortcut learning). Painted on pictures of all classes alike, they carry no information.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from skinapi.learning.data.degradation import (
    Change,
    Range,
    Vignette,
    add_random_vignette,
    seed_from,
)

Points = list[tuple[float, float]]
Colour = tuple[int, int, int]

RING_POINTS = 60
DASH, DASH_PERIOD = 3, 4
LONG_TICK, LONG_TICK_EVERY = 1.8, 5


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
