"""Augmentation of training pictures: random views, the light, distance and skin of other clinics,
lower quality, and markings.

A network that saw few clinics takes their colours and scale for signs of a disease. Markings in the
training data correlate with the label: pen rings surround lesions before a biopsy, and rulers come
from one hospital. Painted on all classes alike, they carry no information. Lengths are relative to
the picture's shorter side.
"""

import io
import math
import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Random = np.random.Generator
Change = Callable[[Image.Image], Image.Image]
RandomChange = Callable[[Image.Image, Random], Image.Image]
Range = tuple[float, float]
Points = list[tuple[float, float]]

SMALLEST_CROP = 0.5
WIDEST_ASPECT = 4 / 3
LARGEST_COLOUR, LARGEST_TINT, LEAST_GAMMA = 0.25, 0.08, 0.8

# Mean and covariance of a picture's mean colour, as the logarithm of RGB + DARKEST, over 2,000
# pictures of five sources. The spread is twice the measured one: other skin and cameras are meant.
DARKEST = 8.0
CLINIC_COLOUR = (5.198, 4.921, 4.826)
CLINIC_SPREAD = ((0.0722, 0.0587, 0.0540), (0.0587, 0.1031, 0.1003), (0.0540, 0.1003, 0.1383))
WIDEST = 1.4

TUBE_RADIUS: Range = (0.44, 0.64)
HAIR_STEPS = 24
HAIR_COLOUR = (1.0, 0.75, 0.6)

INKS = np.array(
    [(60, 40, 140), (90, 50, 150), (40, 40, 90), (20, 60, 160), (30, 90, 70), (25, 25, 30)]
)
RING_RADIUS: Range = (0.28, 0.52)
RING_POINTS = 60
DASH, DASH_PERIOD = 3, 4
RULER_DISTANCE: Range = (0.3, 0.47)
LONG_TICK, LONG_TICK_EVERY = 1.8, 5


def augment_picture(picture: Image.Image, random: Random) -> Image.Image:
    """A random view of the picture. It is already cropped, so make a tensor of the whole view."""
    view = picture.convert("RGB")
    if random.random() < 0.5:
        view = rotate_picture(view, random.uniform(0, 360))
    view = _tint(_flip_or_turn(view.crop(_random_box(view, random)), random), random)
    if random.random() < 0.15:
        radius = random.uniform(0, 0.006) * max(view.size)
        view = view.filter(ImageFilter.GaussianBlur(radius))
    return _erase_rectangle(view, random) if random.random() < 0.25 else view


def _flip_or_turn(picture: Image.Image, random: Random) -> Image.Image:
    turns = (None, *Image.Transpose)
    turn = turns[random.integers(len(turns))]
    return picture if turn is None else picture.transpose(turn)


def rotate_picture(picture: Image.Image, angle: float) -> Image.Image:
    """The corners are filled with mirrored skin: black ones would be a shortcut."""
    edge = math.ceil((math.hypot(*picture.size) - min(picture.size)) / 2)
    rotated = _mirror(picture, edge).rotate(angle, Image.Resampling.BILINEAR)
    return rotated.crop((edge, edge, edge + picture.width, edge + picture.height))


def _mirror(picture: Image.Image, edge: int) -> Image.Image:
    border = ((edge, edge), (edge, edge), (0, 0))
    return Image.fromarray(np.pad(np.asarray(picture), border, mode="reflect"))


def _random_box(picture: Image.Image, random: Random) -> tuple[int, int, int, int]:
    side = random.uniform(SMALLEST_CROP, 1.0) * min(picture.size)
    widest = math.log(WIDEST_ASPECT)
    # On a logarithmic scale, so that wide and tall crops are equally likely.
    stretch = math.exp(random.uniform(-widest, widest) / 2)
    width, height = min(side * stretch, picture.width), min(side / stretch, picture.height)
    away = random.uniform(-0.12, 0.12, 2) * min(picture.size)
    left = min(max((picture.width - width) / 2 + away[0], 0.0), picture.width - width)
    top = min(max((picture.height - height) / 2 + away[1], 0.0), picture.height - height)
    return round(left), round(top), round(left + width), round(top + height)


def _tint(picture: Image.Image, random: Random) -> Image.Image:
    pixels = np.asarray(picture, np.float32)
    brightness, contrast, saturation = random.uniform(1 - LARGEST_COLOUR, 1 + LARGEST_COLOUR, 3)
    grey = pixels.mean(axis=2, keepdims=True)
    pixels = grey + (pixels - grey) * np.float32(saturation)
    middle = grey.mean()
    pixels = middle + (pixels - middle) * np.float32(contrast)
    channels = random.uniform(1 - LARGEST_TINT, 1 + LARGEST_TINT, 3)
    pixels = pixels * (brightness * channels).astype(np.float32)
    gamma = math.exp(random.uniform(-1, 1) * math.log(LEAST_GAMMA))
    table = [round(255 * (value / 255) ** gamma) for value in range(256)] * 3
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).point(table)


