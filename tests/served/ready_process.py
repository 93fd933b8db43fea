"""Forks of a process that has imported the application, because the import is most of a start."""

import atexit
import ctypes
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from multiprocessing import current_process, get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from skinapi.base.area_parts import AREA_FOLDERS
from skinapi.console import routes

DIE_WITH = 1  # PR_SET_PDEATHSIG
SIGKILL = 9


class ReadyProcess:
    """The part of `subprocess.Popen` that tests use, in a session of its own."""

    def __init__(
        self, command: tuple[str, ...], *, cwd: Path, env: Mapping[str, str], log: Path
    ) -> None:
        arguments = (command, cwd, dict(env), log)
        self._process = ready_context().Process(target=_become, args=arguments, daemon=True)
        self._process.start()
        assert self._process.pid
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("a ready process", timeout or 0)
        return self._process.exitcode


@cache
def ready_context() -> ForkServerContext:
    context = get_context("forkserver")
    areas = [f"skinapi.{folder}.area" for folder in AREA_FOLDERS]
    paper = "skinapi.findings.reports.pdf_document"
    context.set_forkserver_preload(
        ["skinapi.app.application", "skinapi.__main__", paper, *areas, "tests.served.ready_process"]
    )
    return context


def _become(command: tuple[str, ...], cwd: Path, env: dict[str, str], log: Path) -> None:
    """Continue as `python COMMAND` would after its imports."""
    os.setsid()
    ctypes.CDLL(None).prctl(DIE_WITH, SIGKILL)
    with log.open("ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    tempfile.tempdir = None  # asked for before, in another environment
    current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    sys.path.insert(0, str(cwd))
    routes.KEPT = "max-age=3600"  # a browser asks for forty files of each page anew, in the drill
    try:
        _run(command)
    finally:
        atexit._run_exitfuncs()


def _run(command: tuple[str, ...]) -> None:
    how, what, *arguments = command
    if how == "-m":
        sys.argv = [what, *arguments]
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.argv = ["-c", *arguments]
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(what, "<string>", "exec"), names)
