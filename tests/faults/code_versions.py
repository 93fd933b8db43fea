import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.served.server import ROOT

# Release 2.0.0. It runs with what this tree requires, for CI installs nothing else.
RELEASE = "a3daa15b"
SERVED = ("skinapi", "gunicorn.conf.py", "wsgi.py")
MODELS = "skinapi/models"  # large, and the same


def code_of(commit: str, folder: Path) -> Path:
    command = ["git", "archive", commit, "--", *SERVED, "tests", f":(exclude){MODELS}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"commit {commit} is not in the git history here")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    (folder / MODELS).symlink_to(ROOT / MODELS)
    return folder


def code_after(folder: Path) -> Path:
    """A copy of this tree as its next version, which stores the year with each finding, and one
    more of the timings inside it.
    """
    folder.mkdir()
    for name in SERVED:
        if (ROOT / name).is_dir():
            leave = shutil.ignore_patterns("models", "__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=leave)
        else:
            shutil.copy(ROOT / name, folder)
    code = folder / "skinapi"
    # Nested records too: the previous version must read them as well.
    total = "    total: NonNegativeFloat\n"
    replace(code / "model/finding.py", total, f"{total}    queued: NonNegativeFloat = 0.0\n")
    replace(
        code / "findings/records/stored_findings.py",
        "self.encode(finding))",
        "self.encode(finding, year=now().year))",
    )
    return folder


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, f"{file} has changed: {old!r}"
    file.write_text(text.replace(old, new))
