"""What a training says of the time that it still takes, against trainings that were recorded.

    python -m tests.bench.time_left                           # of tests/lab/recorded_trainings
    python -m tests.bench.time_left record PICTURES OUT NAME  # one more; the names: TRAININGS

`record` has a server and its job worker train, as the lab does, on pictures of a folder with a
table as HAM10000's. What else the machine does meanwhile is part of the recording.
"""

import csv
import json
import os
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from skinapi.jobs.handlers import JobContext
from skinapi.jobs.job_guard import guard_job
from skinapi.lab.trainings.training_progress import BATCHES, TrainingSteps
from skinapi.run_job import HANDLERS
from skinapi.settings import Settings
from skinapi.storage.ids import now
from skinapi.vision.network.model import SHIPPED_MODEL
from skinapi.worker import main as work
from tests.lab.recorded_training import FOLDER, Recording, polls
from tests.lab.sending import LABELS, table, zipped
from tests.served.people import Caller, Seeder
from tests.served.server import Server, stopping

MODULE = "tests.bench.time_left"
LOOKED_EVERY_S = 2.0
ROWS = "recording"
DATASET = "moles"
# Pictures, then what is asked for.
TRAININGS: dict[str, tuple[int, dict[str, Any]]] = {
    "mobile-60": (60, {"architecture": "MobileNetV2", "epochs": 4, "batch_size": 16}),
    "mobile-300": (300, {"architecture": "MobileNetV2", "epochs": 8, "batch_size": 32}),
    "mobile-120": (
        120, {"architecture": "MobileNetV2", "epochs": 20, "batch_size": 16, "side": 128}
    ),
    "resnet-60": (60, {"architecture": "ResNet50", "epochs": 3, "batch_size": 16}),
    "resnet-112": (112, {"architecture": "ResNet50", "epochs": 5, "batch_size": 16, "side": 128}),
    "resnet-240": (240, {"architecture": "ResNet50", "epochs": 4, "batch_size": 8, "side": 128}),
    "resnet-150": (150, {"architecture": "ResNet50", "epochs": 4, "batch_size": 32, "side": 160}),
    "mobile-200": (200, {"architecture": "MobileNetV2", "epochs": 3, "batch_size": 32}),
    "efficient-80": (
        80, {"architecture": "EfficientNetB3", "epochs": 3, "batch_size": 16, "side": 160}
    ),
    "dense-80": (80, {"architecture": "DenseNet169", "epochs": 3, "batch_size": 16, "side": 160}),
}  # fmt: skip


class RecordedSteps(TrainingSteps):
    """Writes what it is told, with the clock since the attempt began and the processor time."""

    def __init__(self, context: JobContext, request: Any, **options: Any) -> None:
        began = context.job.attempt_started_at
        self._zero = time.monotonic() - ((now() - began).total_seconds() if began else 0.0)
        self._file = (Settings().instance_dir / ROWS).open("w", buffering=1)
        threading.Thread(target=self._look, daemon=True).start()
        super().__init__(context, request, **options)

    def _write(self, what: str, name: str | float = "", done: int = 0, total: int = 0) -> None:
        at, used = round(time.monotonic() - self._zero, 1), round(time.process_time(), 1)
        self._file.write(json.dumps((at, used, what, name, done, total)) + "\n")

    def _look(self) -> None:
        while True:
            time.sleep(LOOKED_EVERY_S)
            self._write("look")

    def enter(self, stage: str) -> None:
        self._write("enter", stage)
        super().enter(stage)

    def end_epoch(self, epoch: int, score: float) -> None:
        self._write("epoch", round(score, 4), epoch)
        super().end_epoch(epoch, score)

    def count(self, what: str, done: int, total: int) -> None:
        if what == BATCHES or done == total:
            self._write("count", what, done, total)
        super().count(what, done, total)


def train_recorded(context: JobContext) -> dict[str, Any]:
    """The handler of trainings, in the process of a job."""
    from skinapi.lab.trainings import training_job  # noqa: PLC0415 (it imports Keras)

    training_job.TrainingSteps = RecordedSteps  # type: ignore[attr-defined]
    return training_job.train(context)


