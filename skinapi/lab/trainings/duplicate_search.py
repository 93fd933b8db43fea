"""Finds copies of pictures: mirrored, turned, cropped, scaled or compressed again.

Of each picture some windows are scaled to few pixels: the whole, crops of it, and its square. One
is a copy of another where a window of it looks like the whole of the other, or the other way round,
in one of the eight orientations. Few windows of very few pixels, compared by matrix products,
choose the pairs that are compared in full.
"""

import io
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# A crop may cut so much of each side; in between the windows are close enough.
CUTS = ((0.05, 3), (0.1, 5))
SQUARE_CUT = 0.04
SIDE, COARSE_SIDE = 12, 6
LONGEST_READ = 72
# Of the windows below: the whole, both middles, the outer ones, and the square.
COARSE_WINDOWS = (0, 5, 10, 12, 14, 20, 22, 24, 30, 32, 34, 35)
# Of 1 where two vectors are the same. How they were chosen is in docs/decisions.md.
LEAST_COARSE, LEAST = 0.88, 0.955
COLOUR_WEIGHT = 0.5
# What is nearly uniform shows noise alone.
FAINT, PLAIN = 1.0, 0.1
AT_ONCE, ORIGINALS_AT_ONCE = 64, 512

Windows = NDArray[np.uint8]
Vectors = NDArray[np.float32]


def describe_picture(thumbnail: bytes) -> Windows:
    """The picture's windows. Raises OSError where it cannot be read."""
    with Image.open(io.BytesIO(thumbnail), formats=("JPEG",)) as file:
        file.draft("RGB", (LONGEST_READ, LONGEST_READ))
        picture = file.convert("RGB")
    picture.thumbnail((LONGEST_READ, LONGEST_READ), Image.Resampling.BOX)
    return np.stack(
        [
            np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box))
            for box in _boxes(*picture.size)
        ]
    )


def _boxes(width: int, height: int) -> Iterator[tuple[float, float, float, float]]:
    yield 0, 0, width, height
    for cut, steps in CUTS:
        for left in np.linspace(0, cut, steps).tolist():
            for top in np.linspace(0, cut, steps).tolist():
                yield (
                    left * width,
                    top * height,
                    (left + 1 - cut) * width,
                    (top + 1 - cut) * height,
                )
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    for margin in (0, SQUARE_CUT * side):
        yield left + margin, top + margin, left + side - margin, top + side - margin


class DuplicateSearch:
    """The pictures of which copies are looked for."""

    def __init__(self, originals: Sequence[Windows]) -> None:
        windows = np.stack(originals)
        self._coarse = _vectors(_halve(windows[:, COARSE_WINDOWS]))
        # In half precision: of a thousand pictures it is 32 MB.
        self._fine = np.stack([_vectors(each).astype(np.float16) for each in windows])

    def mark_copies(self, pictures: Sequence[Windows]) -> NDArray[np.bool_]:
        """Which of these are copies."""
        marked = np.zeros(len(pictures), dtype=bool)
        for place, _, score in self.compare(pictures):
            marked[place] |= score > LEAST
        return marked

    def compare(self, pictures: Sequence[Windows]) -> Iterator[tuple[int, int, float]]:
        """The place of each that looks like an original at first sight, that of the original, and
        how alike they are in one orientation, at most 1.
        """
        for at in range(0, len(pictures), AT_ONCE):
            windows = np.stack(pictures[at : at + AT_ONCE])
            for first in range(0, len(self._coarse), ORIGINALS_AT_ONCE):
                for place, likely in enumerate(self._likely(windows, first)):
                    for original, score in self._score(windows[place], likely, first):
                        yield at + place, original, score

    def _likely(self, windows: Windows, first: int) -> NDArray[np.bool_]:
        """By picture, orientation and original, of some originals from `first` on."""
        originals = self._coarse[first : first + ORIGINALS_AT_ONCE]
        coarse = _vectors(_halve(windows[:, COARSE_WINDOWS]))[..., _turns(COARSE_SIDE)]
        mine = np.ascontiguousarray(coarse.transpose(0, 2, 1, 3))  # picture, turn, window, pixel
        shape, dimensions = mine.shape[:2], mine.shape[-1]
        whole = mine[:, :, 0].reshape(-1, dimensions) @ originals.reshape(-1, dimensions).T
        cut = mine.reshape(-1, dimensions) @ originals[:, 0].T
        best = np.maximum(
            whole.reshape(*shape, len(originals), -1).max(-1),
            cut.reshape(*shape, -1, len(originals)).max(-2),
        )
        return np.asarray((best > LEAST_COARSE) & (best == best.max(1, keepdims=True)))

    def _score(
        self, windows: Windows, likely: NDArray[np.bool_], first: int
    ) -> Iterator[tuple[int, float]]:
        """`likely`: of one picture, by orientation and original."""
        if not likely.any():
            return
        vectors = _vectors(windows)
        for turn in np.nonzero(likely.any(-1))[0].tolist():
            originals = first + np.nonzero(likely[turn])[0]
            mine = vectors[:, _turns(SIDE)[turn]]
            theirs = self._fine[originals].astype(np.float32)
            scores = np.maximum((theirs @ mine[0]).max(-1), (theirs[:, 0] @ mine.T).max(-1))
            yield from zip(originals.tolist(), scores.tolist(), strict=True)


def _halve(windows: Windows) -> NDArray[np.float32]:
    half = windows.shape[-2] // 2
    shape = (*windows.shape[:-3], half, 2, half, 2, 3)
    return np.asarray(windows.reshape(shape).mean((-2, -4), dtype=np.float32))


def _vectors(windows: NDArray[np.generic]) -> Vectors:
    """Each window as a vector of length one: brightness, and less of the colour, each without its
    mean and its contrast. The product of two is 1 where they look the same.
    """
    pixels = windows.astype(np.float32).reshape(*windows.shape[:-3], -1, 3)
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    parts = []
    for values, weight in (
        (pixels.mean(-1), 1.0),
        (red - green, COLOUR_WEIGHT),
        (blue - green, COLOUR_WEIGHT),
    ):
        centred = values - values.mean(-1, keepdims=True)
        parts.append(weight * centred / (np.linalg.norm(centred, axis=-1, keepdims=True) + FAINT))
    joined = np.concatenate(parts, -1)
    length = np.linalg.norm(joined, axis=-1, keepdims=True)
    return np.asarray(joined / np.maximum(length, PLAIN), dtype=np.float32)


@cache
def _turns(side: int) -> NDArray[np.intp]:
    """For each orientation, from where each value of a vector comes."""
    grid = np.arange(side * side).reshape(side, side)
    turned = [np.rot90(each, times).ravel() for each in (grid, grid.T) for times in range(4)]
    channels = np.arange(3)[:, None] * side * side
    return np.stack([(channels + each).ravel() for each in turned])
