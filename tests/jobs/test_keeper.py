"""The worker beside the server: started again after a death, and gone with the server."""

import os
import signal
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from skinapi.jobs.keeper import FIRST_START_S, WorkerKeeper
from tests.served.server import Server, children, stopping

QUICK = (sys.executable, "-c", "pass")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_worker_that_cannot_start_is_tried_after_pauses_that_grow() -> None:
    clock, starts = Clock(), []
    keeper = WorkerKeeper(QUICK, clock=clock)
    process = None
    for second in range(200):
        clock.now = float(second)
        keeper.look()
        if keeper._process is not None and keeper._process is not process:
            process = keeper._process
            starts.append(second)
            process.wait()
    keeper.stop()
    assert starts[0] == FIRST_START_S
    pauses = [later - earlier for earlier, later in pairwise(starts)]
    assert pauses == [2, 3, 5, 9, 17, 33, 61, 61][: len(pauses)]


def test_serve_keeps_one_worker_that_ends_with_it(tmp_path: Path) -> None:
    """Also where the server is killed, and where the worker was."""
    with stopping(Server(tmp_path, {"LAB_WORKERS": "1"}, workers=1)) as server:
        server.start()
        first = job_worker(server)
        os.kill(first, signal.SIGKILL)
        second = job_worker(server, but=first)
        os.kill(server.master(), signal.SIGKILL)
        await_end(second)
        server.await_end()
        server.start()
        third = job_worker(server)
        assert server.stop() == 0
        assert not Path(f"/proc/{third}").exists()


def test_the_command_becomes_a_process_without_what_serves(tmp_path: Path) -> None:
    with stopping(Server(tmp_path)) as server:
        server.launch(("-m", "skinapi", "worker"))
        maps = Path(f"/proc/{server.master()}")
        deadline = time.monotonic() + 30
        while (
            b"skinapi.worker" not in (maps / "cmdline").read_bytes()
            or not (tmp_path / "instance" / "skinapi.db").exists()
        ):
            assert time.monotonic() < deadline, server.log()
            time.sleep(0.05)
        time.sleep(0.5)
        assert server.stop() == 0
        assert server.log() == ""


def job_worker(server: Server, but: int = 0) -> int:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for child in children(server.master()):
            if child != but and b"skinapi.worker" in Path(f"/proc/{child}/cmdline").read_bytes():
                return child
        time.sleep(0.05)
    raise AssertionError(server.log())


def await_end(pid: int) -> None:
    deadline = time.monotonic() + 15
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
