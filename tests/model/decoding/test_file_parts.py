import pytest

from skinapi.model.decoding.file_header import read_header
from skinapi.model.decoding.file_parts import (
    MOST_CHUNKS,
    MOST_SEGMENTS,
    MOST_STRAY_BYTES,
    png_chunks,
)
from skinapi.model.decoding.photo import read_photo
from tests.model.decoding import hostile
from tests.model.photos import encoded, skin_with_spot

JPEG = hostile.valid()["jpeg"]
PNG = hostile.valid()["png"]


@pytest.mark.parametrize(
    ("within", "beyond"),
    [
        (
            JPEG[:2] + b"\xff\xfe\x00\x02" * (MOST_SEGMENTS - 40) + JPEG[2:],
            JPEG[:2] + b"\xff\xfe\x00\x02" * MOST_SEGMENTS + JPEG[2:],
        ),
        (
            JPEG[:2] + b"\xff" * MOST_STRAY_BYTES + JPEG[2:],
            JPEG[:2] + b"\xff" * (MOST_STRAY_BYTES + 1) + JPEG[2:],
        ),
        (
            JPEG[:-2] + b"\xff" * MOST_STRAY_BYTES + JPEG[-2:],
            JPEG[:-2] + b"\xff" * (MOST_STRAY_BYTES + 1) + JPEG[-2:],
        ),
        (
            PNG[:33] + hostile.chunk(b"prVt", b"") * (MOST_CHUNKS - 40) + PNG[33:],
            PNG[:33] + hostile.chunk(b"prVt", b"") * MOST_CHUNKS + PNG[33:],
        ),
    ],
    ids=["segments", "stray bytes", "stray bytes after data", "chunks"],
)
def test_the_bound_is_where_it_is_said_to_be(within: bytes, beyond: bytes) -> None:
    assert read_photo(within).width == 160
    with pytest.raises(ValueError, match="than any"):
        read_header(beyond)


def test_what_programs_write_is_far_within_the_bounds() -> None:
    full = bytes(65_000)
    picture = skin_with_spot((160, 120))
    jpeg = encoded(
        picture, progressive=True, icc_profile=full * 30, comment=full, exif=b"Exif\x00\x00" + full
    )
    assert read_photo(jpeg).width == 160
    noisy = encoded(skin_with_spot((800, 600), grain=60), "PNG")
    chunks = [chunk for chunk in png_chunks(noisy) if chunk.kind == b"IDAT"]
    data = b"".join(noisy[chunk.body : chunk.body_end] for chunk in chunks)
    small = [hostile.chunk(b"IDAT", data[at : at + 1024]) for at in range(0, len(data), 1024)]
    assert len(small) > 300
    photo = read_photo(noisy[: chunks[0].start] + b"".join(small) + noisy[-12:])
    assert photo.pixels.tobytes() == read_photo(noisy).pixels.tobytes()


def test_nothing_of_the_metadata_reaches_the_decoder() -> None:
    picture = skin_with_spot((160, 120))
    for format_ in ("JPEG", "PNG"):
        content = encoded(
            picture, format_, exif=b"Exif\x00\x00a name", icc_profile=b"a name", comment=b"a name"
        )
        assert b"name" in content
        decoded = b"".join(read_header(content).parts)
        assert b"name" not in decoded
        assert read_photo(content).pixels.tobytes() == read_photo(decoded).pixels.tobytes()
