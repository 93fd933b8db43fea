"""The job that installs what trainings and imports need, as `make lab` does: the pinned versions of
requirements.txt, each by its hash, into the environment of the worker.

Killed at any moment it may leave a part of a package, which pip takes for whole by its description.
The next attempt forgets those descriptions first, so that pip installs the packages again.
"""

import fcntl
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from select import select
from typing import Any

from skinapi.jobs.handlers import JobContext
from skinapi.jobs.lab_libraries import (
    COMPLETED,
    LIBRARIES,
    REQUIREMENTS,
    FullDisk,
    InstallationFailed,
    InstallsAlready,
    NoNetwork,
    OtherFiles,
    find_missing,
    find_refusal,
    site_packages,
)
from skinapi.jobs.process import SETTINGS, die_with

LOCK = "installation.lock"
LOOK_EVERY_S = 1.0
# Shares of the whole, in percent: most of the time is unpacking.
COLLECTED, INSTALLED = 35.0, 99.0
PINNED = re.compile(r"^[A-Za-z0-9][\w.-]*==", re.MULTILINE)
# What pip says of each pinned version once, in whatever version of pip.
COLLECTS = re.compile(r"^(?:Collecting|Processing|Requirement already satisfied:|Ignoring) (\S+)")
INSTALLS = "Installing collected packages: "
CHUNK = 64 * 1024
TAIL = 200


# By what pip prints; the first that is found says why.
REASONS: tuple[tuple[re.Pattern[str], type[InstallationFailed]], ...] = (
    (re.compile(r"No space left on device"), FullDisk),
    (re.compile(r"DO NOT MATCH THE HASHES"), OtherFiles),
    (
        re.compile(
            r"connection broken by|Max retries exceeded|[Nn]ame resolution|timed out|ProxyError|"
            r"Network is unreachable|Could not find a version that satisfies"
        ),
        NoNetwork,
    ),
)


def install(context: JobContext) -> dict[str, Any]:
    """The handler of jobs of this kind. Raises NotInstallable, InstallsAlready and
    InstallationFailed.
    """
    if refusal := find_refusal():
        raise refusal
    with (context.work.parent / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InstallsAlready from error
        context.progress(0.0, "Preparing")
        for name in forget_unfinished(site_packages()):
            context.say(f"{name} was installed in part: it is installed again")
        _restore_pip(context)
        _install(context, _pip("install", "--require-hashes", "-r", str(REQUIREMENTS)))
    if missing := find_missing():
        raise InstallationFailed(f"pip has ended, and yet {missing} is missing; the log says more")
    return {"installed": list(LIBRARIES)}


def forget_unfinished(packages: Path) -> list[str]:
    """Remove the descriptions of distributions whose installation was interrupted; the names."""
    unfinished = [one for one in packages.glob("*.dist-info") if not (one / COMPLETED).is_file()]
    for one in unfinished:
        shutil.rmtree(one)
    importlib.invalidate_caches()
    return sorted(one.name.removesuffix(".dist-info") for one in unfinished)


def _restore_pip(context: JobContext) -> None:
    """pip is itself among the pinned: an interruption may leave none, or half of it."""
    probe = subprocess.run(  # noqa: S603 (our own program)
        _pip("--version"), capture_output=True, env=_environment(), check=False
    )
    if probe.returncode:
        context.say("pip was installed in part: it is installed again")
        shutil.rmtree(site_packages() / "pip", ignore_errors=True)
        _install(context, [sys.executable, "-m", "ensurepip"])


def _pip(*arguments: str) -> list[str]:
    quiet = ("--disable-pip-version-check", "--no-input", "--no-color")
    return [sys.executable, "-m", "pip", *quiet, *arguments]


def _environment() -> dict[str, str]:
    """Without the settings of this server, among which are secrets."""
    return {name: value for name, value in os.environ.items() if name.upper() not in SETTINGS}


def _install(context: JobContext, command: list[str]) -> None:
    """Run it, and tell how far it is. Raises InstallationFailed."""
    progress = PipProgress(context, site_packages())
    tail: deque[str] = deque(maxlen=TAIL)
    with subprocess.Popen(  # noqa: S603 (our own program)
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=_environment(),
        # A worker that is killed leaves no pip beside the next one. This process has one thread.
        preexec_fn=partial(die_with, os.getpid(), signal.SIGKILL),  # noqa: PLW1509
    ) as pip:
        for line in _lines(pip):
            if line:
                context.say(line)
                tail.append(line)
            progress.take(line)
    if pip.returncode:
        said = "\n".join(tail)
        raise next((why for pattern, why in REASONS if pattern.search(said)), InstallationFailed)


def _lines(pip: "subprocess.Popen[bytes]") -> Iterator[str]:
    """What it prints, line by line; an empty one after each second of silence."""
    if pip.stdout is None:
        raise ValueError("it is a pipe")
    rest = b""
    while True:
        if not select([pip.stdout], [], [], LOOK_EVERY_S)[0]:
            yield ""
            continue
        data = os.read(pip.stdout.fileno(), CHUNK)
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        yield from (line.decode("utf-8", "replace").rstrip() for line in lines)


class PipProgress:
    """How far pip is, by what it prints, and while it unpacks, by what is there."""

    def __init__(self, context: JobContext, packages: Path) -> None:
        self._context, self._packages = context, packages
        self._pinned = max(1, len(PINNED.findall(REQUIREMENTS.read_text(encoding="utf-8"))))
        self._collected = 0
        self._unpacking = 0
        self._whole_before = 0
        self._told = ""

    def take(self, line: str) -> None:
        if COLLECTS.match(line):
            self._collected = min(self._collected + 1, self._pinned)
            self._tell(COLLECTED * self._collected / self._pinned, "Downloading")
        elif line.lstrip().startswith(INSTALLS):
            self._unpacking = line.count(",") + 1
            self._whole_before = self._count_whole()
        elif self._unpacking:
            done = min(self._count_whole() - self._whole_before, self._unpacking)
            share = max(0, done) / self._unpacking
            self._tell(COLLECTED + (INSTALLED - COLLECTED) * share, "Unpacking")

    def _tell(self, percent: float, message: str) -> None:
        if (told := f"{percent:.1f} {message}") != self._told:
            self._told = told
            self._context.progress(percent, message)

    def _count_whole(self) -> int:
        return sum((one / COMPLETED).is_file() for one in self._packages.glob("*.dist-info"))
