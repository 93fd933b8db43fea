"""Bytes become an upright RGB picture, or a refusal."""

import io

import numpy as np
import pytest
from PIL import Image

from skinapi.errors import Refused
from skinapi.vision.decoding.photo import read_photo
from tests.vision.decoding.hostile import png


def encoded(picture: Image.Image, format_: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, format_, **options)
    return out.getvalue()


def test_an_exif_rotation_is_obeyed() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    wide = Image.new("RGB", (60, 40), "red")
    assert read_photo(encoded(wide, "JPEG", exif=exif)).pixels.size == (40, 60)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK"])
def test_every_colour_mode_becomes_rgb(mode: str) -> None:
    format_ = "JPEG" if mode == "CMYK" else "PNG"
    assert read_photo(encoded(Image.new(mode, (8, 8)), format_)).pixels.mode == "RGB"


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\xff\xd8\xff\xe0 cut short"])
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(Refused):
        read_photo(content)


def test_a_cut_off_picture_is_refused() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    with pytest.raises(Refused):
        read_photo(encoded(Image.fromarray(noise), "JPEG")[:-400])


def test_a_format_that_we_do_not_take_is_refused() -> None:
    with pytest.raises(Refused):
        read_photo(encoded(Image.new("RGB", (8, 8)), "GIF"))


def test_a_decompression_bomb_is_refused() -> None:
    """Refused by its header: the pixels are never there."""
    with pytest.raises(Refused):
        read_photo(png(20_000, 20_000, depth=1, kind=0))
