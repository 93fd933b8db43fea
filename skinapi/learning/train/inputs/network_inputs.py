"""Turns samples into network inputs: tensors as in serving, or features of a frozen trunk that are
computed once and cached on disk.
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
from skinapi.vision.network.openvino_engine import shared_core
from skinapi.vision.network.tensor import (
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

    def to_pixels(self, view: Image.Image) -> Pixels:
        """The pixels that `to_tensor` would scale: uint8, a quarter of the bytes."""
        return shrink_whole(view, side=self.side)


def cache_features(
    *, trunk: keras.Model, rows: int, load: Callable[[int], Tensor], path: Path, report: Report
) -> Features:
    """Runs a frozen trunk over all rows, or opens the features that are already at `path`."""

    def fill(stored: Features) -> None:
        _compute(trunk, load, stored, Progress(f"features {path.stem}", rows, report))

    return compute_cached(path, (rows, *trunk.output.shape[1:]), np.float16, fill)


def compute_cached(
    path: Path, shape: tuple[int, ...], dtype: DTypeLike, fill: Callable[[NDArray[Any]], None]
) -> NDArray[Any]:
    """Opens the array at `path`, after computing it with `fill` where it does not exist yet.

    An interrupted computation leaves no array, so it starts anew. The result is memory-mapped.
    """
    if not path.exists():
        partial = path.with_suffix(".partial")
        stored = np.lib.format.open_memmap(partial, mode="w+", dtype=dtype, shape=shape)
        _reserve(partial)
        fill(stored)
        stored.flush()
        partial.rename(path)
    cached: NDArray[Any] = np.load(path, mmap_mode="r")
    return cached


def _reserve(path: Path) -> None:
    """Raises OSError now if the disk is too full. Found later, while writing to mapped memory, it
    would kill the process with SIGBUS.
    """
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _compute(
    trunk: keras.Model, load: Callable[[int], Tensor], stored: Features, progress: Progress
) -> None:
    # Two requests in flight: pictures are decoded while the trunk runs.
    queue = ov.AsyncInferQueue(_compile(trunk), 2)

    def keep(request: ov.InferRequest, start: int) -> None:
        batch = request.get_output_tensor(0).data
        stored[start : start + len(batch)] = batch
        progress.advance(len(batch))

    queue.set_callback(keep)
    for start in range(0, len(stored), BATCH):
        batch = [load(row) for row in range(start, min(start + BATCH, len(stored)))]
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