def _erase_rectangle(picture: Image.Image, random: Random) -> Image.Image:
    width, height = (round(random.uniform(0.15, 0.4) * side) for side in picture.size)
    left, top = random.integers(picture.width - width), random.integers(picture.height - height)
    mean = np.asarray(picture, np.float32).mean(axis=(0, 1))
    hidden = picture.copy()
    patch = Image.new("RGB", (width, height), tuple(int(value) for value in mean))
    hidden.paste(patch, (int(left), int(top)))
    return hidden


def relight(picture: Image.Image, random: Random) -> Image.Image:
    pixels = np.log(np.asarray(picture.convert("RGB"), np.float32) + DARKEST)
    drawn = random.multivariate_normal(CLINIC_COLOUR, CLINIC_SPREAD)
    move = (drawn - pixels.mean(axis=(0, 1))) * random.random()
    return _picture(np.exp(pixels + move.astype(np.float32)) - DARKEST)


def widen(picture: Image.Image, random: Random) -> Image.Image:
    edge = round((random.uniform(1.0, WIDEST) - 1.0) / 2 * min(picture.size))
    return _mirror(picture.convert("RGB"), edge)


def degrade_picture(picture: Image.Image, random: Random) -> Image.Image:
    many = int(random.integers(1, 3))
    for index in random.choice(len(DEGRADATIONS), many, replace=False):
        picture = DEGRADATIONS[index](picture, random)
    return picture


def seed_from(picture: Image.Image) -> Random:
    """Seeded by the pixels, so that measurements always change a picture in the same way."""
    return np.random.default_rng(zlib.crc32(picture.tobytes()))


def compress_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    squeezed = io.BytesIO()
    picture.save(squeezed, "JPEG", quality=quality)
    return Image.open(squeezed).convert("RGB")


def scale_light(picture: Image.Image, share: NDArray[np.floating]) -> Image.Image:
    return _picture(np.asarray(picture, np.float64) * share)


def add_noise(picture: Image.Image, deviation: float, random: Random) -> Image.Image:
    pixels = np.asarray(picture, np.float64)
    return _picture(pixels + random.normal(0, deviation, pixels.shape))


def add_vignette(
    picture: Image.Image, radius: float, edge: float, away: tuple[float, float] = (0.0, 0.0)
) -> Image.Image:
    side = min(picture.size)
    across = np.arange(picture.width) - (picture.width - 1) / 2 - away[0] * side
    down = np.arange(picture.height) - (picture.height - 1) / 2 - away[1] * side
    distance = np.hypot(across[None, :], down[:, None]) / side
    lit = np.clip((radius - distance) / edge + 0.5, 0.0, 1.0)
    return scale_light(picture, lit[..., None])


def draw_tube_edge(
    picture: Image.Image, random: Random, radius: Range = TUBE_RADIUS
) -> Image.Image:
    away = random.uniform(-0.06, 0.06, 2)
    edge = random.uniform(0.01, 0.1)
    return add_vignette(picture, random.uniform(*radius), edge, (away[0], away[1]))


def _change_light(picture: Image.Image, random: Random) -> Image.Image:
    brightness = math.exp(random.uniform(-0.6, 0.45))
    return scale_light(picture, np.exp(random.uniform(-0.15, 0.15, 3)) * brightness)


def _blur(picture: Image.Image, random: Random) -> Image.Image:
    radius = random.uniform(0, 0.018) * min(picture.size)
    return picture.filter(ImageFilter.GaussianBlur(radius))


def _blur_by_motion(picture: Image.Image, random: Random) -> Image.Image:
    pixels = np.asarray(picture, np.float32)
    reach = random.uniform(0, 0.03) * min(picture.size)
    angle = random.uniform(0, 2 * math.pi)
    steps = reach * np.linspace(-0.5, 0.5, max(2, math.ceil(reach)))
    moves = np.outer(steps, (math.sin(angle), math.cos(angle))).round().astype(int)
    moved = [np.roll(pixels, (down, across), axis=(0, 1)) for down, across in moves]
    return _picture(np.mean(moved, axis=0))


def _add_noise(picture: Image.Image, random: Random) -> Image.Image:
    return add_noise(picture, random.uniform(0, 14.0), random)


def _compress(picture: Image.Image, random: Random) -> Image.Image:
    return compress_jpeg(picture, int(random.integers(8, 60)))


def _sharpen(picture: Image.Image, random: Random) -> Image.Image:
    percent = int(random.integers(40, 180))
    return picture.filter(ImageFilter.UnsharpMask(random.uniform(0.5, 2.5), percent))


