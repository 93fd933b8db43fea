import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from skinapi.model.decoding.photo import Photo

Mask = NDArray[np.bool_]
Runs = NDArray[np.int64]


def component_at(mask: Mask, at: tuple[int, int]) -> Mask:
    """The pixels of the mask that are connected with this one, by sides or corners. It needs only a
    few passes over the mask. Growing the piece pixel by pixel would need one for each step of its
    length.
    """
    starts = mask.copy()
    starts[:, 1:] &= ~mask[:, :-1]
    # For each pixel the number of its run; a run is an unbroken stretch of the mask in one row.
    runs = np.cumsum(starts).reshape(mask.shape) - 1
    groups = _join(int(starts.sum()), *_touching(mask, runs))
    piece: Mask = mask & (groups[runs] == groups[runs[at]])
    return piece


def _touching(mask: Mask, runs: Runs) -> tuple[Runs, Runs]:
    upper, lower = [], []
    width = mask.shape[1]
    for across in (-1, 0, 1):
        above = slice(max(0, -across), width - max(0, across))
        below = slice(max(0, across), width - max(0, -across))
        both = mask[:-1, above] & mask[1:, below]
        upper.append(runs[:-1, above][both])
        lower.append(runs[1:, below][both])
    return np.concatenate(upper), np.concatenate(lower)


def _join(count: int, some: Runs, others: Runs) -> Runs:
    """For each run, the lowest-numbered run connected with it. In each round every group joins the
    lowest group that it touches, so few rounds are needed.
    """
    groups = np.arange(count)
    while some.size:
        ends = groups[some], groups[others]
        lowest = np.minimum(*ends)
        for end in ends:
            np.minimum.at(groups, end, lowest)
        while not np.array_equal(further := groups[groups], groups):
            groups = further
        apart = groups[some] != groups[others]
        some, others = some[apart], others[apart]
    return groups


Numbers = NDArray[np.float64]

SIDE = 128
# A picture that is more than four times as long as wide is scaled down further, to this many
# pixels.
MOST_SEARCHED_PIXELS = 4 * SIDE * SIDE
SMOOTHING = 1.5
# The outermost pixels of the picture are assumed to be skin.
FRAME = 6
# An outline is trusted only within these limits, given as shares of the picture, of its border, of
# grey levels, of the variance and of all pixels that stand out.
SMALLEST_AREA, LARGEST_AREA = 0.01, 0.60
MOST_OF_BORDER = 0.04
LEAST_CONTRAST = 18.0
LEAST_SEPARATION = 0.65
LEAST_IN_ONE_PIECE = 0.70
# Shares of Otsu's threshold, which lies in the middle between lesion and skin. Experts draw their
# outlines nearer to the skin; where the first finds nothing to trust, the next is tried.
EDGES = (0.6, 1.0)
# The values that count as 1, fully asymmetric or fully many-coloured: the share of the lesion
# without a mirror partner, and the distance of its colours from their mean in grey levels.
WHOLE_ASYMMETRY = 0.5
WHOLE_COLOUR = 64.0


@dataclass(frozen=True, slots=True)
class Shape:
    """Measures from 0 to 1. `diameter` is relative to the photo's shorter side: a picture has no
    scale in millimetres.
    """

    asymmetry: float
    border: float
    colour: float
    diameter: float


def measure_shape(photo: Photo) -> Shape | None:
    pixels = shrink_smoothly(photo.pixels)
    mask = find_lesion(pixels)
    return None if mask is None else shape_within(mask, pixels)


def shape_within(mask: Mask, pixels: Numbers) -> Shape:
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


