"""What is shown of each picture and what is to be answered: every view new, or a few views that are
made beforehand, asked about once and shown again and again.
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
from skinapi.learning.data.degradation import degrade_picture
from skinapi.learning.data.markings import mark_picture
from skinapi.learning.progress import Progress, Report
from skinapi.learning.train.batches import Fetch, Floats
from skinapi.learning.train.inputs import (
    BATCH,
    Features,
    NetworkInputs,
    cache_features,
    compute_cached,
)
from skinapi.learning.train.sampling import Rows
from skinapi.learning.train.strengths import Strengths
from skinapi.learning.train.teachers import Teachers
from skinapi.vision.tensor import Pixels, Tensor, scale_pixels

THREADS = 2

Cached = NDArray[Any]


@dataclass(frozen=True, slots=True)
class View:
    """One random view, as the pupil sees it and as its teachers are asked about it: without the
    marking that may be on the pupil's.
    """

    shown: Image.Image
    clean: Image.Image


@dataclass(frozen=True, slots=True)
class Views:
    """A view is answered with its picture's label and what teachers say of this very view. They see
    it whole and unmarked; of the pupil's views these shares are marked and spoiled.
    """

    pictures: NetworkInputs
    labels: Floats
    teachers: Teachers | None
    spoiled: float = 0.0
    marked: float = 0.0
    strengths: Strengths = field(default_factory=Strengths)

    def live(self, rows: Rows, random: np.random.Generator) -> tuple[Floats, Floats]:
        views = [self.glance(int(row), random) for row in rows]
        shown = [self.pictures.take_in(self.spoil(view.shown, random)) for view in views]
        return np.stack(shown), self.answer(rows, views)

    def glance(self, row: int, random: np.random.Generator) -> View:
        """Marked before it is augmented, so that the marking is turned and cropped along."""
        picture, strength = self.pictures.open(row), self.strengths.augmentation
        if random.random() >= self.marked:
            view = augment_picture(picture, random, strength)
            return View(shown=view, clean=view)
        marked = mark_picture(picture, random, self.strengths.marking)
        same = deepcopy(random)
        shown = augment_picture(marked, random, strength)
        clean = augment_picture(picture, same, strength) if self.teachers else shown
        return View(shown=shown, clean=clean)

    def spoil(self, view: Image.Image, random: np.random.Generator) -> Image.Image:
        if random.random() >= self.spoiled:
            return view
        return degrade_picture(view, random, self.strengths.spoiling)

    def answer(self, rows: Rows, views: Sequence[View]) -> Floats:
        labels = self.labels[rows]
        if self.teachers is None:
            return labels
        return self.teachers.correct(labels, [view.clean for view in views])


@dataclass(frozen=True, slots=True)
class ViewCache:
    """Makes so many views of every picture once, and keeps them and their answers in a folder."""

    views: Views
    count: int
    seed: int
    folder: Path
    report: Report

    def features(self, trunk: keras.Model) -> Fetch:
        """Shows what a frozen trunk saw of a view."""
        pictures = self.views.pictures

        def see(number: int) -> Features:
            def look(row: int) -> Tensor:
                (view,) = self._glance(number, [row])
                random = np.random.default_rng((self.seed, number, row, 1))
                return pictures.take_in(self.views.spoil(view.shown, random))

            return self._see(trunk, f"{number}.npy", len(pictures), look)

        shown = [see(number) for number in range(self.count)]
        return _one_of(shown, self._answers(), lambda seen, _: seen.astype(np.float32))

    def plain(self, trunk: keras.Model, pictures: NetworkInputs) -> Features:
        """What it sees of other pictures as they are served."""
        return self._see(trunk, "plain.npy", len(pictures), pictures.look)

    def pictures(self) -> Fetch:
        """Shows a view turned or mirrored, and spoiled anew each time; what was said of it stays
        true.
        """
        views, pictures = self.views, self.views.pictures
        shape = (len(pictures), pictures.side, pictures.side, 3)
        scaling = pictures.scaling

        def see(number: int) -> Pixels:
            def shrink(rows: Rows) -> Pixels:
                return np.stack(
                    [pictures.shrink(view.shown) for view in self._glance(number, rows)]
                )

            return self._keep(f"{number}.npy", shape, np.uint8, shrink)

        def finish(seen: Pixels, random: np.random.Generator) -> Floats:
            turned = [flip_or_turn(Image.fromarray(one), random) for one in seen]
            shown = [np.asarray(views.spoil(view, random), np.float32) for view in turned]
            return scale_pixels(np.stack(shown), scaling)

        shown = [see(number) for number in range(self.count)]
        return _one_of(shown, self._answers(), finish)

    def _answers(self) -> Sequence[Floats]:
        """View by view; labels alone are the same for all."""
        labels = self.views.labels
        if self.views.teachers is None:
            return [labels] * self.count

        def hear(number: int) -> Floats:
            def answer(rows: Rows) -> Floats:
                return self.views.answer(rows, self._glance(number, rows))

            return self._keep(f"answers-{number}.npy", labels.shape, np.float32, answer)

        return [hear(number) for number in range(self.count)]

    def _glance(self, number: int, rows: Iterable[int]) -> list[View]:
        """The same view of the same picture, whenever it is made."""
        glance = self.views.glance
        return [glance(int(row), np.random.default_rng((self.seed, number, row))) for row in rows]

    def _see(
        self, trunk: keras.Model, name: str, rows: int, look: Callable[[int], Tensor]
    ) -> Features:
        path = self._path(name)
        return cache_features(trunk=trunk, rows=rows, look=look, path=path, report=self.report)

    def _path(self, name: str) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / name

    def _keep(
        self, name: str, shape: tuple[int, ...], dtype: DTypeLike, make: Callable[[Rows], Cached]
    ) -> Cached:
        def fill(stored: Cached) -> None:
            progress = Progress(f"views {name}", len(stored), self.report)

            def store(start: int) -> int:
                rows = np.arange(start, min(start + BATCH, len(stored)))
                stored[rows] = make(rows)
                return len(rows)

            with ThreadPoolExecutor(THREADS) as pool:
                for done in pool.map(store, range(0, len(stored), BATCH)):
                    progress.advance(done)

        return compute_cached(self._path(name), shape, dtype, fill)


def _one_of(
    shown: Sequence[Cached],
    answers: Sequence[Floats],
    finish: Callable[[Cached, np.random.Generator], Floats],
) -> Fetch:
    def fetch(rows: Rows, random: np.random.Generator) -> tuple[Floats, Floats]:
        chosen = [(int(random.integers(len(shown))), row) for row in rows]
        seen = np.stack([shown[view][row] for view, row in chosen])
        return finish(seen, random), np.stack([answers[view][row] for view, row in chosen])

    return fetch
