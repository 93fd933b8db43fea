"""Colours of two photos of the same skin, taken in different light."""

import numpy as np
from numpy.typing import NDArray

from skinapi.model.comparison.similarity import Mask

Numbers = NDArray[np.float64]

# D65, and sRGB's primaries (IEC 61966-2-1), in the rows X, Y and Z.
_WHITE = np.array([0.95047, 1.0, 1.08883])
_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_LINEAR_BELOW = (6 / 29) ** 3
# So that the logarithm of black is finite.
_DARKEST = 1 / 4096


def linear(pixels: Numbers) -> Numbers:
    """Light, from 0 to 1, of sRGB pixels from 0 to 255."""
    share = pixels / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def pixels(light: Numbers) -> NDArray[np.uint8]:
    """sRGB pixels of light: the inverse of `linear`."""
    light = light.clip(0, 1)
    share = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(255 * share), np.uint8)


def lab(light: Numbers) -> Numbers:
    """CIELAB under D65; its last axis is lightness (0 to 100), green to red, blue to yellow."""
    ratio = light @ _TO_XYZ.T / _WHITE
    root = np.where(ratio > _LINEAR_BELOW, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def match_light(second: Numbers, first: Numbers, skin: Mask) -> Numbers:
    """The second picture in the light of the first, so that the skin has the same colours.

    In each channel the light differs by a factor that changes evenly across the picture. It is
    fitted twice to the logarithms; the second time without the pixels that lie far off.
    """
    height, width = skin.shape
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(rows), rows, columns], axis=-1)
    ratio = np.log(np.maximum(first, _DARKEST)) - np.log(np.maximum(second, _DARKEST))
    factors, _, _, _ = np.linalg.lstsq(terms[skin], ratio[skin])
    residual = np.abs(ratio - terms @ factors).sum(axis=-1)
    near = skin & (residual <= 2 * np.median(residual[skin]))
    factors, _, _, _ = np.linalg.lstsq(terms[near], ratio[near])
    return np.asarray(second * np.exp(terms @ factors))
