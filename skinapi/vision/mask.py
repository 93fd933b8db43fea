"""Where the lesion ends and skin begins, good enough to measure it; None where it is not.

Measured on the pixels alone, never from what the network says.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from skinapi.vision.connected_components import Mask, find_component
from skinapi.vision.photo import Photo

Numbers = NDArray[np.float64]

SIDE = 128
# A picture longer than four of its shorter sides is searched at fewer pixels a side instead.
MOST_PIXELS = 4 * SIDE * SIDE
SMOOTHING = 1.5
FRAME = 6
SMALLEST, LARGEST = 0.01, 0.60
MOST_ON_THE_FRAME = 0.04
LEAST_CONTRAST = 18.0
LEAST_SEPARATION = 0.65
LEAST_IN_ONE_PIECE = 0.70
# What counts as wholly asymmetric, ragged or many-coloured: a lesion may lack mirror partners for
# half of itself, and its colours may lie so many grey levels from their mean.
WHOLE_ASYMMETRY = 0.5
WHOLE_COLOUR = 64.0


@dataclass(frozen=True, slots=True)
class Shape:
    """Each 0..1; `diameter` in shorter sides of the photo: pictures know no millimetres."""

    asymmetry: float
    border: float
    colour: float
    diameter: float


def measure_shape(photo: Photo) -> Shape | None:
    """None: not assessed."""
    pixels = shrink_smoothly(photo.pixels)
    mask = find_lesion(pixels)
    if mask is None:
        return None
    rows, columns = np.nonzero(mask)
    around = np.stack([columns - columns.mean(), rows - rows.mean()])
    inner = pixels[_core(mask)]
    spread = inner - inner.mean(axis=0)
    return Shape(
        asymmetry=_clip(_unpaired(mask, around) / WHOLE_ASYMMETRY),
        border=_clip(1 - 4 * np.pi * rows.size / _perimeter(mask) ** 2),
        colour=_clip(np.sqrt(np.square(spread).sum(axis=1).mean()) / WHOLE_COLOUR),
        diameter=_clip(_longest(around) / min(mask.shape)),
    )


def find_lesion(pixels: Numbers) -> Mask | None:
    """One piece that differs clearly from the skin at the picture's edge and hardly touches it."""
    if min(pixels.shape[:2]) <= 2 * FRAME:  # all of it is edge
        return None
    framed = np.ones(pixels.shape[:2], bool)
    framed[FRAME:-FRAME, FRAME:-FRAME] = False
    skin = np.median(pixels[framed], axis=0)
    difference = np.sqrt(np.square(pixels - skin).sum(axis=-1))
    threshold, separation = _otsu(difference)
    standing_out = difference > threshold
    if not standing_out.any() or separation < LEAST_SEPARATION:
        return None
    piece = _fill(find_component(standing_out, _seed(standing_out)))
    contrast = difference[piece].mean() - difference[~piece].mean() if not piece.all() else 0.0
    trusted = (
        SMALLEST <= piece.mean() <= LARGEST
        and _edge(piece).mean() <= MOST_ON_THE_FRAME
        and contrast >= LEAST_CONTRAST
        and piece[standing_out].mean() >= LEAST_IN_ONE_PIECE
    )
    return piece if trusted else None


def shrink_smoothly(pixels: Image.Image) -> Numbers:
    """At most MOST_PIXELS, hairs and noise smoothed away: for the search of a lesion's outline."""
    scale = find_scale(pixels.size)
    size = (max(1, round(pixels.width * scale)), max(1, round(pixels.height * scale)))
    small = pixels.resize(size, Image.Resampling.BOX)
    smooth = small.filter(ImageFilter.MedianFilter(5)).filter(ImageFilter.GaussianBlur(SMOOTHING))
    return np.asarray(smooth, np.float64)


def find_scale(size: tuple[int, int]) -> float:
    """What the sides of a picture of this size are multiplied with before the search."""
    width, height = size
    return min(SIDE / min(size), math.sqrt(MOST_PIXELS / (width * height)))


def _otsu(values: Numbers) -> tuple[float, float]:
    """The cut that leaves two groups furthest apart, and how much of the variance that explains."""
    counts, edges = np.histogram(values, bins=128)
    middles = (edges[:-1] + edges[1:]) / 2
    share = counts / counts.sum()
    below, mean = np.cumsum(share), np.cumsum(share * middles)
    whole = mean[-1]
    apart = below * (1 - below)
    between = np.divide(
        np.square(whole * below - mean), apart, out=np.zeros_like(apart), where=apart > 1e-9
    )
    variance = float((share * np.square(middles - whole)).sum())
    best = int(between.argmax())
    return float(edges[best + 1]), float(between[best] / variance) if variance > 0 else 0.0


def _seed(mask: Mask) -> tuple[int, int]:
    """The pixel of the mask with most of the mask around it, the picture's middle preferred."""
    height, width = mask.shape
    crowded = Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.BoxBlur(SIDE // 10))
    rows, columns = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    central = np.exp(-(np.square(rows) + np.square(columns)))
    weight = np.where(mask, np.asarray(crowded, np.float64) * central + 1e-6, 0.0)
    row, column = np.unravel_index(int(weight.argmax()), mask.shape)
    return int(row), int(column)


def _fill(piece: Mask) -> Mask:
    """Its holes belong to it: all that the frame cannot reach."""
    padded = np.pad(~piece, 1, constant_values=True)
    return np.asarray(~find_component(padded, (0, 0))[1:-1, 1:-1])


def _core(mask: Mask) -> Mask:
    """Without its rim, whose colours are mixed with skin's; a thin lesion is all rim and kept."""
    padded = np.pad(mask, 2)
    core = mask.copy()
    for down, across in ((0, 2), (4, 2), (2, 0), (2, 4)):
        core &= padded[down : down + mask.shape[0], across : across + mask.shape[1]]
    return core if core.any() else mask


def _edge(mask: Mask) -> Mask:
    return np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])


def _unpaired(mask: Mask, around: Numbers) -> float:
    """The share of the lesion without a mirror partner, over its two own axes."""
    rows, columns = np.nonzero(mask)
    middle = np.array([[columns.mean()], [rows.mean()]])
    _, axes = np.linalg.eigh(np.cov(around))
    shares = []
    for axis in axes.T:
        mirrored = np.rint(around - 2 * np.outer(axis, axis @ around) + middle).astype(int)
        inside = (mirrored >= 0).all(axis=0) & (mask.shape[::-1] > mirrored.T).all(axis=1)
        paired = np.zeros(inside.size, bool)
        paired[inside] = mask[mirrored[1, inside], mirrored[0, inside]]
        shares.append(1 - paired.mean())
    return float(np.mean(shares))


def _perimeter(mask: Mask) -> float:
    """Where the softened mask rises, summed up: right for slants too, unlike counting steps."""
    padded = np.pad(mask, 8).astype(np.uint8) * 255
    soft = np.asarray(Image.fromarray(padded).filter(ImageFilter.GaussianBlur(1.0)), np.float64)
    down, across = np.gradient(soft / 255)
    return float(np.hypot(down, across).sum())


def _longest(around: Numbers) -> float:
    angles = np.linspace(0, np.pi, 36, endpoint=False)
    shadows = np.stack([np.cos(angles), np.sin(angles)]).T @ around
    return float(np.ptp(shadows, axis=1).max()) + 1


def _clip(value: float) -> float:
    return round(float(np.clip(value, 0, 1)), 3)
