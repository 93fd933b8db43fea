"""Markings that are no part of the skin: a surgeon's pen ring, a ruler, the dark rim of a lens.

In the training data they go with the answer: among the smartphone pictures the pen marks lie around
lesions that were about to be biopsied, and rulers come from one hospital. A network would learn
them as signs of cancer. Painted on pictures of every class alike, they say nothing.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from skinapi.learning.spoiling import Change, Spoil, darken_rim, seeded_by

Range = tuple[float, float]
Points = list[tuple[float, float]]

# Lengths are shares of the picture's shorter side.
INKS = ((60, 40, 140), (90, 50, 150), (40, 40, 90), (20, 60, 160), (30, 90, 70), (25, 25, 30))
INK_SPREAD = 15
INK_OPACITY = (110, 255)
RING_RADIUS: Range = (0.28, 0.52)
RING_STRETCH: Range = (0.75, 1.3)
RING_SWEEP: Range = (0.35, 1.0)
RING_WOBBLES = (0.06, 0.05)
RING_OFF_CENTRE = 0.08
RING_POINTS = 60
PEN_WIDTH: Range = (0.008, 0.045)
DASHED = 0.25
DASH, DASH_PERIOD = 3, 4

RULER_DISTANCE: Range = (0.3, 0.47)
RULER_HALF_LENGTH: Range = (0.25, 0.6)
RULER_LINE_WIDTH: Range = (0.002, 0.009)
RULER_TICKS = (8, 40)
TICK_LENGTH: Range = (0.01, 0.045)
LONG_TICK, LONG_TICK_EVERY = 1.8, 5
DARK_RULER, WITH_BASELINE = 0.8, 0.85
DARK_GREY: Range = (0, 70)
LIGHT_GREY: Range = (200, 255)

# Training also paints markings that only a wide crop shows. These lie inside the central four
# fifths that serving shows (vision.tensor.view_box), or a measurement would count pictures on which
# the network sees nothing.
SHOWN_RING_RADIUS: Range = (0.28, 0.38)
SHOWN_RULER_DISTANCE: Range = (0.3, 0.36)
SHOWN_RIM_RADIUS: Range = (0.4, 0.48)


def mark_picture(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """One marking of any kind, for training."""
    paint = RANDOM_MARKINGS[random.integers(len(RANDOM_MARKINGS))]
    return paint(picture.convert("RGB"), random)


def draw_pen_ring(
    picture: Image.Image, random: np.random.Generator, radius: Range = RING_RADIUS
) -> Image.Image:
    """A line around the middle as a hand draws it: uneven, often open, sometimes dashed."""
    layer = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    ink = np.array(INKS[random.integers(len(INKS))])
    ink = (ink + random.integers(-INK_SPREAD, INK_SPREAD + 1, 3)).clip(0, 255)
    red, green, blue = (int(value) for value in ink)
    colour = (red, green, blue, int(random.uniform(*INK_OPACITY)))
    points = _ring_points(picture, random, radius)
    width = _pixels(random.uniform(*PEN_WIDTH), picture)
    period, length = (DASH_PERIOD, DASH) if random.random() < DASHED else (RING_POINTS, RING_POINTS)
    for start in range(0, RING_POINTS, period):
        pen.line(points[start : start + length], colour, width, joint="curve")
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


def _ring_points(picture: Image.Image, random: np.random.Generator, radius: Range) -> Points:
    """Along a turned ellipse with a few bulges."""
    side = min(picture.size)
    long, stretch = random.uniform(*radius) * side, random.uniform(*RING_STRETCH)
    tilt, start = random.uniform(0, 2 * math.pi, 2)
    angles = start + np.linspace(0, random.uniform(*RING_SWEEP) * 2 * math.pi, RING_POINTS)
    three, two = random.normal(size=2) * RING_WOBBLES
    bulge = 1 + three * np.sin(3 * angles + tilt) + two * np.sin(2 * angles)
    right = np.cos(angles) * long * bulge * stretch
    down = np.sin(angles) * long * bulge / stretch
    x, y = np.array(picture.size) / 2 + random.uniform(-RING_OFF_CENTRE, RING_OFF_CENTRE, 2) * side
    across = x + right * math.cos(tilt) - down * math.sin(tilt)
    along = y + right * math.sin(tilt) + down * math.cos(tilt)
    return list(zip(across.tolist(), along.tolist(), strict=True))


def draw_ruler(
    picture: Image.Image, random: np.random.Generator, distance: Range = RULER_DISTANCE
) -> Image.Image:
    """Ticks, mostly on a line, beside the middle and at any angle."""
    side = min(picture.size)
    ruled = picture.copy()
    pen = ImageDraw.Draw(ruled)
    grey = int(random.uniform(*(DARK_GREY if random.random() < DARK_RULER else LIGHT_GREY)))
    colour = (grey, grey, grey)
    angle = random.uniform(0, 2 * math.pi)
    outward = np.array((math.cos(angle), math.sin(angle)))
    lengthwise = np.array((-outward[1], outward[0]))
    middle = np.array(picture.size) / 2 + outward * random.uniform(*distance) * side
    half = lengthwise * random.uniform(*RULER_HALF_LENGTH) * side
    ticks = int(random.integers(*RULER_TICKS))
    width = _pixels(random.uniform(*RULER_LINE_WIDTH), picture)
    if random.random() < WITH_BASELINE:
        pen.line(_line(middle - half, middle + half), colour, width)
    tick = random.uniform(*TICK_LENGTH) * side
    for number in range(ticks + 1):
        foot = middle + half * (2 * number / ticks - 1)
        length = tick * (LONG_TICK if number % LONG_TICK_EVERY == 0 else 1)
        pen.line(_line(foot, foot - outward * length), colour, width)
    return ruled


def _line(start: NDArray[np.floating], end: NDArray[np.floating]) -> Points:
    return [(float(start[0]), float(start[1])), (float(end[0]), float(end[1]))]


def _pixels(share: float, picture: Image.Image) -> int:
    return max(1, round(share * min(picture.size)))


RANDOM_MARKINGS: tuple[Spoil, ...] = (draw_pen_ring, draw_ruler, darken_rim)

MARKINGS: Mapping[str, Change] = {
    "pen ring": lambda picture: draw_pen_ring(picture, seeded_by(picture), SHOWN_RING_RADIUS),
    "ruler": lambda picture: draw_ruler(picture, seeded_by(picture), SHOWN_RULER_DISTANCE),
    "dark rim": lambda picture: darken_rim(picture, seeded_by(picture), SHOWN_RIM_RADIUS),
}
"""For measuring: the same picture always bears the same marking. They take RGB."""
