"""The archive that the console makes of loose files is one that others can read."""

import io
import json
import shutil
import subprocess
import tarfile

import pytest

from skinapi.console.routes import STATIC

SCRIPT = """
const { tarOf } = await import(process.argv[1]);
const files = JSON.parse(process.argv[2]);
const chosen = files.map(([path, text]) => ({ path, file: new Blob([text]) }));
process.stdout.write(Buffer.from(await tarOf(chosen).arrayBuffer()));
"""
FILES = {
    "metadata.csv": "image_id,label\n",
    "moles/nævus/" + "a-long-name-" * 12 + "é.jpg": "x" * 512,
    "moles/皮膚.jpg": "y" * 513,
}


def test_its_entries_are_the_files_with_their_names() -> None:
    node = shutil.which("node")
    if not node:
        pytest.skip("no node to make the archive with")
    asked = [str(STATIC / "views" / "tar.js"), json.dumps(list(FILES.items()))]
    done = subprocess.run(
        [node, "--input-type=module", "-e", SCRIPT, *asked],
        capture_output=True,
        check=True,
        timeout=60,
    )
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        found = {one.name: archive.extractfile(one) for one in archive.getmembers()}
        read = {name: file.read().decode() for name, file in found.items() if file}
    assert read == FILES