def draw_hairs(picture: Image.Image, random: Random) -> Image.Image:
    haired = picture.copy()
    pen = ImageDraw.Draw(haired)
    shade = random.uniform(*((10, 80) if random.random() < 0.8 else (160, 230)))
    along = np.linspace(0, 1, HAIR_STEPS)[:, None]
    for _ in range(int(random.integers(2, 19))):
        start, bend, end = random.uniform(-0.2, 1.2, (3, 2)) * picture.size
        way = (1 - along) ** 2 * start + 2 * along * (1 - along) * bend + along**2 * end
        colour = tuple(int(value) for value in shade * np.array(HAIR_COLOUR))
        width = _pixels(random.uniform(0.003, 0.011), picture)
        pen.line([(x, y) for x, y in way], colour, width, joint="curve")
    return haired


DEGRADATIONS: tuple[RandomChange, ...] = (
    *(_change_light, _blur, _blur_by_motion, _add_noise),
    *(_compress, _sharpen, draw_tube_edge, draw_hairs),
)


def mark_picture(picture: Image.Image, random: Random) -> Image.Image:
    paint = MARKINGS[random.integers(len(MARKINGS))]
    return paint(picture.convert("RGB"), random)


def draw_pen_ring(picture: Image.Image, random: Random, radius: Range = RING_RADIUS) -> Image.Image:
    layer = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    ink = INKS[random.integers(len(INKS))] + random.integers(-15, 16, 3)
    red, green, blue = ink.clip(0, 255).tolist()
    colour = (red, green, blue, int(random.uniform(110, 255)))
    points = _ring_points(picture, random, radius)
    width = _pixels(random.uniform(0.008, 0.045), picture)
    dashed = random.random() < 0.25
    period, length = (DASH_PERIOD, DASH) if dashed else (RING_POINTS, RING_POINTS)
    for start in range(0, RING_POINTS, period):
        pen.line(points[start : start + length], colour, width, joint="curve")
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


def _ring_points(picture: Image.Image, random: Random, radius: Range) -> Points:
    side = min(picture.size)
    long = random.uniform(*radius) * side
    stretch = random.uniform(0.75, 1.3)
    tilt, start = random.uniform(0, 2 * math.pi, 2)
    angles = start + np.linspace(0, random.uniform(0.35, 1.0) * 2 * math.pi, RING_POINTS)
    three, two = random.normal(size=2) * (0.06, 0.05)
    bulge = 1 + three * np.sin(3 * angles + tilt) + two * np.sin(2 * angles)
    right = np.cos(angles) * long * bulge * stretch
    down = np.sin(angles) * long * bulge / stretch
    x, y = np.array(picture.size) / 2 + random.uniform(-0.08, 0.08, 2) * side
    across = x + right * math.cos(tilt) - down * math.sin(tilt)
    along = y + right * math.sin(tilt) + down * math.cos(tilt)
    return list(zip(across.tolist(), along.tolist(), strict=True))


def draw_ruler(
    picture: Image.Image, random: Random, distance: Range = RULER_DISTANCE
) -> Image.Image:
    side = min(picture.size)
    ruled = picture.copy()
    pen = ImageDraw.Draw(ruled)
    grey = int(random.uniform(*((0, 70) if random.random() < 0.8 else (200, 255))))
    colour = (grey, grey, grey)
    angle = random.uniform(0, 2 * math.pi)
    outward = np.array((math.cos(angle), math.sin(angle)))
    lengthwise = np.array((-outward[1], outward[0]))
    middle = np.array(picture.size) / 2 + outward * random.uniform(*distance) * side
    half = lengthwise * random.uniform(0.25, 0.6) * side
    ticks = int(random.integers(8, 40))
    width = _pixels(random.uniform(0.002, 0.009), picture)
    if random.random() < 0.85:
        pen.line(_line(middle - half, middle + half), colour, width)
    tick = random.uniform(0.01, 0.045) * side
    for number in range(ticks + 1):
        foot = middle + half * (2 * number / ticks - 1)
        length = tick * (LONG_TICK if number % LONG_TICK_EVERY == 0 else 1)
        pen.line(_line(foot, foot - outward * length), colour, width)
    return ruled


MARKINGS: tuple[RandomChange, ...] = (draw_pen_ring, draw_ruler, draw_tube_edge)


def _line(start: NDArray[np.floating], end: NDArray[np.floating]) -> Points:
    return [(float(start[0]), float(start[1])), (float(end[0]), float(end[1]))]


def _pixels(share: float, picture: Image.Image) -> int:
    return max(1, round(share * min(picture.size)))


def _picture(pixels: NDArray[np.floating]) -> Image.Image:
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))
