import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import pymongo
import pytest
from pymongo.errors import PyMongoError

INSTALLED = Path(__file__).parents[2] / ".venv/mongod/fiftyone/db/bin/mongod"
# What an earlier kill left is recovered first; on a full machine that takes long.
START_S = 100
# So long after its last write nobody starts a mongod again.
LEFT_S = 3600
# PR_SET_PDEATHSIG: when the tests are killed, the kernel kills what this process becomes.
DIE_WITH_PARENT = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execv(sys.argv[1], sys.argv[1:])"
)


# Below those that a system gives to whoever asks for none in particular: of what a test is given, a
# server of another process would take one before it is bound.
PORTS, OF_PROCESS = range(20_000, 32_000), 200


@cache
def own_ports() -> Iterator[int]:
    """Yield ports that no other test process uses while this process lives."""
    for begin in PORTS[::OF_PROCESS]:
        with suppress(OSError):  # it is another one's, who may be another user
            lock = os.open(Path(gettempdir(), f"skinapi-ports-{begin}"), os.O_RDWR | os.O_CREAT)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return cycle(range(begin, begin + OF_PROCESS))
    raise RuntimeError("other tests have all ports")


def free_port() -> int:
    """Nobody listens there until the test starts a listener."""
    for port in own_ports():
        with suppress(OSError), closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("they have no end")


@contextmanager
def running_mongod(*, replicated: bool = True, guarded: bool = False) -> Iterator["Mongod"]:
    with TemporaryDirectory(prefix="mongod-", ignore_cleanup_errors=True) as folder:
        remove_left(Path(folder).parent)
        server = Mongod(Path(folder), replicated=replicated, guarded=guarded)
        try:
            server.start()
            yield server
        finally:
            server.kill()


def remove_left(place: Path) -> None:
    """Delete the folders of killed tests: they have 300 MB each, and may lie in memory. A running
    mongod writes to its folder every minute, and holds the lock.
    """
    for lock in place.glob("mongod-*/mongod.lock"):
        with suppress(OSError):  # it runs, or another process removes it as well
            if time.time() - lock.parent.stat().st_mtime > LEFT_S:
                with lock.open("rb") as opened:
                    fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent)


class Mongod:
    """One server on one folder and port, which can be started again after a kill. It is a replica
    set of one, unless it is not `replicated`. A `guarded` one requires passwords. It deletes no
    expired documents, because tests also store under a simulated clock.
    """

    def __init__(self, folder: Path, *, replicated: bool = True, guarded: bool = False) -> None:
        self._replicated, self._key = replicated, folder / "key" if guarded else None
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"127.0.0.1:{self._port}"
        self.uri = f"mongodb://{self.address}/?directConnection=true"

    def start(self) -> None:
        if self._key:
            self._key.write_text("0123456789abcdef")
            self._key.chmod(0o600)
        self._process = subprocess.Popen(
            [sys.executable, "-c", DIE_WITH_PARENT, _binary(), *self._options()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._await_start(self._process)

    @property
    def runs(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int:
        assert self._process, "not started"
        return self._process.pid

    def kill(self) -> None:
        """Kill it as a power cut would, as far as that is possible for a process."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It neither answers nor hangs up, as if a cable had been pulled."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    @contextmanager
    def stepped_down(self) -> Iterator[None]:
        """It answers but refuses writes; then it stands for election again, and wins."""
        self.order({"replSetStepDown": 60, "secondaryCatchUpPeriodSecs": 0, "force": True})
        try:
            yield
        finally:
            self.order({"replSetFreeze": 0})

    def order(
        self, command: dict[str, Any], *, database: str = "admin", within_s: float = START_S
    ) -> dict[str, Any]:
        client: pymongo.MongoClient[dict[str, Any]]
        with pymongo.MongoClient(self.uri, serverSelectionTimeoutMS=1000 * within_s) as client:
            return client[database].command(command)

    def _options(self) -> list[str]:
        return [
            *("--dbpath", str(self._folder), "--logpath", str(self._folder / "log"), "--logappend"),
            *("--bind_ip", "127.0.0.1", "--port", str(self._port)),
            *(("--replSet", "rs0") if self._replicated else ()),
            *(("--keyFile", str(self._key)) if self._key else ()),
            *("--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "128"),
            *("--setParameter", "ttlMonitorEnabled=false"),
            # What a killed server had begun to change is held for one and a half times as long.
            *("--setParameter", "transactionLifetimeLimitSeconds=10"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false", "--nounixsocket"),
            *("--setParameter", "enableTestCommands=1"),  # failpoints
        ]

    def _await_start(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_S
        client: pymongo.MongoClient[dict[str, Any]]
        with pymongo.MongoClient(self.uri, serverSelectionTimeoutMS=500) as client:
            while time.monotonic() < deadline:
                if process.poll() is not None:
                    pytest.skip(f"no mongod: it ended at once, status {process.returncode}")
                if self.has_started(client):
                    return
                time.sleep(0.05)
        pytest.skip(f"no mongod: not ready after {START_S} s")

    def has_started(self, client: pymongo.MongoClient[dict[str, Any]]) -> bool:
        """True if it is the primary of its set, whose only member it is."""
        member = {"_id": 0, "host": self.address}
        with suppress(PyMongoError):  # not up yet, or not yet sure of its set
            hello = client.admin.command("hello")
            if hello.get("isWritablePrimary"):
                return True
            if self._replicated and not hello.get("setName"):
                client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
        return False


def _binary() -> str:
    found = str(INSTALLED) if INSTALLED.exists() else shutil.which("mongod")
    if not found:
        pytest.skip("no mongod: none is installed")
    return found