def find_lesion(pixels: Numbers, edges: Sequence[float] = EDGES) -> Mask | None:
    """One connected piece that differs clearly from the skin at the picture's border and hardly
    touches it. None if there is no such piece.
    """
    if min(pixels.shape[:2]) <= 2 * FRAME:  # the border would cover the whole picture
        return None
    framed = np.ones(pixels.shape[:2], bool)
    framed[FRAME:-FRAME, FRAME:-FRAME] = False
    skin = np.median(pixels[framed], axis=0)
    difference = np.sqrt(np.square(pixels - skin).sum(axis=-1))
    threshold, separation = _otsu(difference)
    if separation < LEAST_SEPARATION:
        return None
    pieces = (_piece(difference, share * threshold) for share in edges)
    return next((piece for piece in pieces if piece is not None), None)


def _piece(difference: Numbers, threshold: float) -> Mask | None:
    standing_out = difference > threshold
    if not standing_out.any():
        return None
    piece = _fill(component_at(standing_out, _seed(standing_out)))
    contrast = difference[piece].mean() - difference[~piece].mean() if not piece.all() else 0.0
    border = np.concatenate([piece[0], piece[-1], piece[1:-1, 0], piece[1:-1, -1]])
    trusted = (
        SMALLEST_AREA <= piece.mean() <= LARGEST_AREA
        and border.mean() <= MOST_OF_BORDER
        and contrast >= LEAST_CONTRAST
        and piece[standing_out].mean() >= LEAST_IN_ONE_PIECE
    )
    return piece if trusted else None


def shrink_smoothly(pixels: Image.Image) -> Numbers:
    scale = search_scale(pixels.size)
    size = (max(1, round(pixels.width * scale)), max(1, round(pixels.height * scale)))
    small = pixels.resize(size, Image.Resampling.BOX)
    smooth = small.filter(ImageFilter.MedianFilter(5)).filter(ImageFilter.GaussianBlur(SMOOTHING))
    return np.asarray(smooth, np.float64)


def search_scale(size: tuple[int, int]) -> float:
    width, height = size
    return min(SIDE / min(size), math.sqrt(MOST_SEARCHED_PIXELS / (width * height)))


def _otsu(values: Numbers) -> tuple[float, float]:
    """Otsu's threshold (https://doi.org/10.1109/TSMC.1979.4310076), and the share of the variance
    that it explains.
    """
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
    height, width = mask.shape
    density = Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.BoxBlur(SIDE // 10))
    rows, columns = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    central = np.exp(-(np.square(rows) + np.square(columns)))
    weight = np.where(mask, np.asarray(density, np.float64) * central + 1e-6, 0.0)
    row, column = np.unravel_index(int(weight.argmax()), mask.shape)
    return int(row), int(column)


def _fill(piece: Mask) -> Mask:
    padded = np.pad(~piece, 1, constant_values=True)
    return np.asarray(~component_at(padded, (0, 0))[1:-1, 1:-1])


def _core(mask: Mask) -> Mask:
    """The mask without its rim, whose colours are mixed with the skin's, unless it is all rim."""
    padded = np.pad(mask, 2)
    core = mask.copy()
    for down, across in ((0, 2), (4, 2), (2, 0), (2, 4)):
        core &= padded[down : down + mask.shape[0], across : across + mask.shape[1]]
    return core if core.any() else mask


def _unpaired(mask: Mask, around: Numbers) -> float:
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
    """The sum of the gradient of the blurred mask. Counting edge pixels would be wrong for slanted
    edges.
    """
    padded = np.pad(mask, 8).astype(np.uint8) * 255
    soft = np.asarray(Image.fromarray(padded).filter(ImageFilter.GaussianBlur(1.0)), np.float64)
    down, across = np.gradient(soft / 255)
    return float(np.hypot(down, across).sum())


def _longest(around: Numbers) -> float:
    angles = np.linspace(0, np.pi, 36, endpoint=False)
    projections = np.stack([np.cos(angles), np.sin(angles)]).T @ around
    return float(np.ptp(projections, axis=1).max()) + 1


def _clip(value: float) -> float:
    return round(float(np.clip(value, 0, 1)), 3)
