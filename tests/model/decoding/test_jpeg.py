"""What a decoder fills in for damaged data has nothing to do with the lesion."""

import io

import numpy as np
import pytest
from PIL import Image

from skinapi.base.errors import Refused
from skinapi.model.decoding.photo import read_photo
from tests.model.photos import encoded, skin_with_spot

END = b"\xff\xd9"
SIZE = (640, 480)


def photo_file(*, progressive: bool = False) -> tuple[bytes, int]:
    content = encoded(skin_with_spot(SIZE, grain=9), quality=90, progressive=progressive)
    return content, content.rindex(b"\xff\xda") + 14


def refusal(content: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        read_photo(content)
    return caught.value


@pytest.mark.parametrize("share", [0.3, 0.99])
@pytest.mark.parametrize("progressive", [False, True])
def test_data_that_end_early_are_refused_as_damaged(share: float, progressive: bool) -> None:
    content, data = photo_file(progressive=progressive)
    kept = content[: data + round(share * (len(content) - data))]
    for cut in (kept, kept + END):
        refused = refusal(cut)
        assert refused.reason == "damaged"
        assert "Send the original file once more" in refused.detail


@pytest.mark.parametrize("at", [0, 7_000, 20_000])
def test_data_with_a_hole_are_refused_as_damaged(at: int) -> None:
    content, data = photo_file()
    hole = slice(data + at, data + at + 2048)
    assert refusal(content[: hole.start] + bytes(2048) + content[hole.stop :]).reason == "damaged"
    assert refusal(content[: hole.start] + content[hole.stop :]).reason == "damaged"


def test_a_few_bytes_behind_the_last_block_are_harmless() -> None:
    content, _ = photo_file()
    whole = np.asarray(read_photo(content).pixels)
    padded = read_photo(content.removesuffix(END) + bytes(4) + END)
    np.testing.assert_array_equal(np.asarray(padded.pixels), whole)
    assert refusal(content.removesuffix(END) + bytes(40) + END).reason == "damaged"


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_every_kind_of_jpeg_has_the_pixels_that_pillow_reads(mode: str) -> None:
    picture = skin_with_spot((301, 203), grain=9).convert(mode)
    content = encoded(picture, quality=90)
    with Image.open(io.BytesIO(content)) as opened:
        expected = np.asarray(opened.convert("RGB"))
    np.testing.assert_array_equal(np.asarray(read_photo(content).pixels), expected)


def test_a_damaged_png_or_webp_is_refused_too() -> None:
    for format_ in ("PNG", "WEBP"):
        content = encoded(skin_with_spot(SIZE, grain=9), format_)
        assert refusal(content[: len(content) // 2]).reason == "damaged", format_
    damaged = bytearray(encoded(skin_with_spot(SIZE, grain=9), "PNG"))
    damaged[9_000] ^= 1
    assert refusal(bytes(damaged)).reason == "damaged"
