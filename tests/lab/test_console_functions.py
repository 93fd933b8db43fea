"""The functions of the lab's modules of the console, asked in node without a browser."""

import io
import json
import tarfile

from skinapi.lab.area import AREA
from tests.console.test_functions import ask

FILES = {
    "metadata.csv": "image_id,label\n",
    "moles/nævus/" + "a-long-name-" * 12 + "é.jpg": "x" * 512,
    "moles/皮膚.jpg": "y" * 513,
}


def test_the_archive_of_loose_files_is_one_that_others_can_read() -> None:
    chosen = f"{json.dumps(list(FILES.items()))}.map(([path, text]) => "
    chosen += "({ path, file: new Blob([text]) }))"
    assert AREA.console.folder
    made = ask(AREA.console.folder / "console" / "tar.js", f"(it) => it.tarOf({chosen})")
    with tarfile.open(fileobj=io.BytesIO(made)) as archive:
        found = {
            getmember.name: archive.extractfile(getmember) for getmember in archive.getmembers()
        }
        read = {name: file.read().decode() for name, file in found.items() if file}
    assert read == FILES
