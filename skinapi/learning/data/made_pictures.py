"""Generated pictures without skin: noise, clouds, gradients and fabrics. Ordinary photographs teach
a detector little about them.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 256
Field = NDArray[np.float64]


def make_pictures(each: int, *, seed: int) -> list[Image.Image]:
    random = np.random.default_rng(seed)
    return [
        _colour(make(random), random)
        for make in (_noise, _clouds, _gradient, _fabric)
        for _ in range(each)
    ]


def _colour(field: Field, random: np.random.Generator) -> Image.Image:
    first, second = random.uniform(0, 255, (2, 3))
    mixed = first + (second - first) * np.clip(field, 0, 1)[..., None]
    grain = random.normal(0, random.uniform(3, 8), mixed.shape)
    return Image.fromarray(np.clip(mixed + grain, 0, 255).astype(np.uint8))


def _noise(random: np.random.Generator) -> Field:
    return _enlarge(random.random((SIDE // random.integers(1, 9),) * 2))


def _clouds(random: np.random.Generator) -> Field:
    octaves = [_enlarge(random.random((2**n, 2**n))) / 2**n for n in range(1, 8)]
    field = np.sum(octaves, axis=0)
    low, high = np.quantile(field, (0.02, 0.98))
    return np.asarray((field - low) / (high - low))


def _gradient(random: np.random.Generator) -> Field:
    down, across = np.mgrid[:SIDE, :SIDE] / SIDE - random.random((2, 1, 1))
    if random.random() < 0.5:
        return np.asarray(np.hypot(down, across))
    angle = random.uniform(0, 2 * np.pi)
    return np.asarray(0.5 + np.cos(angle) * down + np.sin(angle) * across)


def _fabric(random: np.random.Generator) -> Field:
    down, across = np.mgrid[:SIDE, :SIDE]
    angle, spread = random.uniform(0, np.pi), random.uniform(4, 40, 2)
    turned = (
        np.cos(angle) * down + np.sin(angle) * across,
        np.cos(angle) * across - np.sin(angle) * down,
    )
    threads = [
        np.sin(2 * np.pi * place / period) for place, period in zip(turned, spread, strict=True)
    ]
    return np.asarray(0.5 + random.uniform(0.1, 0.3, 2) @ np.reshape(threads, (2, -1))).reshape(
        SIDE, SIDE
    )


def _enlarge(field: Field) -> Field:
    grown = Image.fromarray(field.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.asarray(grown, np.float64)
