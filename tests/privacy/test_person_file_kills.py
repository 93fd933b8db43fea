"""A real worker makes the file; its process is killed (SIGKILL) at each step."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.findings.prediction.photographer import predicted
from tests.privacy.made_files import ask, fetch, job_of, state_of
from tests.served.server import INHERITED, ROOT
from tests.stores.mongod import DIE_WITH_PARENT
from tests.support.backends import SECRET, Backend
from tests.support.size import in_drill

LONGEST_S = 60


@pytest.fixture
def given() -> dict[str, Any]:
    return {"jwt_secret_key": SECRET}


@pytest.fixture
def instance(backend: Backend) -> Path:
    return Path(backend.settings.instance_dir).resolve()


def started(backend: Backend, instance: Path, tmp_path: Path) -> "subprocess.Popen[bytes]":
    """A worker beside the server, on the same store."""
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    environment |= {"INSTANCE_DIR": str(instance), "JWT_SECRET_KEY": SECRET}
    environment |= {"MODEL_PATH": str(backend.settings.model_path), "CLINIC_NAME": "Testklinik"}
    module = ("-m", "tests.privacy.file_worker")
    command = [sys.executable, "-c", DIE_WITH_PARENT, sys.executable, *module]
    with (tmp_path / "worker.log").open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)


@pytest.fixture
def worker(backend: Backend, instance: Path, tmp_path: Path) -> Iterator[None]:
    process = started(backend, instance, tmp_path)
    yield
    process.terminate()
    process.wait()


def await_true(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def blobs_of(backend: Backend) -> set[str]:
    return set(backend.services.store.blobs.keys())


@pytest.mark.usefixtures("worker")
def test_whatever_is_killed_it_is_made_and_nothing_else_is_left(
    backend: Backend, instance: Path
) -> None:
    ada = backend.member()
    predicted(ada, keep_photo="true")
    before = blobs_of(backend)
    steps = ("noted", "stored", *in_drill("before", "finished"))
    (instance / "kills.json").write_text(json.dumps(steps))
    ask(ada)
    await_true(lambda: state_of(ada)["state"] in ("ready", "failed"))
    assert state_of(ada)["state"] == "ready"
    assert job_of(backend, ada).attempts == len(steps) + 1
    archive = fetch(ada)
    assert archive.testzip() is None
    assert b"Testklinik" in archive.read("manifest.json")
    assert blobs_of(backend) == before
    await_true(lambda: not any((instance / "jobs").iterdir()))  # soon after its job has ended
