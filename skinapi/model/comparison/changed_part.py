"""Finds the part of a spot, or of the skin around it, whose colour changed most between two photos.

A mean over the spot hides a changed part: a new black nodule of an eighth of the area changes it
less than different light does. So each patch is compared with the same place, in one frame and one
light (`match_light`), after differences that are the same everywhere, such as the cameras' colour
rendering, are removed. A difference counts only if it fills a patch and no nearby point explains
it. Hairs, small reflections and ruler marks do not.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skinapi.model.comparison.alignment import Floats, Mask, blur

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
# Keeps the logarithm of black finite.
_DARKEST = 1 / 4096


def to_linear(pixels: Numbers) -> Numbers:
    share = pixels / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def to_pixels(light: Numbers) -> NDArray[np.uint8]:
    light = light.clip(0, 1)
    share = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(255 * share), np.uint8)


def to_lab(light: Numbers) -> Numbers:
    """CIELAB under D65. The last axis is lightness (0 to 100), green to red, blue to yellow."""
    ratio = light @ _TO_XYZ.T / _WHITE
    root = np.where(ratio > _LINEAR_BELOW, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def match_light(second: Numbers, first: Numbers, skin: Mask) -> Numbers:
    """Correct the light of the second picture so that the skin has the same colours as in the
    first. In each channel the light differs by a factor that varies smoothly across the picture. It
    is fitted to the logarithms twice, the second time without outliers.
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


# In pixels of the compared copies: the blur, and the tolerance for a point's place.
SMOOTH, OFF = 1.5, 2
# In radii of the spot: how far beside it is looked, and half a side of the patch, which is limited
# in pixels too. Without an outline the whole picture is looked at, with the smallest patch.
MARGIN, PATCH = 0.8, 0.15
SMALLEST, LARGEST = 3, 10
# The regularisation that keeps a part from determining the colours of the whole.
STIFFNESS = 0.2
ROUNDS = 4
# A part counts as changed above LEAST in CIELAB, or PER_NOISE times by how much the photos differ
# at a usual point, if that is more. Chosen on the half `chosen` of docs/comparison.md.
LEAST, PER_NOISE = 5.0, 4.5
# Above this noise, a change of a part could remain undetected.
MOST_NOISE = 3.5
# A disc of an eighth of the spot's area, less a patch at its border, in radii of the spot; and the
# lightness of a black nodule.
NODULE, BLACK = 0.2, 7.0
# If two outlines really differ, the photos differ by more than this many times the noise.
OUTLINE_PER_NOISE = 2.0
# Too few points for a statement about colours.
LEAST_POINTS = 100


class ChangedPart(NamedTuple):
    """The patch that changed most, by its `distance` in CIELAB; below `error` it may be noise.
    `hidden_by_noise` and `hidden_by_dark` mean that a change may be undetected, because the photos
    differ too much or the spot is nearly black. `outlines_agree`: the photos look the same where
    only one outline reaches, so the outlines are uncertain.
    """

    distance: float
    darker: bool
    error: float
    hidden_by_noise: bool
    hidden_by_dark: bool
    outlines_agree: bool

    @property
    def has_changed(self) -> bool:
        return self.distance > self.error


def find_changed_part(
    first: Numbers, second: Numbers, shown: Mask, outlines: tuple[Mask, Mask] | None
) -> ChangedPart | None:
    inner = ~_grown(~shown, OFF)
    radius = float(np.sqrt(outlines[0].sum() / np.pi)) if outlines else 0.0
    if outlines:
        inner &= _grown(outlines[0] | outlines[1], max(1, round(MARGIN * radius)))
    if inner.sum() < LEAST_POINTS:
        return None
    before, after = (_smooth(to_lab(light.clip(0, 1))) for light in (first, second))
    before, noise = _in_colours_of(before, after, inner)
    half = int(np.clip(round(PATCH * radius), SMALLEST, LARGEST))
    distances = np.where(inner, _distances(before, after), 0)
    least = _slid(distances, half, np.minimum)
    row, column = np.unravel_index(int(least.argmax()), least.shape)
    fallen = before[row, column, 0] - after[row, column, 0]
    return ChangedPart(
        distance=float(least[row, column]),
        darker=bool(fallen > 0),
        error=max(LEAST, PER_NOISE * noise),
        hidden_by_noise=noise > MOST_NOISE,
        hidden_by_dark=outlines is not None
        and _hides_black(before[..., 0], outlines[0] & inner, half, radius),
        outlines_agree=outlines is not None
        and _is_same(before, after, inner & (outlines[0] ^ outlines[1]), noise),
    )


def _smooth(lab: Numbers) -> Floats:
    each = (blur(channel.astype(np.float32), SMOOTH) for channel in np.moveaxis(lab, -1, 0))
    return np.stack(list(each), axis=-1)


def _in_colours_of(before: Floats, after: Floats, inner: Mask) -> tuple[Floats, float]:
    """The first photo with its colours mapped linearly to those of the second, and the typical
    error of the map. Outliers have little weight.
    """
    some, others = before[inner].astype(np.float64), after[inner].astype(np.float64)
    weights = np.ones(len(some))
    for _ in range(ROUNDS):
        shares = weights / weights.sum()
        middles = shares @ some, shares @ others
        apart = some - middles[0]
        spread = (apart * shares[:, None]).T @ apart
        stiff = (STIFFNESS * np.trace(spread) / 3 + 1e-3) * np.eye(3)
        onto = (apart * shares[:, None]).T @ (others - middles[1])
        turn = np.linalg.solve(spread + stiff, onto + stiff)
        off = np.linalg.norm(others - middles[1] - apart @ turn, axis=1)
        noise = float(np.median(off))
        weights = 1 / (1 + np.square(off / (1.5 * noise + 0.5)))
    mapped = (before - middles[0]) @ turn + middles[1]
    return np.asarray(mapped, np.float32), noise


def _distances(before: Floats, after: Floats) -> Floats:
    height, width = after.shape[:2]
    padded = np.pad(before, ((OFF, OFF), (OFF, OFF), (0, 0)), mode="edge")
    nearest = np.full((height, width), np.inf, np.float32)
    for down in range(2 * OFF + 1):
        for across in range(2 * OFF + 1):
            apart = padded[down : down + height, across : across + width] - after
            np.minimum(nearest, np.einsum("ijk,ijk->ij", apart, apart), out=nearest)
    return np.sqrt(nearest)


def _hides_black(lightness: Floats, spot: Mask, half: int, radius: float) -> bool:
    seen = _slid(_slid(lightness, half + OFF, np.minimum), round(NODULE * radius), np.maximum)
    places = ~_grown(~spot, round(NODULE * radius))
    return bool(places.any() and seen[places].min() < BLACK + LEAST)


def _is_same(before: Floats, after: Floats, where: Mask, noise: float) -> bool:
    apart = np.linalg.norm(before[where] - after[where], axis=-1)
    return not apart.size or float(apart.mean()) <= OUTLINE_PER_NOISE * noise


def _grown(mask: Mask, by: int) -> Mask:
    return _slid(mask.astype(np.float32), by, np.maximum) > 0


def _slid(values: Floats, half: int, of: Callable[[Floats, Floats], NDArray[np.float32]]) -> Floats:
    for _ in range(2):
        padded = np.pad(values, ((half, half), (0, 0)), mode="edge")
        slid = padded[: len(values)]
        for index in range(1, 2 * half + 1):
            slid = of(slid, padded[index : index + len(values)])
        values = slid.T
    return values
