"""The code of other versions, each in a folder: the last commit of the version before, with its
tests, and a next version that is made of this tree, in which a server can be started.
"""

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

from skinapi.storage.store_version import VERSION
from tests.served.server import ROOT

# The last one that writes version 8. It runs with what this tree requires, for CI installs nothing
# else.
BEFORE = "65d5b2af98d9a439450aa6e5ed163556224d692a"
# The release before: it writes version 6.
RELEASE = "8b07cab5"
SERVED = ("skinapi", "gunicorn.conf.py", "wsgi.py")
MODELS = "skinapi/models"  # large, and the same
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


def code_before(folder: Path, commit: str = BEFORE) -> Path:
    """The code of the version before, out of the git history. Raises NoHistoryError."""
    command = ["git", "archive", commit, "--", *SERVED, "tests", f":(exclude){MODELS}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        raise NoHistoryError(f"commit {commit[:7]} is not in the git history here")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    (folder / MODELS).symlink_to(ROOT / MODELS)
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
