"""The reference data set: pictures on which all models are compared, and which none is trained on.

Copies of its pictures are found even if they are mirrored, rotated, cropped, scaled or
recompressed. Several windows of each picture (the whole, crops of it, its square) are scaled to few
pixels. One picture is a copy of another if a window of one looks like the whole of the other in one
of eight orientations. A few tiny windows select the pairs for the full comparison.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skinapi.base.errors import NotFound
from skinapi.lab.datasets.dataset_images import PAGE_SIZE, DatasetImage, DatasetImages
from skinapi.lab.datasets.dataset_versions import Datasets, DatasetVersion
from skinapi.lab.datasets.quarantine import comparable
from skinapi.model.registry.gates import ReferenceData

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
    def __init__(self, originals: Sequence[Windows]) -> None:
        windows = np.stack(originals)
        self._coarse = _vectors(_halve(windows[:, COARSE_WINDOWS]))
        # In half precision: of a thousand pictures it is 32 MB.
        self._fine = np.stack([_vectors(each).astype(np.float16) for each in windows])

    def mark_copies(self, pictures: Sequence[Windows]) -> NDArray[np.bool_]:
        marked = np.zeros(len(pictures), dtype=bool)
        for place, _, score in self.compare(pictures):
            marked[place] |= score > LEAST
        return marked

    def compare(self, pictures: Sequence[Windows]) -> Iterator[tuple[int, int, float]]:
        for at in range(0, len(pictures), AT_ONCE):
            windows = np.stack(pictures[at : at + AT_ONCE])
            for first in range(0, len(self._coarse), ORIGINALS_AT_ONCE):
                for index, likely in enumerate(self._likely(windows, first)):
                    for original, score in self._score(windows[index], likely, first):
                        yield at + index, original, score

    def _likely(self, windows: Windows, first: int) -> NDArray[np.bool_]:
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
    """Make each window a unit vector of brightness and, weighted less, colour, without mean and
    contrast. The product of two is 1 if they look the same.
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
    grid = np.arange(side * side).reshape(side, side)
    turned = [np.rot90(each, times).ravel() for each in (grid, grid.T) for times in range(4)]
    channels = np.arange(3)[:, None] * side * side
    return np.stack([(channels + each).ravel() for each in turned])


# "lesion" or "patient", and its id.
Group = tuple[str, str]


def reference_data(dataset: DatasetVersion) -> ReferenceData:
    return ReferenceData(dataset=dataset.id, pictures=dataset.pictures)


@dataclass(frozen=True, slots=True)
class CurrentReference:
    datasets: Datasets

    def read_reference(self) -> ReferenceData | None:
        reference = self.datasets.find_reference()
        return reference_data(reference) if reference else None

    def count_erased(self, dataset: str) -> int | None:
        found = self.datasets.find(dataset)
        return found.erased if found and found.status == "published" else None


def list_held_out(
    images: DatasetImages, *, dataset: DatasetVersion, reference: DatasetVersion
) -> set[str]:
    """The pictures that must not be used in training: those in the reference, their copies, and all
    others of the same lesions and patients.
    """
    originals = _Originals(images, reference, one_source=_one_source(dataset, reference))
    groups: dict[str, set[Group]] = {}
    held: set[Group] = set()
    for batch in images.batches(dataset.id, PAGE_SIZE):
        for image, is_held in zip(batch, originals.mark_held_out(batch), strict=True):
            groups[image.id] = {("lesion", image.lesion), *_named_groups(image)}
            if is_held:
                held |= groups[image.id]
    return {identifier for identifier, named in groups.items() if named & held}


class _Originals:
    def __init__(
        self, images: DatasetImages, reference: DatasetVersion, *, one_source: bool
    ) -> None:
        self._images = images
        self._known: set[str] = set()
        self._groups: set[Group] = set()
        described = []
        for image in images.walk(reference.id):
            self._known.add(image.sha256)
            self._groups |= _named_groups(image) if one_source else set()
            if (windows := self._describe(image)) is not None:
                described.append(windows)
        self._copies = DuplicateSearch(described) if described else None

    def mark_held_out(self, batch: Sequence[DatasetImage]) -> list[bool]:
        held = [
            image.sha256 in self._known or bool(_named_groups(image) & self._groups)
            for image in batch
        ]
        if self._copies is None:
            return held
        places, described = [], []
        for place, image in enumerate(batch):
            if not held[place] and (windows := self._describe(image)) is not None:
                places.append(place)
                described.append(windows)
        for place, is_copy in zip(places, self._copies.mark_copies(described), strict=True):
            held[place] = bool(is_copy)
        return held

    def _describe(self, image: DatasetImage) -> Windows | None:
        try:
            return describe_picture(self._images.read_file(image, thumbnail=True))
        except (NotFound, OSError):
            return None


def _named_groups(image: DatasetImage) -> set[Group]:
    groups = {("patient", image.patient)} if image.patient else set()
    return groups if image.lesion == image.image_id else {*groups, ("lesion", image.lesion)}


def _one_source(one: DatasetVersion, other: DatasetVersion) -> bool:
    """Return whether equal ids in both mean the same lesion or patient. Findings have the same
    pseudonyms in each data set. Data sets of one owner without a named source count as one source.
    """
    if one.name_key == other.name_key or (one.labels_from and other.labels_from):
        return True
    if one.source or other.source:
        return comparable(one.source) == comparable(other.source)
    return one.owner == other.owner
