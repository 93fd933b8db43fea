import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from skinapi.model.decoding import photo as photo_module
from skinapi.model.decoding.file_header import read_header
from skinapi.model.decoding.photo import (
    MOST_BYTES,
    STORED_SIDE,
    WORKING_SIZE,
    DecodingMemory,
    Size,
    bytes_needed,
    read_photo,
    read_stored_photo,
    reencode_for_storage,
)
from tests.model.photos import encoded, skin_with_spot
from tests.support.size import in_drill

MARKED = Image.new("RGB", (60, 40), "tan")
MARKED.paste("red", (0, 0, 12, 8))


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_way_of_holding_a_camera_ends_upright(orientation: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)
    held = MARKED if undo is None else MARKED.transpose(undo)
    photo = read_photo(encoded(held, "PNG", exif=turned(orientation)))
    assert (photo.width, photo.height) == MARKED.size
    np.testing.assert_array_equal(np.asarray(photo.pixels), np.asarray(MARKED))


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_a_large_photo_is_read_smaller_but_remembers_its_size(format_: str) -> None:
    large = skin_with_spot((600, 450)).resize((2400, 1800))
    content = encoded(large, format_, exif=turned(6))
    photo = read_photo(content)
    assert (photo.width, photo.height, photo.format) == (1800, 2400, format_)
    assert photo.pixels.size == (450, 600)
    assert min(photo.pixels.size) >= min(WORKING_SIZE)
    assert read_stored_photo(reencode_for_storage(content), full=True).pixels.size == (1200, 1600)


@pytest.mark.timeout(20)
def test_a_stored_photo_does_not_wait_for_uploads() -> None:
    content = reencode_for_storage(encoded(skin_with_spot((640, 480))))
    with photo_module._memory.reserved(MOST_BYTES):
        assert read_stored_photo(content).pixels.size == (640, 480)


@pytest.mark.parametrize("size", [(640, 480), (3200, 2400)])
def test_the_copy_that_the_decoder_reads_counts_as_decoding_memory(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    reserved: list[int] = []
    all_there_is = DecodingMemory()

    class Memory(DecodingMemory):
        @contextmanager
        def reserved(self, size: int) -> Iterator[None]:
            reserved.append(size)
            with all_there_is.reserved(size):
                yield

    monkeypatch.setattr(photo_module, "_memory", Memory())
    content = encoded(Image.effect_noise(size, 90).convert("RGB"), "PNG")
    read_photo(content)
    needed = bytes_needed(read_header(content), WORKING_SIZE)
    assert reserved == [pytest.approx(min(MOST_BYTES, needed + len(content)), rel=0.01)]


def test_a_phones_second_picture_is_left_aside() -> None:
    content = encoded(MARKED, "MPO", save_all=True, append_images=[Image.new("RGB", (9, 9))])
    photo = read_photo(content)
    assert (photo.width, photo.height, photo.format) == (60, 40, "JPEG")


def test_sixteen_bit_pictures_keep_their_shades() -> None:
    shades = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (16, 1))
    photo = read_photo(encoded(Image.fromarray(shades), "PNG"))
    assert np.abs(np.asarray(photo.pixels)[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_transparent_pixels_are_white_and_hidden_colours_stay_hidden() -> None:
    picture = Image.new("RGBA", (20, 20), (0, 200, 0, 0))
    picture.paste((90, 60, 50, 255), (0, 0, 10, 20))
    pixels = np.asarray(read_photo(encoded(picture, "PNG")).pixels)
    assert pixels[5, 15].tolist() == [255, 255, 255]
    assert pixels[5, 5].tolist() == [90, 60, 50]


def test_a_stored_photo_has_no_metadata_and_fits_a_screen() -> None:
    exif = turned(1)
    exif[0x010F] = "a camera with a name"
    content = encoded(
        skin_with_spot((1700, 850)), exif=exif, comment=b"a name", icc_profile=b"a profile"
    )
    stored = reencode_for_storage(content)
    kept = Image.open(io.BytesIO(stored))
    assert kept.size == (STORED_SIDE, STORED_SIDE // 2)
    assert not kept.getexif()
    assert set(kept.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert b"name" not in stored


STORED_SIZES = [
    ((2560, 1920), 1, (1600, 1200)),
    ((2400, 1600), 6, (1067, 1600)),
    ((1700, 400), 8, (376, 1600)),
    ((1200, 900), 1, (1200, 900)),
    ((450, 600), 5, (600, 450)),
]


@pytest.mark.parametrize(
    ("sent", "orientation", "kept", "format_"),
    [
        *((*case, "JPEG") for case in STORED_SIZES),
        # Not drafted at a smaller scale, as a JPEG is: read whole, whatever its size.
        *((*case, format_) for case in STORED_SIZES[2:4] for format_ in ("PNG", "WEBP")),
        *in_drill(*((*case, name) for case in STORED_SIZES[:2] for name in ("PNG", "WEBP"))),
    ],
)
def test_a_photo_is_stored_upright_as_large_as_it_may_be_and_never_larger_than_sent(
    sent: Size, orientation: int, kept: Size, format_: str
) -> None:
    small = skin_with_spot((sent[0] // 4, sent[1] // 4)).resize(sent)
    content = encoded(small, format_, exif=turned(orientation))
    stored = reencode_for_storage(content)
    picture = Image.open(io.BytesIO(stored))
    assert (picture.size, picture.format) == (kept, "JPEG")
    assert reencode_for_storage(content, read_photo(content)) == stored


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "RGBA", "CMYK"])
@pytest.mark.parametrize("size", [(1353, 901), *in_drill((1801, 1353), (1100, 2000))])
def test_colours_are_converted_band_by_band_as_if_at_once(size: Size, mode: str) -> None:
    picture = skin_with_spot(size, grain=9).convert(mode)
    picture = Image.open(io.BytesIO(encoded(picture, "JPEG" if mode == "CMYK" else "PNG")))
    picture.draft(None, WORKING_SIZE)
    content = picture.fp.getvalue()  # type: ignore[union-attr]
    factor = min(picture.size) // min(WORKING_SIZE) // 2 * 2 or 1
    whole = picture.convert("RGB").reduce(factor) if mode in ("P", "1") else picture.reduce(factor)
    np.testing.assert_array_equal(
        np.asarray(read_photo(content).pixels), np.asarray(whole.convert("RGB"))
    )
