"""What a network is shown: pictures as in serving, augmented views of them or cached features of
these views, and the batches of an epoch.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np
import openvino as ov
from numpy.typing import NDArray
from PIL import Image

from skinapi.learning.data.augmentation import AugmentationConfig, augment_picture, relight, widen
from skinapi.learning.data.degradation import degrade_picture, mark_picture
from skinapi.learning.data.samples import Sample, open_sample
from skinapi.learning.progress import Progress, Report
from skinapi.learning.train.recipe import Floats, Rows, Sampler
from skinapi.model.network.openvino_engine import shared_core
from skinapi.model.network.tensor import Scaling, Tensor, make_tensor, make_whole_tensor

CACHED_AT_ONCE = 16

Features = NDArray[np.float16]
Fetch = Callable[[Rows, np.random.Generator], tuple[Floats, Floats]]


@dataclass(frozen=True, slots=True)
class NetworkInputs:
    """Samples as tensors of one side and scaling.

    Decoded and prepared by the functions that serving uses, so that training sees the same pixels.
    """

    samples: Sequence[Sample]
    side: int
    scaling: Scaling

    def __len__(self) -> int:
        return len(self.samples)

    def open(self, row: int) -> Image.Image:
        return open_sample(self.samples[row])

    def load(self, row: int) -> Tensor:
        return make_tensor(self.open(row), side=self.side, scaling=self.scaling)

    def to_tensor(self, view: Image.Image) -> Tensor:
        return make_whole_tensor(view, side=self.side, scaling=self.scaling)


@dataclass(frozen=True, slots=True)
class Views:
    """Random views of the pictures, and their labels.

    `degraded`, `marked`, `relit` and `widened` are shares of the views.
    """

    pictures: NetworkInputs
    labels: Floats
    degraded: float = 0.0
    marked: float = 0.0
    relit: float = 0.0
    widened: float = 0.0
    strengths: AugmentationConfig = field(default_factory=AugmentationConfig)

    def fetch(self, rows: Rows, random: np.random.Generator) -> tuple[Floats, Floats]:
        """New views of these rows, ready for the network, and their labels."""
        views = [self.make_view(int(row), random) for row in rows]
        shown = [self.pictures.to_tensor(self.degrade(view, random)) for view in views]
        return np.stack(shown), self.labels[rows]

    def make_view(self, row: int, random: np.random.Generator) -> Image.Image:
        """Augments one picture. A marking is painted first, so it is turned and cropped too."""
        picture, strengths = self.pictures.open(row), self.strengths
        if self.relit and random.random() < self.relit:
            picture = relight(picture, random, strengths.clinic)
        if self.widened and random.random() < self.widened:
            picture = widen(picture, random, strengths.clinic)
        if random.random() < self.marked:
            picture = mark_picture(picture, random, strengths.marking)
        return augment_picture(picture, random, strengths.augmentation)

    def degrade(self, view: Image.Image, random: np.random.Generator) -> Image.Image:
        """Lowers the image quality of the share `degraded` of the views."""
        if random.random() >= self.degraded:
            return view
        return degrade_picture(view, random, self.strengths.spoiling)


@dataclass(frozen=True, slots=True)
class FeatureCache:
    """Runs a frozen trunk over `count` views of every picture once, and keeps its outputs in a
    folder.

    A view depends on seed, number and row alone: an interrupted cache continues with the same ones.
    """

    views: Views
    trunk: keras.Model
    count: int
    seed: int
    folder: Path
    report: Report

    def compute_views(self) -> Fetch:
        """Fetches the features of a random view of each row, and their labels."""
        shown = [self._compute_view(number) for number in range(self.count)]

        def fetch(rows: Rows, random: np.random.Generator) -> tuple[Floats, Floats]:
            chosen = [shown[int(random.integers(len(shown)))][row] for row in rows]
            return np.stack(chosen).astype(np.float32), self.views.labels[rows]

        return fetch

    def _compute_view(self, number: int) -> Features:
        pictures = self.views.pictures

        def load(row: int) -> Tensor:
            view = self.views.make_view(row, np.random.default_rng((self.seed, number, row)))
            # The trailing 1 keeps these draws apart from those that made the view.
            random = np.random.default_rng((self.seed, number, row, 1))
            return pictures.to_tensor(self.views.degrade(view, random))

        return self._compute(str(number), len(pictures), load)

    def compute_plain(self, pictures: NetworkInputs) -> Features:
        """The features of other pictures, prepared as in serving."""
        return self._compute("plain", len(pictures), pictures.load)

    def _compute(self, name: str, rows: int, load: Callable[[int], Tensor]) -> Features:
        """Opens the array of this name, after computing it where it does not exist yet.

        An interrupted computation leaves no array, so it starts anew. The result is memory-mapped.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{name}.npy"
        if not path.exists():
            partial, shape = path.with_suffix(".partial"), (rows, *self.trunk.output.shape[1:])
            stored = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float16, shape=shape)
            _reserve(partial)
            _fill(stored, self.trunk, load, Progress(f"features {name}", rows, self.report))
            stored.flush()
            partial.rename(path)
        cached: Features = np.load(path, mmap_mode="r")
        return cached


