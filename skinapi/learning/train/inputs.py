"""What the network is shown: pictures live, or what a frozen trunk sees of them, computed once and
kept on disk.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np
import openvino as ov
from numpy.typing import DTypeLike, NDArray
from PIL import Image

from skinapi.learning.data.samples import Sample, open_sample
from skinapi.learning.progress import Progress, Report
from skinapi.vision.tensor import (
    Pixels,
    Scaling,
    Tensor,
    make_tensor,
    make_whole_tensor,
    shrink_whole,
)

BATCH = 16

Features = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class NetworkInputs:
    """Samples as a network reads them: decoded and prepared by the same functions as in serving."""

    samples: Sequence[Sample]
    side: int
    scaling: Scaling

    def __len__(self) -> int:
        return len(self.samples)

    def open(self, row: int) -> Image.Image:
        return open_sample(self.samples[row])

    def look(self, row: int) -> Tensor:
        return make_tensor(self.open(row), side=self.side, scaling=self.scaling)

    def take_in(self, view: Image.Image) -> Tensor:
        return make_whole_tensor(view, side=self.side, scaling=self.scaling)

    def shrink(self, view: Image.Image) -> Pixels:
        """What `take_in` would scale, at a quarter of the room."""
        return shrink_whole(view, side=self.side)


def cache_features(
    *, trunk: keras.Model, rows: int, look: Callable[[int], Tensor], path: Path, report: Report
) -> Features:
    """One row of float16 features per picture."""

    def fill(stored: Features) -> None:
        _compute(trunk, look, stored, Progress(f"features {path.stem}", rows, report))

    return compute_cached(path, (rows, *trunk.output.shape[1:]), np.float16, fill)


def compute_cached(
    path: Path, shape: tuple[int, ...], dtype: DTypeLike, fill: Callable[[NDArray[Any]], None]
) -> NDArray[Any]:
    """Read from disk after; interrupted, it is computed anew."""
    if not path.exists():
        partial = path.with_suffix(".partial")
        stored = np.lib.format.open_memmap(partial, mode="w+", dtype=dtype, shape=shape)
        _reserve(partial)
        fill(stored)
        stored.flush()
        partial.rename(path)
    kept: NDArray[Any] = np.load(path, mmap_mode="r")
    return kept


def _reserve(path: Path) -> None:
    """A full disk must say so here: found out while writing through memory, it would kill the
    process.
    """
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _compute(
    trunk: keras.Model, look: Callable[[int], Tensor], stored: Features, progress: Progress
) -> None:
    queue = ov.AsyncInferQueue(_compile(trunk), 2)

    def keep(request: ov.InferRequest, start: int) -> None:
        batch = request.get_output_tensor(0).data
        stored[start : start + len(batch)] = batch
        progress.advance(len(batch))

    queue.set_callback(keep)
    for start in range(0, len(stored), BATCH):
        batch = [look(row) for row in range(start, min(start + BATCH, len(stored)))]
        queue.start_async(np.stack(batch), start)
    queue.wait_all()


def _compile(trunk: keras.Model) -> ov.CompiledModel:
    """OpenVINO runs a frozen trunk in bfloat16, several times faster here than a training
    framework.
    """
    with TemporaryDirectory() as folder:
        exported = Path(folder) / "trunk.xml"
        trunk.export(str(exported), format="openvino", verbose=False)
        core = ov.Core()
        hints = {"INFERENCE_PRECISION_HINT": "bf16", "NUM_STREAMS": "2"}
        return core.compile_model(core.read_model(exported), "CPU", hints)
