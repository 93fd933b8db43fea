"""Augmented views of the training pictures and their targets: made live, or computed once and
cached on disk.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import DTypeLike, NDArray
from PIL import Image

from skinapi.learning.data.augmentation import augment_picture, flip_or_turn
from skinapi.learning.data.clinics import relight, widen
from skinapi.learning.data.degradation import degrade_picture
from skinapi.learning.data.markings import mark_picture
from skinapi.learning.data.strengths import Strengths
from skinapi.learning.progress import Progress, Report
from skinapi.learning.train.inputs.batches import Fetch, Floats
from skinapi.learning.train.inputs.network_inputs import (
    BATCH,
    Features,
    NetworkInputs,
    cache_features,
    compute_cached,
)
from skinapi.learning.train.inputs.sampling import Rows
from skinapi.learning.train.inputs.teachers import Teachers
from skinapi.vision.network.tensor import Pixels, Tensor, scale_pixels

THREADS = 2

Cached = NDArray[Any]


@dataclass(frozen=True, slots=True)
class View:
    """One random view of a picture.

    The network trains on `shown`. Teachers predict from `clean`, the same view without a marking.
    """

    shown: Image.Image
    clean: Image.Image


@dataclass(frozen=True, slots=True)
class Views:
    """Random views of the pictures, and their targets: labels, or labels mixed with predictions of
    teachers.

    `marked`, `degraded`, `relit` and `widened` are shares of the views. Teachers see a view before
    the first two.
    """

    pictures: NetworkInputs
    labels: Floats
    teachers: Teachers | None
    degraded: float = 0.0
    marked: float = 0.0
    relit: float = 0.0
    widened: float = 0.0
    strengths: Strengths = field(default_factory=Strengths)

    def live(self, rows: Rows, random: np.random.Generator) -> tuple[Floats, Floats]:
        """New views of these rows, ready for the network, and their targets."""
        views = [self.make_view(int(row), random) for row in rows]
        shown = [self.pictures.to_tensor(self.degrade(view.shown, random)) for view in views]
        return np.stack(shown), self.targets(rows, views)

    def make_view(self, row: int, random: np.random.Generator) -> View:
        """Augments one picture. A marking is painted first, so it is turned and cropped too."""
        picture = self._move_to_other_clinic(self.pictures.open(row), random)
        strength = self.strengths.augmentation
        if random.random() >= self.marked:
            view = augment_picture(picture, random, strength)
            return View(shown=view, clean=view)
        marked = mark_picture(picture, random, self.strengths.marking)
        # The clean view needs the same draws as the marked one, to differ by the marking alone.
        same = deepcopy(random)
        shown = augment_picture(marked, random, strength)
        clean = augment_picture(picture, same, strength) if self.teachers else shown
        return View(shown=shown, clean=clean)

    def _move_to_other_clinic(
        self, picture: Image.Image, random: np.random.Generator
    ) -> Image.Image:
        # No draw where a share is 0: an older training resumes with the views it began with.
        if self.relit and random.random() < self.relit:
            picture = relight(picture, random, self.strengths.clinic)
        if self.widened and random.random() < self.widened:
            picture = widen(picture, random, self.strengths.clinic)
        return picture

    def degrade(self, view: Image.Image, random: np.random.Generator) -> Image.Image:
        """Lowers the image quality of the share `degraded` of the views."""
        if random.random() >= self.degraded:
            return view
        return degrade_picture(view, random, self.strengths.spoiling)

    def targets(self, rows: Rows, views: Sequence[View]) -> Floats:
        labels = self.labels[rows]
        if self.teachers is None:
            return labels
        return self.teachers.soft_targets(labels, [view.clean for view in views])


@dataclass(frozen=True, slots=True)
class ViewCache:
    """Computes `count` views of every picture once, and keeps them and their targets in a folder.

    A view depends on seed, number and row alone: an interrupted cache continues with the same ones.
    """

    views: Views
    count: int
    seed: int
    folder: Path
    report: Report

    def features(self, trunk: keras.Model) -> Fetch:
        """Fetches the output of a frozen trunk for a random view of each row."""
        pictures = self.views.pictures

        def compute_view(number: int) -> Features:
            def load(row: int) -> Tensor:
                (view,) = self._make_views(number, [row])
                # The trailing 1 keeps these draws apart from those that made the view.
                random = np.random.default_rng((self.seed, number, row, 1))
                return pictures.to_tensor(self.views.degrade(view.shown, random))

            return self._cache_features(trunk, f"{number}.npy", len(pictures), load)

        shown = [compute_view(number) for number in range(self.count)]
        return _fetch_random_view(
            shown, self._targets(), lambda cached, _: cached.astype(np.float32)
        )

    def unaugmented(self, trunk: keras.Model, pictures: NetworkInputs) -> Features:
        """The output of the trunk for other pictures, prepared as in serving."""
        return self._cache_features(trunk, "plain.npy", len(pictures), pictures.load)

    def pictures(self) -> Fetch:
        """Fetches a random cached view of each row, flipped or turned and degraded anew each time.

        Its targets stay as computed: neither change should alter a teacher's prediction.
        """
        views, pictures = self.views, self.views.pictures
        shape = (len(pictures), pictures.side, pictures.side, 3)
        scaling = pictures.scaling

        def compute_view(number: int) -> Pixels:
            def compute_pixels(rows: Rows) -> Pixels:
                made = self._make_views(number, rows)
                return np.stack([pictures.to_pixels(view.shown) for view in made])

            return self._cache(f"{number}.npy", shape, np.uint8, compute_pixels)

        def finish(cached: Pixels, random: np.random.Generator) -> Floats:
            turned = [flip_or_turn(Image.fromarray(view), random) for view in cached]
            shown = [np.asarray(views.degrade(view, random), np.float32) for view in turned]
            return scale_pixels(np.stack(shown), scaling)

        shown = [compute_view(number) for number in range(self.count)]
        return _fetch_random_view(shown, self._targets(), finish)

    def _targets(self) -> Sequence[Floats]:
        """For each view number the targets of all rows. Labels alone need no computing."""
        labels = self.views.labels
        if self.views.teachers is None:
            return [labels] * self.count

        def compute_targets(number: int) -> Floats:
            def compute(rows: Rows) -> Floats:
                return self.views.targets(rows, self._make_views(number, rows))

            return self._cache(f"answers-{number}.npy", labels.shape, np.float32, compute)

        return [compute_targets(number) for number in range(self.count)]

    def _make_views(self, number: int, rows: Iterable[int]) -> list[View]:
        """The same views whenever they are made."""
        make = self.views.make_view
        return [make(int(row), np.random.default_rng((self.seed, number, row))) for row in rows]

    def _cache_features(
        self, trunk: keras.Model, name: str, rows: int, load: Callable[[int], Tensor]
    ) -> Features:
        path = self._path(name)
        return cache_features(trunk=trunk, rows=rows, load=load, path=path, report=self.report)

    def _path(self, name: str) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / name

    def _cache(
        self, name: str, shape: tuple[int, ...], dtype: DTypeLike, compute: Callable[[Rows], Cached]
    ) -> Cached:
        """Computes an array batch by batch in threads, or opens the one that is already there."""

        def fill(stored: Cached) -> None:
            progress = Progress(f"views {name}", len(stored), self.report)

            def store(start: int) -> int:
                rows = np.arange(start, min(start + BATCH, len(stored)))
                stored[rows] = compute(rows)
                return len(rows)

            with ThreadPoolExecutor(THREADS) as pool:
                for done in pool.map(store, range(0, len(stored), BATCH)):
                    progress.advance(done)

        return compute_cached(self._path(name), shape, dtype, fill)


def _fetch_random_view(
    shown: Sequence[Cached],
    targets: Sequence[Floats],
    finish: Callable[[Cached, np.random.Generator], Floats],
) -> Fetch:
    """For each row one of its cached views, with the targets of that view."""

    def fetch(rows: Rows, random: np.random.Generator) -> tuple[Floats, Floats]:
        chosen = [(int(random.integers(len(shown))), row) for row in rows]
        cached = np.stack([shown[view][row] for view, row in chosen])
        return finish(cached, random), np.stack([targets[view][row] for view, row in chosen])

    return fetch
