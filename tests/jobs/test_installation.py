"""What the lab needs is installed by a job: pinned, once at a time, and completed after a death."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import venv
from base64 import urlsafe_b64encode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, cast
from zipfile import ZipFile

import pytest

from skinapi.errors import SkinAPIError
from skinapi.jobs import lab_installation
from skinapi.jobs.job import INSTALLATION
from skinapi.jobs.lab_installation import (
    LIBRARIES,
    FullDisk,
    InstallationFailed,
    LabLibraries,
    ManyMachines,
    NoNetwork,
    NoOwnEnvironment,
    OtherFiles,
    PipProgress,
    ReadOnlyEnvironment,
    TooLittleDisk,
    WorkersElsewhere,
)
from skinapi.jobs.process import job_environment
from tests.jobs.handlers import is_alive
from tests.served.server import ROOT
from tests.support.backends import Backend

# The handler in an environment of its own, with requirements of its own.
INSTALL = """
import json, sys
from pathlib import Path
from types import SimpleNamespace
from skinapi.jobs import lab_installation
libraries, requirements, work = json.loads(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
lab_installation.REQUIREMENTS = requirements
lab_installation.LIBRARIES = libraries
lab_installation.NEEDED_BYTES = 0
missing = lab_installation.find_missing()
say = lambda line: print(line, flush=True)
context = SimpleNamespace(work=work, say=say, progress=lambda percent, message: None)
lab_installation.install(context)
print(json.dumps({"before": missing, "after": lab_installation.find_missing()}))
"""
NETWORK = "Retrying (Retry(total=4)) after connection broken by 'NewConnectionError"


def wheel(folder: Path, name: str, needs: str = "") -> str:
    """Made here, its description first, as some are; the line that pins it."""
    files = {
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        + (f"Requires-Dist: {needs}\n" if needs else ""),
        f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
        f"{name}/__init__.py": "from . import part\n",
        f"{name}/part.py": "",
    }
    record = [
        f"{path},sha256={urlsafe_b64encode(sha256(text.encode()).digest()).decode().rstrip('=')},"
        f"{len(text)}"
        for path, text in files.items()
    ]
    path = folder / f"{name}-1.0-py3-none-any.whl"
    own = f"{name}-1.0.dist-info/RECORD"
    files = {own: "\n".join([*record, f"{own},,"]), **files}
    with ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return f"{name}==1.0 --hash=sha256:{sha256(path.read_bytes()).hexdigest()}\n"


class Lab:
    """An environment without what the lab needs: `beta`, which needs `alpha`. pip is that of the
    tests; it finds what this folder holds, and no network.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.wheels = folder, folder / "wheels"
        self.wheels.mkdir()
        self.requirements = folder / "requirements.txt"
        self.requirements.write_text(
            wheel(self.wheels, "alpha") + wheel(self.wheels, "beta", needs="alpha")
        )
        venv.create(folder / "env", symlinks=True)
        [self.packages] = (folder / "env" / "lib").glob("python*/site-packages")
        # Behind those of the environment.
        (self.packages / "tests.pth").write_text("\n".join(path for path in sys.path if path))

    def begin(self, before: str = "") -> "subprocess.Popen[str]":
        """`before` is run before the handler."""
        (self.folder / "jobs").mkdir(exist_ok=True)
        libraries = json.dumps({"alpha": "alpha", "beta": "beta"})
        arguments = (libraries, str(self.requirements), str(self.folder / "jobs" / "0badc0de"))
        return subprocess.Popen(
            [str(self.folder / "env/bin/python"), "-c", before + INSTALL, *arguments],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "PIP_NO_INDEX": "1",
                "PIP_FIND_LINKS": str(self.wheels),
                "PIP_CONFIG_FILE": os.devnull,
                "HOME": str(self.folder),
                "JWT_SECRET_KEY": "kept from pip",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def install(self) -> dict[str, Any]:
        with self.begin() as process:
            printed, _ = process.communicate(timeout=300)
        assert process.returncode == 0, printed
        return cast("dict[str, Any]", json.loads(printed.splitlines()[-1]))


def test_what_a_death_left_in_part_is_completed_by_the_next_installation(tmp_path: Path) -> None:
    """pip says of a package that has a description and not all of its files: already satisfied."""
    lab = Lab(tmp_path)
    assert lab.install() == {"before": "alpha", "after": None}
    part = lab.packages / "beta/part.py"
    for path in (lab.packages / "beta", lab.packages / "beta-1.0.dist-info"):
        shutil.rmtree(path)
    with ZipFile(lab.wheels / "beta-1.0-py3-none-any.whl") as archive:  # as pip unpacks it
        for name in archive.namelist()[:-1]:
            archive.extract(name, lab.packages)
    assert not part.exists()
    assert lab.install() == {"before": "beta", "after": None}
    assert part.is_file()
    assert lab.install() == {"before": None, "after": None}


@pytest.mark.parametrize("damage", ["gone", "cut off"])
def test_a_package_with_a_damaged_file_is_installed_again(damage: str, tmp_path: Path) -> None:
    """As a machine that goes down, or an exchange of versions that was killed, leaves it."""
    lab = Lab(tmp_path)
    lab.install()
    (lab.packages / "~eta").mkdir()
    whole = (part := lab.packages / "beta/__init__.py").read_text()
    part.unlink()
    if damage == "cut off":
        part.write_text(whole[:-1])
    alpha = lab.packages / "alpha-1.0.dist-info"
    installed = alpha.stat().st_mtime_ns
    with lab.begin() as process:
        printed, _ = process.communicate(timeout=300)
    assert "beta-1.0 was installed in part: it is installed again" in printed
    assert part.read_text() == whole
    assert alpha.stat().st_mtime_ns == installed, "it was whole"
    assert not list(lab.packages.glob("~*"))


def test_another_file_than_the_pinned_one_is_not_installed(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    wheel(lab.wheels, "beta", needs="alpha, gamma")
    with lab.begin() as process:
        printed, _ = process.communicate(timeout=300)
    assert "OtherFiles" in printed
    assert not (lab.packages / "beta").exists()
    assert not (lab.packages / "alpha").exists()


def test_two_do_not_install_at_once_and_pip_dies_with_its_job(tmp_path: Path) -> None:
    script = tmp_path / "pip.py"
    script.write_text(
        "import os, sys, time\n"
        "print('pid', os.getpid(), 'JWT_SECRET_KEY' in os.environ, flush=True)\n"
        "if sys.argv[1:] != ['--version']: time.sleep(300)\n"
    )
    fake = (
        "import sys\nfrom skinapi.jobs import lab_installation\n"
        f"lab_installation._pip = lambda *said: [sys.executable, {str(script)!r}, *said]\n"
    )
    lab = Lab(tmp_path)
    first = lab.begin(fake)
    assert first.stdout
    _, pid, secret = first.stdout.readline().split()
    printed, _ = lab.begin(fake).communicate(timeout=60)
    assert "InstallsAlready" in printed
    assert secret == "False", "pip gets none of this server's secrets"
    pip = int(pid)
    assert is_alive(pip)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    deadline = time.monotonic() + 30
    while is_alive(pip):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (NETWORK, NoNetwork),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", OtherFiles),
        ("ERROR: Could not install: [Errno 28] No space left on device", FullDisk),
        ("ERROR: something else", InstallationFailed),
    ],
)
def test_why_pip_failed_is_told_in_a_sentence(
    said: str, error: type[SkinAPIError], tmp_path: Path
) -> None:
    program = f"import sys; print({said!r}); sys.exit(1)"
    with pytest.raises(InstallationFailed) as raised:
        lab_installation._install(lambda _: None, lambda *_: None, [sys.executable, "-c", program])
    assert type(raised.value) is error


def test_its_progress_goes_on_while_pip_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements.txt").write_text("a==1 \\\n    --hash=sha256:0\nb==1\nc==1\nd==1\n")
    monkeypatch.setattr(lab_installation, "REQUIREMENTS", tmp_path / "requirements.txt")
    told: list[tuple[float, str]] = []
    progress = PipProgress(lambda *one: told.append(one), tmp_path)
    for line in (
        "Collecting a==1 (from -r",
        "Requirement already satisfied: b==1 in",
        "",
        "  Using",
    ):
        progress.take(line)
    progress.take("Installing collected packages: c, a")
    for name in ("c-1", "a-1"):
        progress.take("")
        (tmp_path / f"{name}.dist-info").mkdir()
        (tmp_path / f"{name}.dist-info/{lab_installation.COMPLETED}").touch()
    progress.take("")
    collected, unpacked = lab_installation.COLLECTED, lab_installation.INSTALLED
    assert told == [
        (collected / 4, "Downloading"),
        (collected / 2, "Downloading"),
        (collected, "Unpacking"),
        ((collected + unpacked) / 2, "Unpacking"),
        (unpacked, "Unpacking"),
    ]


def test_the_libraries_are_those_of_the_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    train = {name.split("=")[0] for name in project["optional-dependencies"]["train"]}
    assert set(LIBRARIES.values()) == train
    pinned = set(lab_installation.PINNED.findall(lab_installation.REQUIREMENTS.read_text()))
    assert train <= pinned
    assert not pinned & {"pytest", "selenium", "mypy", "pyarrow", "dramatiq"}, "for others"
    assert lab_installation.find_missing() is None


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment in which nothing is in the way."""
    monkeypatch.setattr(lab_installation, "NEEDED_BYTES", 0)
    monkeypatch.setattr(sys, "base_prefix", "/elsewhere")
    monkeypatch.setattr(lab_installation, "site_packages", lambda: tmp_path)
    assert lab_installation.find_refusal() is None
    return tmp_path


def test_it_is_refused_where_it_is_not_possible(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write everywhere but on what is mounted read-only."""
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda path, _: path != whole)
        assert isinstance(lab_installation.find_refusal(), ReadOnlyEnvironment)
    with monkeypatch.context() as patch:
        patch.setattr(lab_installation, "NEEDED_BYTES", 2**62)
        assert isinstance(lab_installation.find_refusal(), TooLittleDisk)
    with monkeypatch.context() as patch:
        patch.setattr(lab_installation, "REQUIREMENTS", whole / "requirements-train.txt")
        assert isinstance(lab_installation.find_refusal(), NoOwnEnvironment)
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    assert isinstance(lab_installation.find_refusal(), NoOwnEnvironment)


