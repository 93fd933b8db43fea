"""What trainings and imports need and a server does without: whether it is there, and whether an
admin can have it installed by a job.
"""

import importlib
import os
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from importlib.util import find_spec
from pathlib import Path

from skinapi.errors import Conflict, SkinAPIError

KIND = "installation"
COMMAND = "make lab"
# What `make lab` installs too: no request names anything else.
REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements.txt"
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
# Measured on Linux: 2.4 GB are unpacked, beside the files that they come from.
NEEDED_BYTES = 4 * 1024**3


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
        "SkinAPI does not run in a virtual environment beside its requirements.txt, as `make run` "
        "sets it up: install requirements.txt as you have installed SkinAPI, in a container by "
        "building its image with it"
    )


class ReadOnlyEnvironment(NotInstallable):
    code = "read_only_environment"
    sentence = (
        "The server may not write into its virtual environment, as in a read-only container: "
        "install requirements.txt as whoever owns it, or build the image with it"
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
