"""Objects that DCMTK's tools make (Debian `dcmtk`), not ours."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integrations.dicom.test_receiving import FAILED, TAKEN, finding_of, send
from tests.support.backends import Person
from tests.support.photos import photo_of

# How each is made of the photo, or of its pixels; and the name by which it is refused, if it is.
RECIPES = {
    "VL Photographic": ("img2dcm -vlp {photo} {made}", ""),
    "Secondary Capture": ("img2dcm {photo} {made}", ""),
    "implicit": ("dcmconv +ti {raw} {made}", ""),
    "RLE": ("dcmcrle {raw} {made}", ""),
    "big endian": ("dcmconv +tb {raw} {made}", "Explicit VR Big Endian"),
    "deflated": ("dcmconv +td {raw} {made}", "Deflated Explicit VR Little Endian"),
    "JPEG-LS": ("dcmcjpls {raw} {made}", "JPEG-LS Lossless"),
    "JPEG lossless": ("dcmcjpeg +e1 {raw} {made}", "JPEG Lossless, Non-Hierarchical"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """By their names in RECIPES."""
    if not all(map(shutil.which, ("img2dcm", "dcmconv", "dcmcjpls"))):
        pytest.skip("no DCMTK (Debian: dcmtk)")
    folder = tmp_path_factory.mktemp("dcmtk")
    places = {name: folder / f"{name}.dcm" for name in ("raw", *RECIPES)}
    photo = folder / "photo.jpg"
    photo.write_bytes(photo_of("melanoma"))
    _run("img2dcm -vlp {photo} {made}", photo=photo, made=folder / "first.dcm")
    _run("dcmdjpeg {photo} {made}", photo=folder / "first.dcm", made=places["raw"])
    for name, (command, _) in RECIPES.items():
        _run(command, photo=photo, raw=places["raw"], made=places[name])
        # Those that are made of one object share its UID, and would be the same picture again.
        _run("dcmodify -nb -gin {made}", made=places[name])
    return {name: places[name].read_bytes() for name in RECIPES}


def _run(command: str, **paths: Path) -> None:
    words = [word.format(**paths) for word in command.split()]
    subprocess.run(words, check=True, capture_output=True)


@pytest.mark.parametrize("name", [name for name, (_, refused) in RECIPES.items() if not refused])
def test_an_object_of_dcmtk_is_judged(ada: Person, made: dict[str, bytes], name: str) -> None:
    status, answer = send(ada, made[name])
    assert status == 200, answer
    found = finding_of(ada, answer[TAKEN]["Value"][0])
    assert found["most_probable"]["key"] == "melanoma"


@pytest.mark.parametrize("name", [name for name, (_, refused) in RECIPES.items() if refused])
def test_a_transfer_syntax_that_is_not_read_is_refused_by_its_name(
    ada: Person, made: dict[str, bytes], name: str
) -> None:
    status, answer = send(ada, made[name])
    assert status == 409
    (refused,) = answer[FAILED]["Value"]  # with its UIDs, so that its sender knows which it was
    assert RECIPES[name][1] in refused["0040A160"]["Value"][0]
