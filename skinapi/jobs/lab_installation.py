"""What trainings and imports need and a server does without: whether it is there, whether an admin
can have it installed by a job, and the installation: that of the job, and of `make lab`.

It installs the pinned versions of requirements-train.txt, each by its hash, into the environment of
the worker. Killed at any moment pip leaves packages in part and takes them for whole by their
descriptions: those are forgotten first, so that pip installs them again.
"""

import csv
import fcntl
import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from importlib.util import find_spec
from pathlib import Path
from select import select
from typing import Any

from skinapi.errors import Conflict, SkinAPIError
from skinapi.jobs.handlers import JobContext
from skinapi.jobs.process import SETTINGS, die_with

COMMAND = "make lab"
# No request names anything else.
REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements-train.txt"
# The extra `train` of pyproject.toml: what each is imported as, and its distribution. pip installs
# each after what it depends on, so where all of these are whole, nothing is missing.
LIBRARIES = {
    "tensorflow": "tensorflow-cpu",
    "keras": "keras",
    "h5py": "h5py",
    "jinja2": "jinja2",
    "matplotlib": "matplotlib",
    "pandas": "pandas",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
}
# pip writes it when all files are there, RECORD as the wheel has it before: tensorflow's, cut off
# while it was unpacked, had one. Without this file an installation was interrupted.
COMPLETED = "INSTALLER"
# Measured on Linux: 1.8 GB are unpacked, beside the files that they come from.
NEEDED_BYTES = 3 * 1024**3
LOCK = "installation.lock"
LOOK_EVERY_S = 1.0
# Shares of the whole, in percent: most of the time is unpacking.
COLLECTED, INSTALLED = 35.0, 99.0
PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[\S*\])?==", re.MULTILINE)
# What pip says of each pinned version once, in whatever version of pip.
COLLECTS = re.compile(r"^(?:Collecting|Processing|Requirement already satisfied:|Ignoring) (\S+)")
INSTALLS = "Installing collected packages: "
CHUNK = 64 * 1024
TAIL = 200
Say = Callable[[str], None]
Tell = Callable[[float, str], None]


class NotInstallable(Conflict):
    """Why a job cannot install the libraries here."""

    code = "not_installable"


class WorkersElsewhere(NotInstallable):
    code = "workers_elsewhere"
    sentence = (
        "This server starts no job worker (LAB_WORKERS), so it can install nothing for one: run "
        f"`{COMMAND}` where the worker runs"
    )


class ManyMachines(NotInstallable):
    code = "many_machines"
    sentence = (
        "With MongoDB there may be workers on several machines, and a job would reach one of them: "
        f"run `{COMMAND}` on each"
    )


class NoOwnEnvironment(NotInstallable):
    code = "no_own_environment"
    sentence = (
        "SkinAPI does not run in a virtual environment beside its requirements-train.txt, as "
        "`make run` sets it up: install that file as you have installed SkinAPI, in a container "
        "by building its image with it"
    )


class ReadOnlyEnvironment(NotInstallable):
    code = "read_only_environment"
    sentence = (
        "The server may not write into its virtual environment, as in a read-only container: "
        "install requirements-train.txt as whoever owns it, or build the image with it"
    )


class TooLittleDisk(NotInstallable):
    code = "too_little_disk"
    sentence = f"The installation needs {NEEDED_BYTES // 1024**3} GB of free disk: make room first"


class InstallationFailed(SkinAPIError):
    code = "installation_failed"
    sentence = "pip could not install the libraries; the log has its reason"


class NoNetwork(InstallationFailed):
    code = "installation_without_network"
    sentence = (
        "The package index cannot be reached from this machine: connect it or name a mirror "
        "(PIP_INDEX_URL), then install again; what was downloaded is kept"
    )


class OtherFiles(InstallationFailed):
    code = "installation_other_files"
    sentence = "The package index gave other files than the pinned ones: nothing was installed"


class FullDisk(InstallationFailed):
    code = "installation_disk_full"
    sentence = "The disk was full: make room, then install again"


class InstallsAlready(Conflict):
    code, sentence = "installs_already", "Another job is installing the libraries at this moment"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class LabLibraries:
    """`workers_here`: this server keeps the job workers, which have its libraries. `one_machine`:
    no other machine can have workers of this store.
    """

    workers_here: bool = False
    one_machine: bool = True

    def find_missing(self) -> str | None:
        """One that the workers kept here lack; None too where the workers are elsewhere."""
        return find_missing() if self.workers_here else None

    def find_refusal(self) -> NotInstallable | None:
        """Why they cannot be installed by a job; None where they can. Whether there is a network is
        known only to who tries.
        """
        if not self.workers_here:
            return WorkersElsewhere()
        return find_refusal() if self.one_machine else ManyMachines()


