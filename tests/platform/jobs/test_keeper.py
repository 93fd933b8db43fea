import errno
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from skinapi.platform.jobs.process import WorkerKeeper
from tests.platform.jobs.handlers import is_alive
from tests.served.server import ROOT, children, serving
from tests.support.backends import SECRET
from tests.support.waiting import await_

PARENT = """
import time
from skinapi.platform.jobs.process import WorkerKeeper
from skinapi.platform.stores.store_factory import make_store
keeper = WorkerKeeper(clock=lambda: 10 * time.monotonic())
while True:
    keeper.look()
    time.sleep(0.05)
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_serve_keeps_one_worker_that_ends_with_it(tmp_path: Path) -> None:
    with serving(tmp_path, {"LAB_WORKERS": "1"}, workers=1) as server:
        first = job_worker(server.master())
        os.kill(first, signal.SIGKILL)
        second = job_worker(server.master(), but=first)
        assert server.stop() == 0
        assert not Path(f"/proc/{second}").exists()


@pytest.mark.parametrize("pause", [0.0, 1.5])
def test_a_worker_ends_when_its_parent_is_killed(tmp_path: Path, pause: float) -> None:
    command = [sys.executable, "-c", PARENT]
    environment = {**os.environ, "INSTANCE_DIR": str(tmp_path), "JWT_SECRET_KEY": SECRET}
    with subprocess.Popen(command, cwd=ROOT, env=environment) as parent:
        worker = job_worker(parent.pid)
        time.sleep(pause)
        parent.kill()
    await_(lambda: not is_alive(worker))


def test_a_server_without_memory_for_a_worker_goes_on_and_tries_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, tried = [0], list[int]()

    def no_process(*_: object, **__: object) -> None:
        tried.append(clock[0])
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    keeper = WorkerKeeper(clock=lambda: clock[0])
    monkeypatch.setattr(subprocess, "Popen", no_process)
    for second in range(20):
        clock[0] = second
        keeper.look()
    assert tried == [2, 3, 5, 9, 17]
    keeper.stop()


def job_worker(parent: int, but: int = 0) -> int:
    def find() -> int | None:
        for child in children(parent):
            with suppress(OSError):  # it has just ended
                told = Path(f"/proc/{child}/cmdline").read_bytes()
                if child != but and b"skinapi.app.worker" in told:
                    return child
        return None

    return await_(find)
