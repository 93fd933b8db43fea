import signal
import subprocess
import sys
import time

import pytest
import simplejpeg
from PIL import Image

from skinapi.base.errors import Refused, Unavailable
from skinapi.model.decoding.photo import MOST_BYTES, Photo, read_photo, reencode_for_storage
from tests.model.decoding import hostile

MOST_SECONDS = 2.0
FILE_FAULTS = ("undecodable", "damaged", "too_large", "moving", "too_many_scans", "too_much_memory")
# The beginnings of files that hide in or behind a picture.
HIDDEN = (b"<html", b"<svg", b"%PDF", b"PK\x03\x04", b"<?php")

# Where serving hears a warning of Pillow's and goes on, so do these tests.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")


def outcome(content: bytes) -> Photo | Refused:
    try:
        return read_photo(content)
    except Refused as refused:
        return refused


def every(families: tuple[hostile.Family, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("family", families, ids=lambda family: family.__name__)


@every(hostile.EVERY)
def test_nothing_but_a_photo_or_a_refusal_comes_out_and_soon(family: hostile.Family) -> None:
    for name, content in family():
        started = time.thread_time()
        result = outcome(content)
        assert time.thread_time() - started < MOST_SECONDS, name
        if isinstance(result, Photo):
            assert family not in hostile.REFUSED, name
            assert result.pixels.mode == "RGB", name
            stored = reencode_for_storage(content)
            assert stored[:2] == b"\xff\xd8", name
            assert not [hidden for hidden in HIDDEN if hidden in stored], name
        else:
            assert result.reason in FILE_FAULTS, name
        if family in hostile.TAKEN:
            assert isinstance(result, Photo), name
            assert (result.width, result.height) == (160, 120), name


def test_no_pixel_of_a_bomb_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    bombs, decoded = [*hostile.bombs()], list[object]()
    monkeypatch.setattr(Image, "open", lambda content, **_: decoded.append(content))
    monkeypatch.setattr(simplejpeg, "decode_jpeg", decoded.append)
    monkeypatch.setattr(Image, "new", lambda *size: decoded.append(size))
    for name, content in bombs:
        assert isinstance(outcome(content), Refused), name
        assert not decoded, name


MEASURE = """
import resource, sys
from skinapi.base.errors import Refused, Unavailable
from skinapi.model.decoding.photo import read_photo
try:
    read_photo(sys.stdin.buffer.read())
except Refused as refused:
    print(refused.reason, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's data")
def test_a_webp_of_many_tables_is_refused_by_the_memory_of_its_own_process() -> None:
    content = hostile.webp_of_many_tables()
    assert len(content) < 300_000
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE], input=content, capture_output=True, check=True
    )
    reason, most = ran.stdout.split()
    assert reason == b"damaged"
    assert int(most) <= MOST_BYTES


@pytest.mark.parametrize(
    "failure",
    [
        OSError("no more files may be open"),
        subprocess.TimeoutExpired("python", 20),
        subprocess.CalledProcessError(-signal.SIGKILL, "python"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_a_decoder_that_cannot_run_does_not_blame_the_picture(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(Unavailable):
        read_photo(hostile.valid()["lossless"])


@pytest.mark.parametrize("progressive", [False, True])
def test_arithmetic_coding_never_reaches_its_decoder(
    monkeypatch: pytest.MonkeyPatch, progressive: bool
) -> None:
    content = hostile.arithmetic(hostile.jpeg_of(6_500, 6_500, progressive=progressive))
    opened = list[object]()
    monkeypatch.setattr(simplejpeg, "decode_jpeg", lambda content, **_: opened.append(content))
    result = outcome(content)
    assert isinstance(result, Refused)
    assert result.reason == "undecodable"
    assert not opened
