"""Draws spots on skin for the demo: no picture is of a person.

A spot is drawn from a few numbers, so that the same spot can be drawn as it was months ago.
"""

import io
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Layer = NDArray[np.floating[Any]]
Colour = tuple[int, int, int]
WIDTH, HEIGHT = 640, 480
LIGHT, TAN, BROWN = (228, 184, 160), (205, 158, 126), (142, 98, 74)
WAVES = range(2, 8)
# Lines are drawn twice as large, and shrunk.
STEP, THICK = 14, 4
RED, DARK, FLAKE = (172, 52, 54), (58, 44, 36), (232, 214, 184)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Says how a spot looks. `radius` is a share of the picture's height, `net` the network of
    pigment; `blots` are parts of another colour, each with its strength.
    """

    seed: int
    skin: Colour = LIGHT
    core: Colour = (112, 68, 46)
    rim: Colour = (160, 108, 78)
    radius: float = 0.2
    long: float = 1.15
    ragged: float = 0.1
    soft: float = 0.15
    uneven: float = 0.2
    net: float = 0.0
    dots: int = 0
    vessels: int = 0
    hairs: int = 0
    scale: float = 0.0
    blots: tuple[tuple[Colour, float], ...] = ()


def draw(spot: Spot, *, view: int = 0, blur: float = 0.6) -> bytes:
    """A photo of the spot, as JPEG; another `view` is moved a little, and in another light."""
    shape, grain = default_rng(spot.seed), default_rng((spot.seed, view))
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32) / HEIGHT
    x, y = x - WIDTH / HEIGHT / 2, y - 0.5
    moved_x, moved_y = (float(item) for item in grain.normal(0, 0.015, 2))
    distance, angle = _place(spot, shape, x - moved_x, y - moved_y)
    inside = _step((1 - distance) / (0.02 + 0.18 * spot.soft))
    picture = _skin(spot, default_rng((spot.seed, 7)), x, y)
    _mix(picture, _body(spot, shape, distance, angle), inside)
    lines = default_rng((spot.seed, 8))
    vessels = _lines(lines, many=spot.vessels, steps=9, reach=spot.radius, bend=0.45)
    _mix(picture, RED, 0.5 * vessels * inside)
    _mix(picture, DARK, 0.7 * _lines(lines, many=spot.hairs, steps=40, reach=0.6, bend=0.03))
    picture += grain.normal(0, 3, (HEIGHT, WIDTH, 1)).astype(np.float32)
    picture *= 1 + 0.03 * float(grain.normal())
    image = Image.fromarray(picture.clip(0, 255).astype(np.uint8))
    out = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(blur)).save(out, "JPEG", quality=85)
    return out.getvalue()


def _mix(picture: Layer, colour: Layer | Colour, weight: Layer) -> None:
    """Put so much of the colour over the picture."""
    picture += weight[..., None] * (np.asarray(colour, np.float32) - picture)


def _step(value: Layer) -> Layer:
    """Rise from 0 below to 1 above, smoothly about 0."""
    return 0.5 + 0.5 * np.tanh(value / 2)


def _cloud(random: Generator, *, coarse: int, octaves: int = 3) -> Layer:
    """Draw smooth noise about 0, with about so many patches from left to right."""
    total = np.zeros((HEIGHT, WIDTH), np.float32)
    for octave in range(octaves):
        many = coarse * 2**octave
        patches = random.normal(0, 0.6**octave, (many * HEIGHT // WIDTH + 1, many))
        grown = Image.fromarray(patches.astype(np.float32)).resize(
            (WIDTH, HEIGHT), Image.Resampling.BICUBIC
        )
        total += np.asarray(grown)
    return total / np.float32(total.std())


def _place(spot: Spot, random: Generator, x: Layer, y: Layer) -> tuple[Layer, Layer]:
    """Return how far each point is from the middle, 1 at the edge, and in which direction."""
    stretch = spot.long**0.5
    turned = float(random.uniform(0, np.pi))
    along = (x * np.float32(np.cos(turned)) + y * np.float32(np.sin(turned))) / stretch
    across = (y * np.float32(np.cos(turned)) - x * np.float32(np.sin(turned))) * stretch
    angle = np.arctan2(across, along)
    bulge = np.zeros_like(angle)
    for wave in WAVES:
        high = spot.ragged * float(random.normal()) / wave
        bulge += high * np.cos(wave * angle + np.float32(random.uniform(0, 2 * np.pi)))
    rough = (0.03 + 0.08 * spot.ragged) * _cloud(random, coarse=14)
    return np.hypot(along, across) / (spot.radius * np.exp(bulge)) + rough, angle


def _skin(spot: Spot, random: Generator, x: Layer, y: Layer) -> Layer:
    tone = 4 * _cloud(random, coarse=5) + 3 * _cloud(random, coarse=70)
    redness = 3 * _cloud(random, coarse=8)
    picture = np.asarray(spot.skin, np.float32) + tone[..., None]
    picture[..., 1:] -= redness[..., None]
    light: Layer = 1.03 - 0.2 * (x**2 + y**2)
    result: Layer = picture * light[..., None]
    return result


def _body(spot: Spot, random: Generator, distance: Layer, angle: Layer) -> Layer:
    outward = (np.clip(distance, 0, 1.2) ** 1.6)[..., None]
    body: Layer = (1 - outward) * np.asarray(spot.core, np.float32)
    body += outward * np.asarray(spot.rim, np.float32)
    body += 30 * spot.uneven * _cloud(random, coarse=10)[..., None]
    for colour, share in spot.blots:
        way, far = random.uniform(0, 2 * np.pi), random.uniform(0.2, 0.5)
        reach = distance * np.cos(angle - np.float32(way)) - np.float32(far)
        reach += 0.22 * _cloud(random, coarse=9)
        _mix(body, colour, share * _step(9 * reach))
    if spot.net:
        threads = np.exp(-((_cloud(random, coarse=84, octaves=1) / 0.35) ** 2))
        body -= (30 * spot.net * threads * np.clip(1.25 - distance, 0, 1))[..., None]
    if spot.scale:
        flakes = np.clip(_cloud(random, coarse=26) - 0.6, 0, 0.9) * np.float32(spot.scale)
        _mix(body, FLAKE, flakes)
    if spot.dots:
        body -= (46 * _dots(random, spot.dots, spot.radius))[..., None]
    return body


def _dots(random: Generator, many: int, radius: float) -> Layer:
    canvas = Image.new("L", (WIDTH, HEIGHT))
    pen = ImageDraw.Draw(canvas)
    for _ in range(many):
        way, far = random.uniform(0, 2 * np.pi), random.uniform(0, 0.85) * radius * HEIGHT
        x, y = WIDTH / 2 + far * np.cos(way), HEIGHT / 2 + far * np.sin(way)
        size = random.uniform(2, 6)
        pen.ellipse((x - size, y - size, x + size, y + size), fill=255)
    return np.asarray(canvas.filter(ImageFilter.GaussianBlur(1.5)), np.float32) / 255


def _lines(random: Generator, *, many: int, steps: int, reach: float, bend: float) -> Layer:
    """Draw bent lines that begin no farther than `reach` from the middle."""
    canvas = Image.new("L", (2 * WIDTH, 2 * HEIGHT))
    pen = ImageDraw.Draw(canvas)
    for _ in range(many):
        way, far = random.uniform(0, 2 * np.pi), random.uniform(0, reach) * 2 * HEIGHT
        x, y = WIDTH + far * np.cos(way), HEIGHT + far * np.sin(way)
        heading = random.uniform(0, 2 * np.pi)
        for _ in range(steps):
            heading += random.normal(0, bend)
            to = x + STEP * np.cos(heading), y + STEP * np.sin(heading)
            pen.line((x, y, *to), fill=255, width=THICK)
            x, y = to
    shrunk = canvas.resize((WIDTH, HEIGHT), Image.Resampling.BOX)
    return np.asarray(shrunk.filter(ImageFilter.GaussianBlur(1)), np.float32) / 255


GREY, BLACK, BLUE = (110, 104, 116), (40, 28, 26), (122, 112, 124)

MOLE = Spot(seed=1, radius=0.16, soft=0.4, uneven=0.12, net=0.4)
SMALL_MOLE = Spot(seed=2, radius=0.13, core=(140, 88, 60), rim=(176, 122, 90), soft=0.6, uneven=0.1)
ROUND_MOLE = Spot(
    seed=37, radius=0.15, core=(118, 72, 50), rim=(160, 108, 80), soft=0.45, uneven=0.12, net=0.3
)
MOLE_ON_BROWN_SKIN = Spot(
    seed=13,
    skin=BROWN,
    radius=0.15,
    core=(70, 44, 34),
    rim=(96, 62, 46),
    soft=0.4,
    uneven=0.12,
    net=0.4,
)
LONG_MOLE = replace(MOLE, seed=41, long=1.5, radius=0.15)
GROWN_MOLE = Spot(
    seed=50,
    radius=0.24,
    core=(84, 50, 38),
    rim=(150, 100, 74),
    ragged=0.36,
    uneven=0.5,
    net=0.7,
    blots=(((60, 36, 30), 0.6),),
)
GROWING_MOLE = replace(
    GROWN_MOLE,
    radius=0.15,
    core=(108, 66, 46),
    rim=(160, 108, 80),
    ragged=0.15,
    soft=0.35,
    uneven=0.15,
    net=0.3,
    blots=(),
)
MELANOMA = replace(GROWN_MOLE, seed=21, ragged=0.3, blots=((BLACK, 0.6), (GREY, 0.35)))
MELANOMA_BEFORE = replace(GROWING_MOLE, seed=21)
PEARL = Spot(
    seed=6,
    radius=0.2,
    core=(218, 150, 138),
    rim=(222, 164, 146),
    soft=0.4,
    uneven=0.3,
    vessels=12,
    blots=((BLUE, 0.5),),
)
SCALY = Spot(
    seed=39,
    radius=0.24,
    core=(216, 150, 132),
    rim=(222, 166, 146),
    ragged=0.3,
    soft=0.9,
    uneven=0.3,
    scale=0.5,
)
CRUSTED = Spot(
    seed=9,
    radius=0.28,
    core=(214, 140, 124),
    rim=(222, 160, 140),
    ragged=0.5,
    soft=0.8,
    uneven=0.4,
    scale=0.8,
    vessels=6,
)
WART = Spot(
    seed=8,
    radius=0.27,
    core=(126, 88, 58),
    rim=(150, 108, 72),
    ragged=0.4,
    soft=0.05,
    uneven=0.5,
    scale=0.5,
    dots=25,
)
CHERRY = Spot(
    seed=10,
    radius=0.13,
    core=(150, 30, 44),
    rim=(180, 60, 64),
    soft=0.15,
    uneven=0.4,
    blots=(((110, 16, 36), 0.6),),
)
FIBROMA = Spot(
    seed=11, radius=0.17, core=(222, 188, 168), rim=(172, 124, 98), soft=0.7, uneven=0.2, net=0.5
)
