"""Fits two photos of one spot by the skin around the lesion alone.

The fit of the whole pictures may follow a lesion that has grown, and so hide that it has: the skin
then fits at another scale. So several scales are tried, from the lesion's middle.
"""

import numpy as np
from PIL import Image

from skinapi.vision.comparison.alignment import (
    COARSE,
    ITERATIONS,
    SIDES,
    Fit,
    blur,
    judge,
    refine,
    view,
)
from skinapi.vision.comparison.similarity import Mask, Similarity

# What the pattern of the skin must agree by, and how many pixels of SIDES[-1] that needs.
SKIN_CORRELATION, LEAST_SKIN = 0.40, 2000
STARTS = tuple(1.12**power for power in range(-3, 4))


def fit_skin(
    first: Image.Image, second: Image.Image, by: Similarity, lesion: Mask, shown: Mask
) -> Fit | None:
    """The fit near `by` that suits the skin best. None if the skin's pattern does not fit.

    `lesion` holds it in both photos, `shown` what both show, on a copy of the first with the side
    of the last refinement.
    """
    skin = shown & (blur(lesion.astype(np.float32), COARSE) < 0.005)  # without the lesion's halo
    if skin.sum() < LEAST_SKIN or not lesion.any():
        return None
    starts = [by.after(_scaled_about(_middle(lesion), factor)) for factor in STARTS]
    for side, iterations in zip(SIDES, ITERATIONS, strict=True):
        views = view(first, side), view(second, side)
        within = resized(skin, views[0].contrast.shape)
        refined = [refine(*views, start, iterations, within) for start in starts]
        fits = [judge(*views, one, within) for one in refined]
        starts = [max(fits, key=lambda one: one.correlation).by]
    best = fits[0]
    return judge(*views, best.by) if best.correlation >= SKIN_CORRELATION else None


def resized(mask: Mask, shape: tuple[int, ...]) -> Mask:
    picture = Image.fromarray(mask).resize((shape[1], shape[0]), Image.Resampling.NEAREST)
    return np.asarray(picture, bool)


def _middle(mask: Mask) -> tuple[float, float]:
    """As `Similarity` measures points."""
    rows, columns = np.nonzero(mask)
    height, width = mask.shape
    unit = min(mask.shape)
    x, y = columns.mean() + 0.5 - width / 2, rows.mean() + 0.5 - height / 2
    return float(x / unit), float(y / unit)


def _scaled_about(point: tuple[float, float], factor: float) -> Similarity:
    return Similarity(factor, 0, *((1 - factor) * one for one in point))
