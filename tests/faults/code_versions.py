"""The code of other versions, as folders in which a server can be started: the last commit of the
version before, and a next version that is made of this tree.
"""

import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

from skinapi.storage.store_version import VERSION
from skinapi.vision.network.model import CALIBRATION, write_checksums
from tests.served.server import ROOT
from tests.support.models import tiny_model

# The last one that writes version 7. It runs with what this tree requires, for CI installs nothing
# else.
BEFORE = "d7161b6701c10be80b517da66e710f613b759443"
SERVED = ("skinapi", "gunicorn.conf.py", "wsgi.py")
# Large, and no server needs them here: MODEL_PATH names a small model.
LEFT_OUT = ("skinapi/models",)
NEXT = VERSION + 1
FILLS_YEARS = f"""

def _years_of(services: Services) -> Migration:
    documents = services.store.collection("submissions")

    def fill(after: str | None) -> Chunk | None:
        found = documents.find(after=after, limit=100, fields=("created_at", "year"))
        late = [one for one in found if "year" not in one]
        for one in late:
            documents.update({{"id": one["id"]}}, {{"$set": {{"year": one["created_at"].year}}}})
        return Chunk(found[-1]["id"], len(late)) if found else None

    return Migration(version={NEXT}, name="year", fill=fill)
"""


class NoHistoryError(Exception):
    """The commit is not here, for example in a shallow clone."""


def code_before(folder: Path) -> Path:
    """The code of the version before, out of the git history. Raises NoHistoryError."""
    without = [f":(exclude){name}" for name in LEFT_OUT]
    command = ["git", "archive", BEFORE, "--", *SERVED, *without]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        raise NoHistoryError(f"commit {BEFORE[:7]} is not in the git history here")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def model_before(folder: Path) -> Path:
    """The model of the tests as the version before can read it, without operating points."""
    shutil.copytree(tiny_model(), folder)
    calibration = json.loads((folder / CALIBRATION).read_text())
    for name in ("sent", "point_figures"):
        del calibration["dermoscopic"][name]
    (folder / CALIBRATION).write_text(json.dumps(calibration))
    write_checksums(folder)
    return folder


def code_after(folder: Path) -> Path:
    """A copy of this tree as the version after it: it stores the year with each finding, has a
    migration for the others, and stores one more of the timings inside a finding.
    """
    folder.mkdir()
    for name in SERVED:
        if (ROOT / name).is_dir():
            leave = shutil.ignore_patterns("models", "__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=leave)
        else:
            shutil.copy(ROOT / name, folder)
    code = folder / "skinapi"
    replace(code / "storage/store_version.py", f"\nVERSION = {VERSION}\n", f"\nVERSION = {NEXT}\n")
    migrations = code / "composition/migrations.py"
    replace(migrations, "import Migration\n", "import Chunk, Migration\n")
    replace(migrations, "    ]\n", "        _years_of(services),\n    ]\n")
    migrations.write_text(migrations.read_text() + FILLS_YEARS)
    # Inside a record too: what it is made of is read by the version before as well.
    total = "    total: NonNegativeFloat\n"
    replace(
        code / "vision/finding/finding.py", total, f"{total}    queued: NonNegativeFloat = 0.0\n"
    )
    replace(
        code / "records/submissions.py",
        '{**submission.stored(), "schema": 1}',
        '{**submission.stored(), "schema": 1, "year": submission.created_at.year}',
    )
    return folder


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, f"{file} has changed: {old!r}"
    file.write_text(text.replace(old, new))