def find_missing() -> str | None:
    """A library that this environment lacks, or of which it has a part. It is looked for anew each
    time, as by the process of each job.
    """
    importlib.invalidate_caches()
    return next((name for name, pinned in LIBRARIES.items() if not _is_whole(name, pinned)), None)


def _is_whole(name: str, pinned: str) -> bool:
    if find_spec(name) is None:
        return False
    try:
        return distribution(pinned).read_text(COMPLETED) is not None
    except PackageNotFoundError:  # another one, as tensorflow is; or a part of it, without a name
        return name in packages_distributions()


def find_refusal() -> NotInstallable | None:
    """What is in the way in this environment."""
    if sys.prefix == sys.base_prefix or not REQUIREMENTS.is_file():
        return NoOwnEnvironment()
    if not os.access(site_packages(), os.W_OK):
        return ReadOnlyEnvironment()
    if shutil.disk_usage(sys.prefix).free < NEEDED_BYTES:
        return TooLittleDisk()
    return None


def site_packages() -> Path:
    """Where this environment has its distributions."""
    return Path(sysconfig.get_path("purelib"))


def install(context: JobContext) -> dict[str, Any]:
    """The handler of jobs of this kind. Raises NotInstallable, InstallsAlready and
    InstallationFailed.
    """
    if refusal := find_refusal():
        raise refusal
    install_pinned(context.say, context.progress)
    if missing := find_missing():
        raise InstallationFailed(f"pip has ended, and yet {missing} is missing; the log says more")
    return {"installed": list(LIBRARIES)}


def install_pinned(say: Say, progress: Tell) -> None:
    """Install what is missing or was installed in part; nothing where all is whole. Raises
    InstallsAlready, InstallationFailed.
    """
    with (Path(sys.prefix) / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InstallsAlready from error
        progress(0.0, "Preparing")
        for name in forget_unfinished(site_packages()):
            say(f"{name} was installed in part: it is installed again")
        _install(say, progress, _pip("install", "--require-hashes", "-r", str(REQUIREMENTS)))


def forget_unfinished(packages: Path) -> list[str]:
    """Remove the descriptions of pinned distributions of which files are missing, and what pip had
    put aside (`~name`) when it was interrupted; the names of those distributions.
    """
    pinned = {_normalised(name) for name in PINNED.findall(REQUIREMENTS.read_text("utf-8"))}
    unfinished = [
        one
        for one in packages.glob("*.dist-info")
        if _normalised(one.name.partition("-")[0]) in pinned and not _has_its_files(one)
    ]
    for one in (*unfinished, *packages.glob("~*")):
        if one.is_dir():
            shutil.rmtree(one)
        else:
            one.unlink()
    importlib.invalidate_caches()
    return sorted(one.name.removesuffix(".dist-info") for one in unfinished)


def _has_its_files(description: Path) -> bool:
    """With the size that is recorded. Bytecode is made again by whoever needs it."""
    if not (description / COMPLETED).is_file():
        return False
    try:
        with (description / "RECORD").open(newline="", encoding="utf-8") as file:
            for name, _, size in csv.reader(file):
                if not name.endswith(".pyc"):
                    found = (description.parent / name).stat().st_size
                    if size and found != int(size):
                        return False
    except (OSError, ValueError):
        return False
    return True


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _pip(*arguments: str) -> list[str]:
    quiet = ("--disable-pip-version-check", "--no-input", "--no-color")
    return [sys.executable, "-m", "pip", *quiet, *arguments]


def _environment() -> dict[str, str]:
    """Without the settings of this server, among which are secrets."""
    return {name: value for name, value in os.environ.items() if name.upper() not in SETTINGS}


def _install(say: Say, progress: Tell, command: list[str]) -> None:
    """Run it, and tell how far it is. Raises InstallationFailed."""
    pip_progress = PipProgress(progress, site_packages())
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
                say(line)
                tail.append(line)
            pip_progress.take(line)
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

    def __init__(self, progress: Tell, packages: Path) -> None:
        self._progress, self._packages = progress, packages
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
            self._progress(percent, message)

    def _count_whole(self) -> int:
        return sum((one / COMPLETED).is_file() for one in self._packages.glob("*.dist-info"))


def main() -> int:
    """`make lab`: the same by hand."""
    try:
        install_pinned(partial(print, flush=True), lambda _, __: None)
    except SkinAPIError as error:
        sys.stderr.write(f"{error.detail}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
