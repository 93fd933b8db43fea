"""Whatever bytes come, a Photo or a Refused goes out: soon, and without decoding a bomb."""

import time

import pytest
from PIL import Image, ImageFile

from skinapi.errors import Refused
from skinapi.vision.photo import Photo, read_photo, stored_photo
from tests.vision import hostile

MOST_SECONDS = 2.0
FILE_FAULTS = ("undecodable", "too_large", "moving", "too_many_scans", "too_much_memory")

# Where serving hears a warning of Pillow's and goes on, so do these tests.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")


def outcome(content: bytes) -> Photo | Refused:
    try:
        return read_photo(content)
    except Refused as refused:
        return refused


def every(families: tuple[hostile.Family, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("family", families, ids=lambda family: family.__name__)


def test_there_are_more_than_three_hundred() -> None:
    contents = {content for family in hostile.EVERY for _, content in family()}
    assert len(contents) >= 300


@every(hostile.EVERY)
def test_nothing_but_a_photo_or_a_refusal_comes_out_and_soon(family: hostile.Family) -> None:
    for name, content in family():
        started = time.thread_time()
        result = outcome(content)
        assert time.thread_time() - started < MOST_SECONDS, name
        if isinstance(result, Photo):
            assert result.pixels.mode == "RGB", name
            assert stored_photo(content)[:2] == b"\xff\xd8", name
        else:
            assert result.reason in FILE_FAULTS, name


@every(hostile.TAKEN)
def test_what_is_unusual_but_sound_is_taken(family: hostile.Family) -> None:
    for name, content in family():
        result = outcome(content)
        assert isinstance(result, Photo), name
        assert (result.width, result.height) == (160, 120), name


@every(hostile.REFUSED)
def test_what_is_no_still_picture_of_ours_is_refused(family: hostile.Family) -> None:
    for name, content in family():
        assert isinstance(outcome(content), Refused), name


def test_half_a_picture_is_no_picture() -> None:
    for name, content in hostile.valid().items():
        assert isinstance(outcome(content[: len(content) // 2]), Refused), name


def test_no_pixel_of_a_bomb_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    bombs, decoded = [*hostile.bombs()], list[object]()
    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded.append)
    monkeypatch.setattr(Image, "new", lambda *size: decoded.append(size))
    for name, content in bombs:
        assert isinstance(outcome(content), Refused), name
        assert not decoded, name


def test_a_webp_bomb_never_reaches_its_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    bombs, opened = [*hostile.bombs()], list[object]()
    monkeypatch.setattr(Image, "open", lambda content, **_: opened.append(content))
    for name, content in bombs:
        if name.startswith("webp"):
            assert isinstance(outcome(content), Refused), name
    assert not opened


def test_what_hides_behind_a_picture_is_not_kept() -> None:
    for name, content in hostile.polyglots():
        stored = stored_photo(content)
        for hidden in (b"<html", b"<svg", b"%PDF", b"PK\x03\x04", b"<?php"):
            assert hidden not in stored, name