def test_only_the_one_machine_of_a_store_can_be_installed_on(whole: Path) -> None:
    libraries = LabLibraries(workers_here=True)
    assert libraries.find_refusal() is None
    assert isinstance(replace(libraries, one_machine=False).find_refusal(), ManyMachines)
    assert isinstance(replace(libraries, workers_here=False).find_refusal(), WorkersElsewhere)


def test_an_admin_has_it_installed_by_one_job(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, other = backend.member(role="admin"), backend.member(role="admin")
    researcher = backend.member(role="researcher")
    refused = admin.call("POST", "/jobs/installation")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "workers_elsewhere")
    monkeypatch.setattr(LabLibraries, "find_missing", lambda _: "tensorflow")
    monkeypatch.setattr(LabLibraries, "find_refusal", lambda _: TooLittleDisk())
    lacking = {"missing": "tensorflow", "install": "make lab"}
    shown = researcher.call("GET", "/jobs/workers").get_json()
    assert shown == {**lacking, "installing": None, "refused": "too_little_disk"}
    monkeypatch.setattr(LabLibraries, "find_refusal", lambda _: None)
    assert researcher.call("POST", "/jobs/installation").status_code == 403
    job = admin.call("POST", "/jobs/installation").get_json()
    assert (job["kind"], job["status"], job["request"]) == ("installation", "queued", {})
    assert other.call("POST", "/jobs/installation").get_json()["id"] == job["id"]
    shown = researcher.call("GET", "/jobs/workers").get_json()
    assert shown == {**lacking, "installing": job["id"], "refused": None}
    assert other.call("POST", f"/jobs/{job['id']}/cancel").get_json()["status"] == "cancelled"
    assert researcher.call("GET", "/jobs/workers").get_json()["installing"] is None
    assert other.call("POST", f"/jobs/{job['id']}/retry").get_json()["status"] == "queued"


def test_who_is_no_admin_any_more_installs_nothing(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LabLibraries, "find_refusal", lambda _: None)
    person = backend.member(role="researcher")
    owner = backend.account(person.email).id
    job = backend.services.jobs.submit(kind=INSTALLATION, owner=owner, request={})
    person.call("POST", f"/jobs/{job.id}/cancel")
    answer = person.call("POST", f"/jobs/{job.id}/retry")
    assert (answer.status_code, answer.get_json()["message"]) == (
        403,
        "Only an admin can install what trainings need",
    )


def test_only_an_installation_gets_what_an_operator_tells_pip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example.org/simple")
    monkeypatch.setenv("https_proxy", "http://proxy.example.org")
    assert {"PIP_INDEX_URL", "https_proxy"} <= job_environment("installation").keys()
    assert not {"PIP_INDEX_URL", "https_proxy"} & job_environment("training").keys()