def _reserve(path: Path) -> None:
    """Raises OSError now if the disk is too full. Found later, while writing to mapped memory, it
    would kill the process with SIGBUS.
    """
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _fill(
    stored: Features, trunk: keras.Model, load: Callable[[int], Tensor], progress: Progress
) -> None:
    # Two requests in flight: pictures are decoded while the trunk runs.
    queue = ov.AsyncInferQueue(_compile(trunk), 2)

    def keep(request: ov.InferRequest, start: int) -> None:
        batch = request.get_output_tensor(0).data
        stored[start : start + len(batch)] = batch
        progress.advance(len(batch))

    queue.set_callback(keep)
    for start in range(0, len(stored), CACHED_AT_ONCE):
        batch = [load(row) for row in range(start, min(start + CACHED_AT_ONCE, len(stored)))]
        queue.start_async(np.stack(batch), start)
    queue.wait_all()


def _compile(trunk: keras.Model) -> ov.CompiledModel:
    """The trunk in OpenVINO, in bfloat16: on a CPU several times faster than Keras."""
    with TemporaryDirectory() as folder:
        exported = Path(folder) / "trunk.xml"
        trunk.export(str(exported), format="openvino", verbose=False)
        core = shared_core()
        hints = {"INFERENCE_PRECISION_HINT": "bf16", "NUM_STREAMS": "2"}
        return core.compile_model(core.read_model(exported), "CPU", hints)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """Pairs of inputs and targets. A batch depends on seed, epoch and index alone, so a resumed
    training repeats it. `steps`: batches of one epoch; 0: as many as the sampler's rows fill.
    """

    # Classes are balanced by the sampler. Weights in the loss would aim at the same, but spend two
    # thirds of the work on the most frequent class.

    fetch: Fetch
    sampler: Sampler
    batch: int
    mixup: float
    seed: int
    steps: int = 0

    def __len__(self) -> int:
        """Batches of one epoch."""
        return self.steps or max(1, len(self.sampler) // self.batch)

    def load(self, epoch: int, index: int) -> tuple[Floats, Floats]:
        # Drawn again for each batch, so that threads share no state. It takes milliseconds.
        many = self.steps * self.batch or len(self.sampler)
        order = self.sampler.draw(np.random.default_rng((self.seed, epoch)), many)
        chosen = order[index * self.batch : (index + 1) * self.batch]
        random = np.random.default_rng((self.seed, epoch, index))
        inputs, targets = self.fetch(chosen, random)
        return _mix(inputs, targets, self.mixup, random) if self.mixup > 0.0 else (inputs, targets)


class EpochBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches of one epoch, in the form that Keras reads."""

    def __init__(self, batches: Batches, epoch: int) -> None:
        # Threads, not processes: Pillow and numpy release the GIL, and a copy of all samples in
        # each process would cost memory.
        super().__init__(workers=2, max_queue_size=8)
        self._batches, self._epoch = batches, epoch

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[Floats, Floats]:
        return self._batches.load(self._epoch, index)


def _mix(
    inputs: Floats, targets: Floats, strength: float, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """Mixup: blends each sample with another one of its batch. Its own share is at least half."""
    partners = random.permutation(len(inputs))
    share = random.beta(strength, strength, len(inputs)).astype(np.float32)
    share = np.maximum(share, np.float32(1.0) - share)
    wide = share.reshape(-1, *([1] * (inputs.ndim - 1)))
    mixed = wide * inputs + (np.float32(1.0) - wide) * inputs[partners]
    share = share[:, None]
    return mixed, share * targets + (np.float32(1.0) - share) * targets[partners]
