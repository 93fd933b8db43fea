"""`python -m tests.app.batch.bench [FOLDER]`: pictures a second of a run and of the bare engine.

Four loops over the same pictures, with the same model on the same threads, take turns, so that
whatever else the machine does meets all of them. `inference`: the network alone, on one tensor.
`bare`: pictures in memory are decoded and classified. `files`: that, after their files are read and
hashed. `batch`: the whole run, with its plan, parts and output, but without loading the model.
"""

import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.photos import SIZES, photos
from skinapi.app.batch.command import LocalWorkers, judge_rest
from skinapi.app.batch.judge import Judge, columns
from skinapi.app.batch.output import Manifest, Output
from skinapi.app.batch.pictures import FolderWalk, PictureReader
from skinapi.base.settings.settings import Settings
from skinapi.model.classification import classify_photo
from skinapi.model.network.model import SHIPPED_MODEL, Model, open_model
from tests.support.size import size

THREADS = len(os.sched_getaffinity(0))
PICTURES = size(200, 2000)
ROUNDS = size(5, 9)
SMALL = next(iter(SIZES))


class Loops:
    def __init__(self, model: Model, pictures: Sequence[bytes], folder: Path) -> None:
        self._model = model
        self._pictures = pictures
        self._root, self._out = folder / "pictures", folder / "findings.parquet"
        self._root.mkdir()
        for number, picture in enumerate(pictures):
            (self._root / f"{number:06d}.jpg").write_bytes(picture)
        self._judge = Judge(model, PictureReader(os.fsencode(self._root), largest_bytes=10**8))
        self._names = [os.fsencode(path.name) for path in sorted(self._root.iterdir())]

    def inference(self) -> None:
        side = self._model.card.side
        tensor = np.random.default_rng(0).normal(0, 50, (1, side, side, 3)).astype(np.float32)
        self._spread([tensor] * len(self._pictures), self._model.engine.infer)

    def bare(self) -> None:
        self._spread(self._pictures, lambda picture: classify_photo(self._model, picture))

    def files(self) -> None:
        self._spread(self._names, self._judge.judge)

    def batch(self) -> None:
        output = Output(self._out)
        schema = columns(self._model.labels)
        names = sorted(FolderWalk(os.fsencode(self._root)).names())
        manifest = Manifest(
            model_version=self._model.version,
            model_sha256="",
            precision="",
            largest_bytes=0,
            operating_point="",
            prevalence="",
            kind="folder",
            root="",
            pictures=len(names),
            plan_sha256="",
        )
        with output.held(), closing(LocalWorkers(self._judge, threads=THREADS)) as workers:
            output.begin(manifest, names)
            progress = judge_rest(
                output, workers, columns=schema, say=lambda _: None, stop=threading.Event()
            )
            assert progress.complete
            output.finish(manifest, columns=schema)

    def _spread(self, items: Sequence[object], work: Callable[..., object]) -> None:
        with ThreadPoolExecutor(THREADS) as threads:
            for _ in threads.map(work, items):
                pass


@dataclass(frozen=True, slots=True)
class Round:
    """Pictures a second, and the seconds of processor time that each took: the second figure says
    more where other programs use the machine too.
    """

    rate: float
    cpu_s: float


def measure(folder: Path | None) -> dict[str, list[Round]]:
    settings = Settings()
    model = open_model(settings.model_path or SHIPPED_MODEL, streams=THREADS)
    model.warm()
    made = photos(folder)[SMALL]
    pictures = [made[number % len(made)] for number in range(PICTURES)]
    seen: dict[str, list[Round]] = {}
    with TemporaryDirectory(prefix="bench-batch-") as scratch:
        loops = Loops(model, pictures, Path(scratch))
        for _ in range(ROUNDS):
            for loop in (loops.inference, loops.bare, loops.files, loops.batch):
                began, used = time.perf_counter(), time.process_time()
                loop()
                taken, used = time.perf_counter() - began, time.process_time() - used
                seen.setdefault(loop.__name__, []).append(Round(PICTURES / taken, used / PICTURES))
    return seen


def main(folder: Path | None) -> None:
    loops = measure(folder)
    out = sys.stdout
    out.write(f"{PICTURES} pictures of {SMALL}, {THREADS} threads, {ROUNDS} rounds\n")
    for name, seen in loops.items():
        rates = [each.rate for each in seen]
        cpu_ms = statistics.median(each.cpu_s for each in seen) * 1e3
        spread = f"({min(rates):.1f} to {max(rates):.1f})"
        out.write(
            f"{name:10}{statistics.median(rates):7.1f}/s {spread:18}{cpu_ms:6.1f} ms of CPU\n"
        )
    for base in ("bare", "inference"):
        pairs = list(zip(loops["batch"], loops[base], strict=True))
        rate = statistics.median(ours.rate / theirs.rate for ours, theirs in pairs)
        cpu = statistics.median(theirs.cpu_s / ours.cpu_s for ours, theirs in pairs)
        out.write(f"batch / {base}: {rate:.3f} by time, {cpu:.3f} by processor time\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
