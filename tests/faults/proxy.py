import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from grp import getgrgid
from pathlib import Path
from pwd import getpwuid

import pytest

from tests.platform.jobs.brokers import kill, started
from tests.served.server import ROOT, Server
from tests.stores.mongod import free_port
from tests.support.waiting import await_

CONFIGURATION = ROOT / "deploy" / "haproxy.cfg"
NAMES = ("one", "two", "three")
PATIENCE_S = 60


class Proxy:
    """`folder` must have a short name, because a socket's path has at most 107 bytes."""

    def __init__(self, folder: Path, servers: Sequence[Server]) -> None:
        self.port = free_port()
        self._servers = list(servers)
        self._socket = folder / "admin.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which("haproxy")
        if not program:
            pytest.skip("no haproxy is installed")
        self._process = started([program, "-db", "-f", str(CONFIGURATION)], self._environment())
        deadline = time.monotonic() + PATIENCE_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                pytest.skip("haproxy does not start")
            time.sleep(0.02)

    @property
    def pid(self) -> int:
        assert self._process, "not started"
        return self._process.pid

    def kill(self) -> None:
        kill(self._process)
        self._process = None

    def drain(self, server: Server) -> None:
        """Send it no new requests, and return when it has answered all that it had."""
        name = self._name(server)
        self.order(f"set server servers/{name} state drain")
        await_(lambda: not int(self.figures()[name]["scur"]))

    def make_ready(self, server: Server) -> None:
        """Send it requests again, and return when the proxy's own check has found it ready."""
        name = self._name(server)
        self.order(f"set server servers/{name} state ready")
        self.await_up(server)

    def await_up(self, server: Server) -> None:
        await_(lambda: self.figures()[self._name(server)]["status"] == "UP")

    def figures(self) -> Mapping[str, Mapping[str, str]]:
        head, *lines = self.order("show stat servers 6 -1").removeprefix("# ").splitlines()
        rows = [dict(zip(head.split(","), line.split(","), strict=False)) for line in lines if line]
        return {row["svname"]: row for row in rows}

    def order(self, command: str) -> str:
        with closing(socket.socket(socket.AF_UNIX)) as line:
            line.connect(str(self._socket))
            line.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: line.recv(1 << 16), b"")).decode()

    def _answers(self) -> bool:
        try:
            return bool(self.order("show info"))
        except OSError:
            return False

    def _name(self, server: Server) -> str:
        return NAMES[self._servers.index(server)]

    def _environment(self) -> dict[str, str]:
        """Nobody answers at the addresses of servers that do not exist."""
        missing = len(NAMES) - len(self._servers)
        ports = [server.port for server in self._servers] + [free_port() for _ in range(missing)]
        return {
            "SKINAPI_PROXY_SOCKET": str(self._socket),
            "SKINAPI_PROXY_BIND": f"127.0.0.1:{self.port}",
            # Only root may run it as another user, and this folder belongs to us.
            "SKINAPI_PROXY_USER": getpwuid(os.getuid()).pw_name,
            "SKINAPI_PROXY_GROUP": getgrgid(os.getgid()).gr_name,
            **{
                f"SKINAPI_SERVER_{name.upper()}": f"127.0.0.1:{port}"
                for name, port in zip(NAMES, ports, strict=True)
            },
        }
