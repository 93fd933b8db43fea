import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.repository.documents import ROOT
from tests.served.server import READY_S, serving
from tests.served.wire import open_connection

CONNECTIONS = 24
ESTABLISHED = "01"


@pytest.mark.drill
def test_no_process_takes_most_of_the_connections(tmp_path: Path) -> None:
    """With an equal share each of the four has six. A process that had more than its engine and its
    queue have room for would refuse photos although others are free.
    """
    with serving(tmp_path, workers=4) as server:
        deadline = time.monotonic() + READY_S
        while server.log().count("model ready") < 4 and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.5)  # from then on they accept
        lines = [open_connection(server.port) for _ in range(CONNECTIONS)]
        deadline = time.monotonic() + 10
        held: list[int] = []
        while sum(held) < CONNECTIONS and time.monotonic() < deadline:
            time.sleep(0.02)
            sockets = _established(server.port)
            held = [len(sockets & _sockets(worker)) for worker in server.workers()]
        for line in lines:
            line.close()
    assert sum(held) >= CONNECTIONS
    assert max(held) <= CONNECTIONS // 2, held


PAUSES = """
import runpy, sys
from types import SimpleNamespace
conf = runpy.run_path("gunicorn.conf.py")
slept = []
conf["time"].sleep = slept.append
worker = object.__new__(conf["StoreWaitingWorker"])
worker.alive = True
def accept(): raise BlockingIOError(11, "none waits")
for processes, worker.nr_conns in ((1, 8), (2, 0), (2, 4), (2, 1000), (2, -1)):
    worker.cfg = SimpleNamespace(workers=processes)
    worker.accept(SimpleNamespace(accept=accept))
print(slept)
"""


def test_a_process_lets_those_with_fewer_connections_accept_first(tmp_path: Path) -> None:
    environment = {**os.environ, "INSTANCE_DIR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", PAUSES], env=environment, cwd=ROOT, capture_output=True, check=True
    )
    assert ended.stdout.decode().strip() == "[0.0, 0.001, 0.0025, 0.0]"


def _established(port: int) -> set[str]:
    """https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html"""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {
        f"socket:[{row[9]}]"
        for row in rows
        if row[1].endswith(f":{port:04X}") and row[3] == ESTABLISHED
    }


def _sockets(pid: int) -> set[str]:
    found = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            found.add(str(handle.readlink()))
    return found
