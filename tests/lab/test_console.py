import io
import json
import re
import tarfile

import pytest

from skinapi.console.routes import STAFF_WORDS, Words
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


@pytest.mark.parametrize("name", ["import_job", "training_job"])
def test_what_a_job_says_of_itself_has_words(name: str) -> None:
    assert AREA.console.folder
    source = (AREA.console.folder / "jobs" / f"{name}.py").read_text()
    messages = re.findall(r'\.(?:progress|begin)\((?:[\w.]+, )+"([^"]+)"\)', source)
    assert messages
    for message in messages:
        key = "job_says_" + re.sub("[^a-z]+", "_", message.lower())
        assert key in Words.of("en", STAFF_WORDS, (AREA,)).by_key
