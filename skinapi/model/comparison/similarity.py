"""A translation, rotation and scale between two pictures, and pictures drawn by it."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Similarity:
    """Where a point of the first picture lies in the second.

    Points are measured from the middle of their own picture, in shorter sides of that picture, so
    they hold at any resolution. A point at (x, y) of the first lies at
    (a·x − b·y + across, b·x + a·y + down) of the second.
    """

    a: float
    b: float
    across: float
    down: float

    @classmethod
    def of(cls, *, scale: float, degrees: float, across: float = 0.0, down: float = 0.0) -> Self:
        turn = math.radians(degrees)
        return cls(scale * math.cos(turn), scale * math.sin(turn), across, down)

    @property
    def scale(self) -> float:
        """How much larger the same skin is in the second picture, in shorter sides of each."""
        return math.hypot(self.a, self.b)

    @property
    def degrees(self) -> float:
        """Clockwise, because rows are counted downwards."""
        return math.degrees(math.atan2(self.b, self.a))

    def after(self, first: Self) -> "Similarity":
        """`first`, and then this one."""
        return Similarity(
            self.a * first.a - self.b * first.b,
            self.b * first.a + self.a * first.b,
            self.a * first.across - self.b * first.down + self.across,
            self.b * first.across + self.a * first.down + self.down,
        )

    def inverse(self) -> "Similarity":
        """Where a point of the second picture lies in the first."""
        turned = Similarity.of(scale=1 / self.scale, degrees=-self.degrees)
        return turned.after(Similarity(1, 0, -self.across, -self.down))

    def at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """`points` holds x in its first row and y in its second."""
        turned = np.array([[self.a, -self.b], [self.b, self.a]]) @ points
        return np.asarray(turned + np.array([[self.across], [self.down]]))


def draw_in_first(picture: Image.Image, by: Similarity, size: tuple[int, int]) -> Image.Image:
    """The second picture as the first camera would have seen it, on a picture of this size."""
    unit, second = min(size), min(picture.size)
    a, b = by.a * second / unit, by.b * second / unit
    x = by.across * second + picture.width / 2 - a * size[0] / 2 + b * size[1] / 2
    y = by.down * second + picture.height / 2 - b * size[0] / 2 - a * size[1] / 2
    return picture.transform(
        size, Image.Transform.AFFINE, (a, -b, x, b, a, y), Image.Resampling.BILINEAR
    )


@lru_cache(maxsize=16)
def grid(size: tuple[int, int]) -> NDArray[np.float64]:
    """The middles of all pixels of a picture, row by row, as `Similarity` measures points."""
    width, height = size
    rows, columns = np.mgrid[:height, :width]
    points = np.stack([columns.ravel() + 0.5 - width / 2, rows.ravel() + 0.5 - height / 2])
    return np.asarray(points / min(size))


def overlap(first: tuple[int, int], second: tuple[int, int], by: Similarity) -> Mask:
    """Which pixels of the first picture the second one shows, without its outermost ones."""
    x, y = np.abs(by.at(grid(first)))
    unit = min(second)
    inside = (x < second[0] / unit / 2 - 1 / unit) & (y < second[1] / unit / 2 - 1 / unit)
    return np.asarray(inside.reshape(first[1], first[0]))
