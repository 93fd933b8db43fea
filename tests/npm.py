"""`python -m tests.npm FOLDER`: unpack the tools of tests/npm.txt into a folder.

Where npm, or its registry, cannot be reached, it says so and ends well: what needs the tools says
that it skipped them.
"""

import base64
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

LIST = Path(__file__).parent / "npm.txt"
TOOLS = Path(sys.prefix) / "npm"


def tool(name: str) -> Path | None:
    """The folder of an unpacked tool; None where it could not be had."""
    folder = TOOLS / name / "package"
    return folder if folder.is_dir() else None


def listed() -> Iterator[tuple[str, str, str]]:
    for line in LIST.read_text().splitlines():
        if line and not line.startswith("#"):
            name, version, integrity = line.split()
            yield name, version, integrity


def unpack(folder: Path) -> None:
    npm = shutil.which("npm")
    if not npm:
        sys.stdout.write("SKIPPED: npm is not installed, so the console's tools are not there\n")
        return
    for name, version, integrity in listed():
        with tempfile.TemporaryDirectory() as place:
            command = [npm, "pack", "--silent", "--pack-destination", place, f"{name}@{version}"]
            done = subprocess.run(command, cwd=place, capture_output=True, check=False, timeout=300)
            packed = list(Path(place).glob("*.tgz"))
            if done.returncode or len(packed) != 1:
                sys.stdout.write(f"SKIPPED: npm has no {name}@{version} for us\n")
                continue
            content = packed[0].read_bytes()
        found = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
        if found != integrity:
            raise SystemExit(f"{name}@{version} is not what tests/npm.txt lists: {found}")
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extractall(folder / name, filter="data")


if __name__ == "__main__":
    unpack(Path(sys.argv[1]))
