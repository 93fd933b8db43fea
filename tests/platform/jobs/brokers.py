import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import pytest

from tests.stores.mongod import DIE_WITH_PARENT, free_port

START_S = 90
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # where Debian keeps it


class BrokerServer(Protocol):
    uri: str

    def start(self) -> None: ...

    def kill(self) -> None: ...

    def close(self) -> None:
        """Kill it and its helper processes."""


@contextmanager
def running_broker(kind: str) -> Iterator[BrokerServer]:
    with TemporaryDirectory(prefix=f"{kind}-", ignore_cleanup_errors=True) as folder:
        server: BrokerServer = KINDS[kind](Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.close()


class RedisServer:
    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.uri = f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        program = shutil.which("redis-server")
        if not program:
            pytest.skip("no redis-server is installed")
        options = ("--bind", "127.0.0.1", "--port", str(self._port), "--dir", str(self._folder))
        self._process = started([program, *options, "--save", "", "--appendonly", "yes"])
        await_port(self._process, self._port, b"PING\r\n", b"+PONG")

    @property
    def pid(self) -> int:
        assert self._process, "not started"
        return self._process.pid

    def kill(self) -> None:
        kill(self._process)

    def close(self) -> None:
        self.kill()


class RabbitmqServer:
    """Has a port mapper (epmd) of its own, because other Erlang programs of this machine have
    theirs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self._mapper_port, self._nodes_port = free_port(), free_port()
        self._mapper: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.uri = f"amqp://guest:guest@127.0.0.1:{self._port}/"

    def start(self) -> None:
        mapper = shutil.which("epmd")
        if not RABBITMQ.exists() or not mapper:
            pytest.skip("no rabbitmq-server is installed")
        if self._mapper is None:
            address = ("-address", "127.0.0.1", "-port", str(self._mapper_port))
            self._mapper = started([mapper, *address])
        self._process = started([str(RABBITMQ)], self._environment())
        await_port(self._process, self._port, b"AMQP\x00\x00\x09\x01", b"\x01\x00\x00")

    def kill(self) -> None:
        kill(self._process)

    def close(self) -> None:
        self.kill()
        kill(self._mapper)

    def _environment(self) -> Mapping[str, str]:
        return {
            "HOME": str(self._folder),  # for Erlang's cookie
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "NOTIFY_SOCKET": str(self._folder / "none"),  # else a shell stands between
            "RABBITMQ_NODENAME": f"test{self._port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(self._nodes_port),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "data"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_PLUGINS_DIR": str(self._folder),  # none: reading them all takes a second
            "RABBITMQ_CONFIG_FILE": str(self._folder / "none"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none +sbwtdcpu none",
        }


KINDS: Mapping[str, Callable[[Path], BrokerServer]] = {
    "redis": RedisServer,
    "rabbitmq": RabbitmqServer,
}


def started(
    command: Sequence[str], environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-c", DIE_WITH_PARENT, *command],
        env={**kept, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill(process: subprocess.Popen[bytes] | None) -> None:
    if process:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def await_port(process: subprocess.Popen[bytes], port: int, says: bytes, answer: bytes) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.skip(f"no broker: it ended at once, status {process.returncode}")
        with (
            suppress(OSError),
            closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as line,
        ):
            line.sendall(says)
            if line.recv(100).startswith(answer):
                return
        time.sleep(0.05)
    pytest.skip(f"no broker: no answer after {START_S} s")
