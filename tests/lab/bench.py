"""`python -m tests.lab.bench`: how much longer `/predict` takes while the lab trains.

A server of ours with its job worker, and the shipped model in service. The training is the lab's
own job, with TensorFlow: MobileNetV2 on toy pictures. Short rounds under the same load alternate:
in one the training runs, in the next its process is paused. So a machine that is not equally quiet
all the time disturbs both alike.
"""

import http.client
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.load import Bounds, times_of, timing_of
from bench.photos import SIZES, photos
from bench.serving import request_of
from skinapi.lab.service import TrainingRequest, TrainingService
from skinapi.model.network.model import SHIPPED_MODEL
from tests.lab.sending import labelled, zipped
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import ANGULAR
from tests.served.server import Server, children, stopping
from tests.served.wire import PATIENCE_S
from tests.support.size import size

CLIENTS = (1, 4)
ROUNDS = size(6, 20)
ROUND = Bounds(10**6, seconds=4)
TARGET = 2.5
PICTURES, EPOCHS = 90, 200  # so many that it does not end by itself
FIRST_EPOCH_S = 600
Results = dict[str, Any]


def measure_beside_training() -> Results:
    settings = {"MODEL_PATH": str(SHIPPED_MODEL), "LAB_WORKERS": "1"}
    with TemporaryDirectory(prefix="bench-") as folder:
        server = Server(Path(folder), settings, workers=1)
        with closing(Seeder(server)) as seeder, stopping(server):
            server.start()
            lab = Lab(server, seeder, seeder.person("researcher"))
            requests = lab.requests()
            job = lab.begin_training()
            handler = process_of_job(server)
            used = processor_s(handler)
            rounds = {clients: compare(server, requests, handler, clients) for clients in CLIENTS}
            used = processor_s(handler) - used
            lab.end_training(job)
    return {"training_s": round(used, 1), "rounds": rounds}


def compare(server: Server, requests: Sequence[bytes], handler: int, clients: int) -> Results:
    paused: list[float] = []
    beside: list[float] = []
    walls = {"paused": 0.0, "beside": 0.0}
    for _ in range(ROUNDS):
        with paused_process(handler):
            times, wall, _ = times_of(server.port, requests, clients=clients, bounds=ROUND)
        paused, walls["paused"] = paused + times, walls["paused"] + wall
        times, wall, _ = times_of(server.port, requests, clients=clients, bounds=ROUND)
        beside, walls["beside"] = beside + times, walls["beside"] + wall
    without = timing_of(paused, walls["paused"], {})
    with_it = timing_of(beside, walls["beside"], {})
    return {
        "paused": without.as_dict(),
        "beside": with_it.as_dict(),
        "p99_ratio": round(with_it.p99 / without.p99, 2),
    }


@contextmanager
def paused_process(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def process_of_job(server: Server) -> int:
    """What trains: a child of the guard, which is a child of the worker."""
    for child in children(server.master()):
        if b"skinapi.app.worker" in Path(f"/proc/{child}/cmdline").read_bytes():
            (guard,) = children(child)
            (handler,) = children(guard)
            return handler
    raise RuntimeError(f"no worker: {server.log()[-2000:]}")


def processor_s(pid: int) -> float:
    """Seconds of processor time that it has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Lab:
    """A researcher of a served backend."""

    server: Server
    seeder: Seeder
    caller: Caller

    def requests(self) -> list[bytes]:
        """For photos that are answered with a finding; one that is refused costs no engine."""
        port, token = self.server.port, self.caller.token
        return [
            request_of(ANGULAR, photo, token)
            for photo in photos(None)[next(iter(SIZES))]
            if ANGULAR.send(port, photo, token=token).status == 200
        ]

    def begin_training(self) -> str:
        """The job, once its first epoch has ended: then it only trains."""
        self._send_dataset(zipped(labelled(PICTURES)))
        services = self.seeder.services
        trainings = services.get(TrainingService)
        request = TrainingRequest(
            dataset_name="toy", architecture="MobileNetV2", epochs=EPOCHS, batch_size=16
        )
        job = trainings.start(request=request, owner=self.caller.id).id
        deadline = time.monotonic() + FIRST_EPOCH_S
        while not self._job(job)["metrics"] and time.monotonic() < deadline:
            time.sleep(0.5)
        return job

    def end_training(self, job: str) -> None:
        """Cancel it. Raises RuntimeError if it did not train until now."""
        found = self._job(job)
        if found["status"] != "running" or not found["metrics"]:
            raise RuntimeError(f"it did not train all the time: {found}")
        self.caller.call("POST", f"/jobs/{job}/cancel")
        while self._job(job)["status"] == "running":
            time.sleep(0.5)

    def _job(self, job: str) -> Any:
        return self.caller.call("GET", f"/jobs/{job}").json

    def _send_dataset(self, archive: bytes) -> None:
        told = {"name": "toy.zip", "size": len(archive)}
        upload = self.caller.call("POST", "/uploads", json=told).json["id"]
        headers = {"Authorization": f"Bearer {self.caller.token}"}
        line = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE_S)
        with closing(line):
            line.request("PUT", f"/uploads/{upload}/0", archive, headers)
            line.getresponse().read()
        body = {"name": "toy", "uploads": [upload]}
        dataset = self.caller.call("POST", "/datasets", json=body).json["id"]
        while self.caller.call("GET", f"/datasets/{dataset}").json["status"] == "checking":
            time.sleep(0.2)


def table(results: Results) -> Iterator[str]:
    yield f"/predict beside a training, which got {results['training_s']} s of processor time"
    yield f"{'clients':>8}{'':10}{'p50 ms':>9}{'p99 ms':>9}{'req/s':>8}"
    for clients, found in results["rounds"].items():
        for name in ("paused", "beside"):
            timing = found[name]
            figures = f"{timing['p50']:>9.1f}{timing['p99']:>9.1f}{timing['per_second']:>8.1f}"
            yield f"{clients:>8}  {name:8}{figures}"
        yield f"  p99 beside a training, of paused (target {TARGET}): {found['p99_ratio']:.2f} x"


if __name__ == "__main__":
    sys.stdout.write("\n".join([*table(measure_beside_training()), ""]))
