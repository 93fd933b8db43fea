"""The search sees what it says that it sees, and takes nobody else for the person."""

import base64
import gzip
import io
import json
import secrets
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from skinapi.app.demo.drawing import draw
from skinapi.app.demo.spots import GROWING_MOLE, ROUND_MOLE
from tests.privacy.byte_search import ByteSearch

TEXT = "Zoë Quastenflosser möchte am Dienstag kommen, bitte anrufen"
PHOTO, OTHER = draw(GROWING_MOLE, view=0), draw(ROUND_MOLE, view=5)


@pytest.fixture(scope="module")
def search() -> ByteSearch:
    return ByteSearch({"text": TEXT}, {"photo": PHOTO}, {"photo": PHOTO}, (OTHER,))


def zipped(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a name.bin", data)
    return out.getvalue()


def encoded_again(kind: str, side: int) -> bytes:
    out = io.BytesIO()
    Image.open(io.BytesIO(PHOTO)).resize((side, side)).save(out, kind, quality=60)
    return out.getvalue()


@pytest.mark.parametrize(
    "write",
    [
        lambda: TEXT.encode(),
        lambda: TEXT.encode()[13:50],
        lambda: json.dumps({"note": TEXT}).encode(),
        lambda: base64.b64encode(b"1" + TEXT.encode() + b"after"),
        lambda: base64.b64encode(b"12" + TEXT.encode()),
        lambda: gzip.compress(TEXT.encode()),
        lambda: zipped(gzip.compress(TEXT.encode())),
        lambda: PHOTO[2001:2200],
        lambda: base64.b64encode(b"1" + PHOTO)[3000:3300],
        lambda: zipped(PHOTO[2000:2400]),
        lambda: encoded_again("JPEG", 128),
        lambda: encoded_again("PNG", 64),
        lambda: encoded_again("WEBP", 200),
    ],
)
def test_what_is_left_is_found_where_it_is(
    search: ByteSearch, tmp_path: Path, write: Callable[[], bytes]
) -> None:
    before = secrets.token_bytes(10_001)
    (tmp_path / "some.bin").write_bytes(before + write() + secrets.token_bytes(999))
    hits = search.search([tmp_path])
    assert hits
    assert all(hit.offset >= len(before) for hit in hits)


def test_nobody_elses_data_is_taken_for_the_persons(search: ByteSearch, tmp_path: Path) -> None:
    (tmp_path / "other.jpg").write_bytes(OTHER)
    small = io.BytesIO()
    Image.open(io.BytesIO(OTHER)).resize((128, 128)).save(small, "JPEG")
    (tmp_path / "small.jpg").write_bytes(small.getvalue())
    (tmp_path / "noise").write_bytes(secrets.token_bytes(1_000_000))
    (tmp_path / "zeros").write_bytes(bytes(1_000_000))
    (tmp_path / "words").write_text("Quasten, Flosser, Dienstag")
    assert search.search([tmp_path]) == []


def test_a_name_of_a_file_is_searched_too(tmp_path: Path) -> None:
    (tmp_path / "ada@example.org.txt").touch()
    (hit,) = ByteSearch({"email": "ada@example.org"}).search([tmp_path])
    assert hit.mark == "email, in the name of the file"
