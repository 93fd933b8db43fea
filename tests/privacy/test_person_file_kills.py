"""A real worker makes the file; its process is killed (SIGKILL) at each step."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skinapi.platform.jobs.job import MOST_ATTEMPTS
from tests.findings.prediction.photographer import predicted
from tests.privacy.made_files import ask, fetch, job_of, state_of
from tests.served.server import INHERITED, ROOT
from tests.stores.mongod import DIE_WITH_PARENT
from tests.support.backends import SECRET, Backend, Person
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


def awaited(person: Person, *states: str) -> dict[str, Any]:
    await_true(lambda: state_of(person)["state"] in states)
    return state_of(person)


def await_true(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def blobs_of(backend: Backend) -> set[str]:
    return set(backend.services.store.blobs.keys())


def plan(instance: Path, *steps: str) -> None:
    (instance / "kills.json").write_text(json.dumps(steps))


@pytest.mark.usefixtures("worker")
def test_whatever_is_killed_it_is_made_and_nothing_else_is_left(
    backend: Backend, instance: Path
) -> None:
    ada = backend.member()
    predicted(ada, keep_photo="true")
    before = blobs_of(backend)
    for steps in (("noted", "stored"), *in_drill(("before", "finished"))):
        plan(instance, *steps)
        ask(ada)
        assert awaited(ada, "ready", "failed")["state"] == "ready"
        assert job_of(backend, ada).attempts == len(steps) + 1
        assert fetch(ada).testzip() is None
        assert blobs_of(backend) == before
    plan(instance, *["stored"] * MOST_ATTEMPTS)
    ask(ada)
    told = awaited(ada, "ready", "failed")
    assert (told["state"], told["error_code"]) == ("failed", "job_crashed")
    assert len(blobs_of(backend)) > len(before)
    backend.app.background.file_sweeper.make_pass()
    assert blobs_of(backend) == before
    plan(instance)
    ask(ada)
    awaited(ada, "ready", "failed")
    archive = fetch(ada)
    assert b"Testklinik" in archive.read("manifest.json")
    await_true(lambda: not any((instance / "jobs").iterdir()))  # soon after its job has ended


def test_a_file_that_a_restart_interrupts_is_made_by_the_next_worker(
    backend: Backend, instance: Path, tmp_path: Path
) -> None:
    """It does not wait for the lease of the worker that is gone, which takes an hour here."""
    ada = backend.member()
    predicted(ada, keep_photo="true")
    plan(instance, "stands still")
    first = started(backend, instance, tmp_path)
    ask(ada)
    await_true(lambda: len(blobs_of(backend)) > 1)  # a piece is stored
    first.send_signal(signal.SIGTERM)
    first.wait()
    second = started(backend, instance, tmp_path)
    try:
        assert awaited(ada, "ready", "failed")["state"] == "ready"
        assert fetch(ada).testzip() is None
    finally:
        second.terminate()
        second.wait()
