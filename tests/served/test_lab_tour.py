"""The lab through HTTP alone: a data set in, a model out, into service and back again."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.integrations.clients.test_lab_training import ASKED
from tests.lab.sending import zipped
from tests.learning.pictures import write_ham_like
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import ANGULAR
from tests.served.server import Server, serving
from tests.served.wire import Answer
from tests.support.photos import photo_of

# It trains a real MobileNetV2.
pytestmark = pytest.mark.drill

TRAINED_S = 240
FOLLOWED_S = 10


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path, workers=1) as server:
        yield server


@pytest.fixture(autouse=True)
def _worker(server: Server) -> Iterator[None]:
    worker = server.begin("-m", "tests.lab.worker")
    yield
    worker.kill()
    worker.wait()


@pytest.fixture
def admin(server: Server) -> Iterator[Caller]:
    with closing(Seeder(server)) as seeder:
        yield seeder.person(role="admin")


def read(answer: Answer) -> Any:
    assert answer.status in (200, 201), answer.data
    return answer.json


def await_end(admin: Caller, job: str) -> dict[str, Any]:
    deadline = time.monotonic() + TRAINED_S
    while time.monotonic() < deadline:
        found: dict[str, Any] = read(admin.call("GET", f"/api/job/{job}/status"))
        if found["status"] in ("completed", "failed"):
            return found
        time.sleep(0.5)
    raise AssertionError(found)


def await_answer_of(admin: Caller, version: str) -> None:
    """A prediction names this version, soon."""
    deadline = time.monotonic() + FOLLOWED_S
    while True:
        found = read(ANGULAR.send(admin.port, photo_of("melanoma"), token=admin.token))[
            "model_version"
        ]
        if found == version:
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


def test_a_model_is_trained_compared_promoted_served_and_rolled_back(
    server: Server, admin: Caller, tmp_path: Path
) -> None:
    folder = write_ham_like(tmp_path / "ham", lesions_per_class=40)
    packed = zipped({path.name: path.read_bytes() for path in folder.iterdir()})
    sent = requests.post(
        f"http://127.0.0.1:{server.port}/api/upload-dataset",
        data={"datasetName": "moles"},
        files={"files": ("moles.zip", packed)},
        headers={"Authorization": f"Bearer {admin.token}"},
        timeout=60,
    )
    assert sent.status_code == 200, sent.text
    started = read(admin.call("POST", "/api/start-training", json={**ASKED, "side": 64}))
    found = await_end(admin, started["job_id"])
    assert found["status"] == "completed", found["message"]
    assert [row["epoch"] for row in found["metrics"]] == [1, 2]
    assert all(row["val_accuracy"] is not None for row in found["metrics"])
    version = found["model_path"].removeprefix("/models/")
    models = read(admin.call("GET", "/api/models"))["models"]
    assert version in [model["name"] for model in models]
    seen = read(admin.call("GET", f"/models/{version}"))
    assert {each["name"] for each in seen["gates"] if each["outcome"] == "passed"} <= {
        "latency_ms", "other_pictures"
    }, "nothing vouches for its own test part"  # fmt: skip
    assert set(seen["comparison"]["differences"]) >= {"refused_share", "latency_ms"}
    before = read(ANGULAR.send(admin.port, photo_of("melanoma"), token=admin.token))[
        "model_version"
    ]
    refused = admin.call("POST", f"/models/{version}/promote", json={})
    assert refused.status == 409, refused.data
    override = {"override": True, "reason": "toy pictures hold too few melanomas"}
    read(admin.call("POST", f"/models/{version}/promote", json=override))
    await_answer_of(admin, version)
    read(admin.call("POST", "/models/rollback", json={}))
    await_answer_of(admin, before)
