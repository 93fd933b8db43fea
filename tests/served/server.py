import io
import os
import re
import signal
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from http.client import HTTPException
from pathlib import Path
from typing import TypeVar

from skinapi.app.commands import check
from skinapi.app.composition.services import Services, open_services
from skinapi.base.settings.settings import Settings
from skinapi.platform.stores.store_factory import make_store
from tests.served.ready_process import ReadyProcess
from tests.served.wire import ask
from tests.stores.mongod import DIE_WITH_PARENT, free_port
from tests.support.backends import SECRET
from tests.support.models import tiny_model
from tests.support.waiting import await_

ROOT = Path(__file__).parents[2]
# Only a hang takes so long, also beside other work.
READY_S = STOP_S = 240
# Only what a process needs to run: no setting of this machine reaches the server.
INHERITED = ("PATH", "HOME", "LANG")
GENEROUS = {
    "RATE_READ": "1000000/minute",
    "RATE_WRITE": "1000000/minute",
    "RATE_SIGN_IN": "1000000/minute",
    "RATE_LOG_IN": "1000000/minute",
    "RATE_ANONYMOUS": "1000000/minute",
    "RATE_PREDICTIONS": "1000000/day",
    "RATE_RENDERINGS": "1000000/minute",
    "MOST_SUBMISSIONS": "1000000",
}


class Server:
    """One gunicorn over one instance folder. It can be started again after a stop."""

    ready_s = READY_S
    forked = False  # from a process that has imported the application: most of a start

    def __init__(
        self, folder: Path, environment: Mapping[str, str] | None = None, *, workers: int = 4
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.code = ROOT  # another checkout is another version of the server
        self.interpreter = sys.executable
        self.port = free_port()
        self.environment = {
            "INSTANCE_DIR": str(folder / "instance"),
            "TMPDIR": str(folder),
            "JWT_SECRET_KEY": SECRET,
            "BIND": f"127.0.0.1:{self.port}",
            "WORKERS": str(workers),
            "MODEL_PATH": str(tiny_model()),
            "LAB_WORKERS": "0",  # tests count the server's processes, and their memory
            **GENEROUS,
            **(environment or {}),
        }
        self._log = folder / "server.log"
        self._process: ReadyProcess | subprocess.Popen[bytes] | None = None

    def start(
        self, command: tuple[str, ...] = ("-m", "skinapi", "serve"), *, ready: str = "/readyz"
    ) -> None:
        self.launch(command)
        self.await_ready(ready)

    def launch(self, command: tuple[str, ...] = ("-m", "skinapi", "serve")) -> None:
        self._log.touch()
        if self.forked and self.code == ROOT:
            self._process = ReadyProcess(
                command, cwd=self.code, env=self._environment(), log=self._log
            )
        else:
            self._process = self.begin(*command)

    def stop(self) -> int:
        """Send SIGTERM, and wait for the server to finish its requests."""
        self.ask_to_stop()
        return self.await_end()

    def ask_to_stop(self) -> None:
        if self._process:
            self._process.terminate()

    def await_end(self) -> int:
        if self._process is None:
            return 0
        try:
            return self._process.wait(STOP_S)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def workers(self) -> list[int]:
        if self._process is None:
            return []
        return children(self._process.pid)

    def await_workers(self) -> list[int]:
        """Wait until all workers handle signals. The server is ready as soon as one does."""
        deadline = time.monotonic() + READY_S
        many = int(self.environment["WORKERS"])
        while len(found := self.workers()) < many or not all(map(takes_signals, found)):
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)
        return found

    def master(self) -> int:
        assert self._process, "not started"
        return self._process.pid

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return self.python("-m", "skinapi", *arguments, stdin=stdin)

    def python(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.code,
            env=self._environment(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [self.interpreter, "-c", DIE_WITH_PARENT, self.interpreter, *arguments]
        with self._log.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.code,
                env=self._environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def services(self) -> Services:
        settings = self.settings()
        make_store(settings)
        return open_services(settings)

    def settings(self) -> Settings:
        named = {name.lower(): value for name, value in self.environment.items()}
        return Settings(_env_file=None, **named)  # type: ignore[call-arg, arg-type]

    def check_here(self) -> tuple[int, str]:
        """Return the status and the output of `check --repair` in this process: a new process takes
        a second and a half to start.
        """
        with redirect_stdout(io.StringIO()) as said:
            status = check(self.settings(), Namespace(repair=True, logged=None))
        return status, said.getvalue()

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return {**kept, **self.environment}

    def await_words(self, words: str, *, after: int = 0, times: int = 1) -> None:
        await_(lambda: self.log()[after:].count(words) >= times, within=READY_S, told=self.log)

    def await_ready(self, path: str = "/readyz") -> None:
        deadline = time.monotonic() + self.ready_s
        while time.monotonic() < deadline:
            assert self._process, "not started"
            assert self._process.poll() is None, self.log()
            with suppress(OSError, HTTPException):
                if ask(self.port, "GET", path).status == 200:
                    return
            time.sleep(0.02)
        raise AssertionError(f"not ready after {self.ready_s} s: {self.log()}")


S = TypeVar("S", bound=Server)


@contextmanager
def stopping(server: S) -> Iterator[S]:
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def serving(
    folder: Path, environment: Mapping[str, str] | None = None, *, workers: int = 4
) -> Iterator[Server]:
    with stopping(Server(folder, environment, workers=workers)) as server:
        server.start()
        yield server


def takes_signals(worker: int) -> bool:
    """True if the worker has its own signal handlers. Before that a signal is lost: the worker has
    inherited the handlers of gunicorn's master, which alone handles SIGHUP.
    """
    try:
        status = Path(f"/proc/{worker}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    [caught] = re.findall(r"^SigCgt:\s*(\w+)$", status, re.MULTILINE)
    return not int(caught, 16) >> (signal.SIGHUP - 1) & 1


def children(pid: int) -> list[int]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(child) for child in listed.split()]
