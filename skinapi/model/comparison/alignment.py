"""Finds the translation, rotation and scale between two photos of one spot, from the pixels alone.

First every rotation and scale of a grid is tried on very small copies, each with all translations
at once (normalised cross-correlation by FFT). The best few are refined on larger copies by
Gauss-Newton with a robust weight. The local contrast is compared, which does not depend on the
light and colour of a photo.

Fitting the whole pictures may follow a lesion that has grown, and so hide the growth. In that case
the skin around it fits at another scale (`fit_skin`). Pictures that do not fit may show different
spots (`find_apart`).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skinapi.model.context import Modality

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Similarity:
    """Maps a point of the first picture to the second: (x, y) to (a·x − b·y + across, b·x + a·y +
    down). Points are relative to the centre of their picture, in units of its shorter side, so the
    map is valid at any resolution.
    """

    a: float
    b: float
    across: float
    down: float

    @classmethod
    def from_parameters(
        cls, *, scale: float, degrees: float, across: float = 0.0, down: float = 0.0
    ) -> Self:
        turn = math.radians(degrees)
        return cls(scale * math.cos(turn), scale * math.sin(turn), across, down)

    @property
    def scale(self) -> float:
        return math.hypot(self.a, self.b)

    @property
    def degrees(self) -> float:
        """Clockwise, because rows are counted downwards."""
        return math.degrees(math.atan2(self.b, self.a))

    def after(self, first: Self) -> "Similarity":
        return Similarity(
            self.a * first.a - self.b * first.b,
            self.b * first.a + self.a * first.b,
            self.a * first.across - self.b * first.down + self.across,
            self.b * first.across + self.a * first.down + self.down,
        )

    def inverse(self) -> "Similarity":
        turned = Similarity.from_parameters(scale=1 / self.scale, degrees=-self.degrees)
        return turned.after(Similarity(1, 0, -self.across, -self.down))

    def at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        turned = np.array([[self.a, -self.b], [self.b, self.a]]) @ points
        return np.asarray(turned + np.array([[self.across], [self.down]]))


def draw_in_first(picture: Image.Image, by: Similarity, size: tuple[int, int]) -> Image.Image:
    unit, second = min(size), min(picture.size)
    a, b = by.a * second / unit, by.b * second / unit
    x = by.across * second + picture.width / 2 - a * size[0] / 2 + b * size[1] / 2
    y = by.down * second + picture.height / 2 - b * size[0] / 2 - a * size[1] / 2
    return picture.transform(
        size, Image.Transform.AFFINE, (a, -b, x, b, a, y), Image.Resampling.BILINEAR
    )


@lru_cache(maxsize=16)
def grid(size: tuple[int, int]) -> NDArray[np.float64]:
    width, height = size
    rows, columns = np.mgrid[:height, :width]
    points = np.stack([columns.ravel() + 0.5 - width / 2, rows.ravel() + 0.5 - height / 2])
    return np.asarray(points / min(size))


def overlap(first: tuple[int, int], second: tuple[int, int], by: Similarity) -> Mask:
    x, y = np.abs(by.at(grid(first)))
    unit = min(second)
    inside = (x < second[0] / unit / 2 - 1 / unit) & (y < second[1] / unit / 2 - 1 / unit)
    return np.asarray(inside.reshape(first[1], first[0]))


# The shorter side of the copies for the search, and for each refinement.
SEARCH_SIDE, SIDES = 48, (80, 192)
# Only the middle of a picture more than twice as long as wide is compared.
LONGEST = 2.0
# The second picture is cut to REACH pixels from its middle and moved by FARTHEST at most: so
# nothing that leaves the canvas on one side comes in on the other.
CANVAS, REACH, FARTHEST = 128, 52, 36
ROTATIONS = tuple(range(0, 360, 10))
SCALES = tuple(1.2**power for power in range(-4, 5))
# From this correlation on, two pictures show one spot. Chosen on HAM10000: the best fit of two
# different lesions had 0.27 (64 pairs); docs/comparison.md has how many pairs of one lesion reach
# this.
LEAST_CORRELATION = 0.40
# Share of the smaller picture.
LEAST_OVERLAP = 0.35
REFINED, ITERATIONS = (6, 2), (20, 15)
# Contrast is measured between these two blurs, in pixels of the copy.
FINE, COARSE = 1.0, 6.0
# In grey levels. Plain skin must not get as much contrast as a lesion.
LEAST_CONTRAST = 2.0
# The rim of a dermoscope is at the same place in pictures of any two lesions. It is darker than
# this share of the brightest skin, where a lesion is not.
RIM = 0.10

_ALONG = np.abs(np.fft.fftfreq(CANVAS, 1 / CANVAS)) <= FARTHEST
_NEAR = _ALONG[:, None] & _ALONG[None]

Spectra = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Fit:
    by: Similarity
    correlation: float
    overlap: float


class View(NamedTuple):
    contrast: Floats
    skin: Floats

    @property
    def size(self) -> tuple[int, int]:
        height, width = self.contrast.shape
        return width, height


def find_fit(first: Image.Image, second: Image.Image) -> Fit:
    candidates = _search(*(view(item, SEARCH_SIDE) for item in (first, second)))
    for side, kept, iterations in zip(SIDES, REFINED, ITERATIONS, strict=True):
        views = view(first, side), view(second, side)
        refined = [refine(*views, by, iterations) for by in candidates[:kept]]
        fits = sorted((judge(*views, by) for by in refined), key=lambda item: -item.correlation)
        candidates = [fit.by for fit in fits]
    return fits[0]


def view(picture: Image.Image, side: int) -> View:
    grey = np.asarray(small_copy(picture, side).convert("L"), np.float32)
    fine = blur(grey, FINE) - blur(grey, COARSE)
    strength = np.sqrt(np.maximum(blur(np.square(fine), COARSE), 0))
    rim = blur((grey < RIM * np.quantile(grey, 0.95)).astype(np.float32), FINE)
    skin = (blur((rim > 0.5).astype(np.float32), COARSE) < 0.02).astype(np.float32)
    return View(np.asarray(fine / (strength + LEAST_CONTRAST), np.float32), skin)


def small_copy(picture: Image.Image, side: int) -> Image.Image:
    shorter = min(picture.size)
    width, height = (min(length, LONGEST * shorter) for length in picture.size)
    left, top = (picture.width - width) / 2, (picture.height - height) / 2
    size = (round(width * side / shorter), round(height * side / shorter))
    box = (left, top, left + width, top + height)
    return picture.resize(size, Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)


def judge(first: View, second: View, by: Similarity, within: Mask | None = None) -> Fit:
    drawn, there = drawn_and_there(first, second, by)
    common = there if within is None else there & within
    smaller = min(first.contrast.size, second.contrast.size / max(by.scale, 1e-3) ** 2)
    correlation = _correlation(first.contrast[common], drawn[common])
    return Fit(by, correlation, min(1.0, float(there.sum() / smaller)))


def drawn_and_there(first: View, second: View, by: Similarity) -> tuple[Floats, Mask]:
    drawn, skin = (
        np.asarray(draw_in_first(Image.fromarray(item), by, first.size), np.float32)
        for item in second
    )
    there = overlap(first.size, second.size, by) & (skin > 0.99) & (first.skin > 0.99)
    return drawn, there


def blur(values: Floats, sigma: float) -> Floats:
    margin = math.ceil(3 * sigma)
    padded = np.pad(values, margin, mode="symmetric")
    spectrum = np.fft.rfft2(padded) * _gaussian(padded.shape, sigma)
    smooth = np.fft.irfft2(spectrum, padded.shape)
    return np.asarray(smooth[margin:-margin, margin:-margin], np.float32)


# The sides of pictures are the senders', so few are remembered.
@lru_cache(maxsize=16)
def _gaussian(shape: tuple[int, int], sigma: float) -> Floats:
    down, across = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None]
    squares = np.square(down) + np.square(across)
    return np.asarray(np.exp(-2 * np.square(np.pi * sigma) * squares), np.float32)


def _search(first: View, second: View) -> list[Similarity]:
    """The best few distinct ones: a round lesion fits itself at many rotations."""
    kept: list[Similarity] = []
    for _, by in sorted(_scored(first, second), key=lambda item: -item[0]):
        if not any(_is_near(by, item) for item in kept):
            kept.append(by)
        if len(kept) == REFINED[0]:
            break
    return kept


def _is_near(one: Similarity, other: Similarity) -> bool:
    turned = abs((one.degrees - other.degrees + 180) % 360 - 180)
    return turned < 25 and abs(math.log(one.scale / other.scale)) < 1.5 * math.log(
        SCALES[1] / SCALES[0]
    )


def _scored(first: View, second: View) -> Iterator[tuple[float, Similarity]]:
    fixed = _spectra(first, Similarity.from_parameters(scale=1, degrees=0))
    for scale in SCALES:
        for degrees in ROTATIONS:
            by = Similarity.from_parameters(scale=scale, degrees=degrees)
            score, across, down = _best_shift(fixed, _spectra(second, by))
            yield score, by.after(Similarity(1, 0, -across / SEARCH_SIDE, -down / SEARCH_SIDE))


def _spectra(turned: View, by: Similarity) -> Spectra:
    side = 2 * REACH
    unit = side / SEARCH_SIDE
    onto = Similarity(by.a * unit, by.b * unit, 0, 0)
    drawn, skin = (draw_in_first(Image.fromarray(item), onto, (side, side)) for item in turned)
    there = (np.asarray(skin) > 0.99).astype(np.float32)  # nothing is drawn outside of the borders
    values = np.asarray(drawn) * there
    return np.fft.rfft2(np.stack([values, np.square(values), there]), (CANVAS, CANVAS))


def _best_shift(fixed: Spectra, moved: Spectra) -> tuple[float, int, int]:
    (values, squares, there), (other, other_squares, other_there) = fixed, moved.conj()
    pairs = values * other, squares * other_there, there * other_squares, there * other_there
    products, item, two, common = np.fft.irfft2(np.stack(pairs), (CANVAS, CANVAS))
    power = np.sqrt(np.maximum(item, 0) * np.maximum(two, 0))
    least = LEAST_OVERLAP * min(there[0, 0].real, other_there[0, 0].real)
    possible = (common >= max(least, 1)) & (power > 1e-3) & _NEAR
    scores = np.where(possible, products / np.where(possible, power, 1), -1)
    row, column = np.unravel_index(int(scores.argmax()), scores.shape)
    return float(scores[row, column]), _signed(int(column)), _signed(int(row))


def _signed(shift: int) -> int:
    return shift - CANVAS if shift > CANVAS // 2 else shift


def refine(
    first: View, second: View, by: Similarity, iterations: int, within: Mask | None = None
) -> Similarity:
    """Improve the agreement of the contrasts by small moves, turns and scalings. The weight of a
    pixel decreases with its residual (Cauchy), so that hairs, reflections and changes have no
    effect.
    """
    width, height = first.size
    unit = min(first.size)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    x, y = (columns + 0.5 - width / 2) / unit, (rows + 0.5 - height / 2) / unit
    for _ in range(iterations):
        drawn, common = drawn_and_there(first, second, by)
        common = common if within is None else common & within
        if common.sum() < unit:
            break
        down, across = (slope * unit for slope in np.gradient(drawn))
        slopes = np.stack([x * across + y * down, x * down - y * across, across, down])[:, common]
        residual = (first.contrast - drawn)[common]
        usual = 1.5 * float(np.median(np.abs(residual))) + 1e-6
        weighted = slopes / (1 + np.square(residual / usual))
        normal = weighted @ slopes.T
        normal += 1e-6 * (np.trace(normal) + 1e-6) * np.eye(4)
        turn = np.linalg.solve(normal, weighted @ residual)
        by = by.after(Similarity(1 + turn[0], turn[1], turn[2], turn[3]))
        if np.abs(turn).max() < 1e-4 or not 0.1 < by.scale < 10:
            break
    return by


def _correlation(one: Floats, other: Floats) -> float:
    if one.size < 2:
        return 0.0
    one, other = one - one.mean(), other - other.mean()
    power = float(np.sqrt(np.square(one).sum() * np.square(other).sum()))
    return float((one * other).sum()) / power if power > 0 else 0.0


# What the pattern of the skin must agree by, and how many pixels of SIDES[-1] that needs.
SKIN_CORRELATION, LEAST_SKIN = 0.40, 2000
STARTS = tuple(1.12**power for power in range(-3, 4))


def fit_skin(
    first: Image.Image, second: Image.Image, by: Similarity, lesion: Mask, shown: Mask
) -> Fit | None:
    """The fit near `by` that is best for the skin, if the skin has enough texture. `lesion` covers
    it in both photos and `shown` is the common area, both on a copy of the first at the last
    refinement's scale.
    """
    skin = shown & (blur(lesion.astype(np.float32), COARSE) < 0.005)  # without the lesion's halo
    if skin.sum() < LEAST_SKIN or not lesion.any():
        return None
    x, y = _middle(lesion)
    starts = [by.after(Similarity(f, 0, (1 - f) * x, (1 - f) * y)) for f in STARTS]
    for side, iterations in zip(SIDES, ITERATIONS, strict=True):
        views = view(first, side), view(second, side)
        within = resized(skin, views[0].contrast.shape)
        refined = [refine(*views, start, iterations, within) for start in starts]
        fits = [judge(*views, item, within) for item in refined]
        starts = [max(fits, key=lambda item: item.correlation).by]
    best = fits[0]
    return judge(*views, best.by) if best.correlation >= SKIN_CORRELATION else None


def resized(mask: Mask, shape: tuple[int, ...]) -> Mask:
    picture = Image.fromarray(mask).resize((shape[1], shape[0]), Image.Resampling.NEAREST)
    return np.asarray(picture, bool)


def _middle(mask: Mask) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    height, width = mask.shape
    unit = min(mask.shape)
    x, y = columns.mean() + 0.5 - width / 2, rows.mean() + 0.5 - height / 2
    return float(x / unit), float(y / unit)


class KnownPicture(NamedTuple):
    pixels: Image.Image
    kind: Modality

    def fits(self, other: "KnownPicture") -> bool:
        """A close-up is not compared with a dermoscope picture: they hardly ever fit
        (docs/comparison.md).
        """
        if Modality.UNKNOWN not in (self.kind, other.kind) and self.kind is not other.kind:
            return False
        return find_fit(other.pixels, self.pixels).correlation >= LEAST_CORRELATION


def find_apart(pictures: Sequence[KnownPicture]) -> tuple[int, int] | None:
    """The indexes of two pictures that may show different spots: the later one fits no earlier
    one.
    """
    for index, picture in enumerate(pictures[1:], 1):
        if not any(picture.fits(other) for other in pictures[:index]):
            return 0, index
    return None