def record(pictures: Path, out: Path, name: str) -> None:
    count, asked = TRAININGS[name]
    with lab() as (server, person):
        send_dataset(person, zipped(choose(pictures, count)))
        started = person.call(
            "POST", "/api/start-training", json={"dataset_name": DATASET, **asked}
        )
        while (job := person.call("GET", f"/jobs/{started.json['job_id']}").json)["status"] in (
            "queued", "running"
        ):  # fmt: skip
            time.sleep(0.5)
        if job["status"] != "completed":
            raise RuntimeError(job)
        began, ended = (datetime.fromisoformat(job[at]) for at in ("started_at", "completed_at"))
        lines = (server.settings().instance_dir / ROWS).read_text().splitlines()
    said = {"request": {"dataset_name": DATASET, **asked}, "pictures": count}
    head = json.dumps({**said, "ended": (ended - began).total_seconds(), "rows": []})
    (out / f"{name}.json").write_text(head[:-2] + "\n" + ",\n".join(lines) + "\n]}\n")


@contextmanager
def lab() -> Iterator[tuple[Server, Caller]]:
    with TemporaryDirectory(prefix="record-") as folder:
        server = Server(Path(folder), {"MODEL_PATH": str(SHIPPED_MODEL)}, workers=1)
        with closing(Seeder(server)) as seeder, stopping(server):
            server.start()
            worker = server.begin("-m", MODULE, "worker")
            try:
                yield server, seeder.person("researcher")
            finally:
                worker.kill()
                worker.wait()


def choose(folder: Path, count: int) -> dict[str, bytes]:
    """So many pictures of three classes, with their table."""
    with (folder / "metadata.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    drawn = random.Random(0)
    chosen = [
        {column: row[column] for column in ("image_id", "dx", "lesion_id")}
        for label in LABELS
        for row in drawn.sample([row for row in rows if row["dx"] == label], count // len(LABELS))
    ]
    names = [f"{row['image_id']}.jpg" for row in chosen]
    return {"metadata.csv": table(chosen), **{name: (folder / name).read_bytes() for name in names}}


def send_dataset(person: Caller, packed: bytes) -> None:
    answer = requests.post(
        f"http://127.0.0.1:{person.port}/api/upload-dataset",
        data={"datasetName": DATASET},
        files={"files": ("all.zip", packed)},
        headers={"Authorization": f"Bearer {person.token}"},
        timeout=600,
    )
    answer.raise_for_status()


def lines() -> Iterator[str]:
    """`speed`: of a processor, all the time; else as it was."""
    columns = ("speed", "polls", "number", "about", "right", "range", "right")
    yield f"{'training':12}" + "".join(f"{name:>8}" for name in columns)
    for path in sorted(FOLDER.glob("*.json")):
        for speed in (None, 1.0, 0.6, 0.3):
            found = Recording.read(path)
            seen = list(polls(found.at(speed) if speed else found))
            said = [poll for poll in seen if poll.said is not None]
            shares = [len(said) / len(seen)]
            for group in (
                [poll for poll in said if poll.is_sure],
                [poll for poll in said if not poll.is_sure],
            ):
                right = sum(poll.is_right for poll in group)
                shares += [len(group) / len(seen), right / max(1, len(group))]
            figures = "".join(f"{100 * share:>6.0f} %" for share in shares)
            yield f"{path.stem:12}{speed or '':>8}{len(seen):>8}{figures}"


def main() -> int:
    match sys.argv[1:]:
        case ["record", pictures, out, name]:
            record(Path(pictures), Path(out), name)
        case ["worker"]:
            del sys.argv[1:]
            return work(job_program=MODULE)
        case [] if "SKINAPI_JOB_EVENTS" in os.environ:
            os.umask(0o077)
            handlers = {**HANDLERS, "training": f"{MODULE}:train_recorded"}
            return guard_job(handlers, memory=Settings().job_memory)
        case _:
            sys.stdout.writelines(f"{line}\n" for line in lines())
    return 0


if __name__ == "__main__":
    sys.exit(main())
