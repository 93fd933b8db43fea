import os
import signal
from pathlib import Path

import pytest

from skinapi.lab.checks.picture_decoder import ENDED_IT, DecodedPicture, PictureDecoder
from tests.lab.sending import labelled, picture, send, upload, zipped
from tests.support.backends import Backend

LEAST_PRIORITY = 19  # the kernel's


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in ("good", "bad", "other")]
    for path, content in zip(paths, (picture(1), b"no picture", picture(2)), strict=True):
        path.write_bytes(content)
    return paths


def test_each_picture_is_told_apart_also_after_the_process_was_killed(paths: list[Path]) -> None:
    good, bad, other = paths
    with PictureDecoder() as decoder:
        first = decoder.decode(good)
        assert isinstance(first, DecodedPicture)
        assert (first.width, first.height, first.format) == (180, 160, "JPEG")
        assert isinstance(decoder.decode(bad), str)
        process = decoder._process
        assert process
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == min(own + 10, LEAST_PRIORITY)
        os.kill(process.pid, signal.SIGKILL)
        assert decoder.decode(other) == ENDED_IT
        assert decoder.decode(good) == first
    assert decoder._process is None


def test_a_picture_that_takes_too_long_is_given_up(paths: list[Path]) -> None:
    with PictureDecoder(most_seconds=0.0) as decoder:
        assert decoder.decode(paths[0]) == ENDED_IT


def test_a_data_set_is_decoded_by_it(real_decoder: object, tmp_path: Path) -> None:
    backend = Backend(tmp_path)
    ada = backend.member(role="researcher")
    assert send(ada, [upload(ada, zipped(labelled(3)))])["status"] == "published"
    backend.services.store.close()
