"""A file of very many parts, or of metadata that are costly to read, costs no more than a photo."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache

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

MOST_MEMORY = 12_000_000
MOST_TIMES_A_PHOTO = 1.5

MEASURE = """
import json, pathlib, sys, time, warnings
from skinapi.base.errors import Refused
from skinapi.model.decoding.photo import read_photo
from tests.model.decoding import hostile
from tests.model.photos import encoded, skin_with_spot

warnings.simplefilter("ignore")

def peak():
    rows = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(row.split()[1]) * 1024 for row in rows if row.startswith("VmHWM"))

def held():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096

def measured(content):
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    before, began = held(), time.process_time()
    try:
        read_photo(content)
    except Refused:
        pass
    return time.process_time() - began, peak() - before

picture = skin_with_spot((800, 600), grain=60).resize((4000, 3000), 0)
photo = encoded(picture, quality=95)
del picture
for content in hostile.valid().values():
    measured(content)
of_photo, photo_memory = min(measured(photo) for _ in range(5))
print(json.dumps(["photo", len(photo), 1, photo_memory]))
for name, content in hostile.many_parts():
    seconds, memory = min(measured(content) for _ in range(2))
    times = seconds / of_photo
    # Another program may have slowed these two runs down: again, in turns with the photo.
    for _ in range(10 if times > float(sys.argv[1]) else 0):
        times = min(times, measured(content)[0] / measured(photo)[0])
    print(json.dumps([name, len(content), times, memory]))
"""


@cache
def measurements() -> dict[str, tuple[int, float, int]]:
    """By name: the length, the time as a multiple of a photo's, and the memory. In a process of its
    own, with the memory of nothing else.
    """
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MEASURE, str(MOST_TIMES_A_PHOTO)],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    return {name: (length, times, memory) for name, length, times, memory in rows}


@pytest.mark.drill
def test_no_file_of_many_parts_costs_more_time_than_a_photo_of_its_size(
    report: Callable[[str], None],
) -> None:
    found = measurements()
    assert 6_000_000 < found["photo"][0] < 10_200_000
    slowest = max(found, key=lambda name: found[name][1])
    report(f"slowest is {slowest}: {found[slowest][1]:.2f} times a photo")
    assert [row for row in found.items() if row[1][1] > MOST_TIMES_A_PHOTO] == []


@pytest.mark.drill
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a peak that can be reset")
def test_no_file_of_many_parts_takes_memory_for_them() -> None:
    found = [row for row in measurements().items() if row[1][2] > MOST_MEMORY]
    assert [row for row in found if row[0] != "photo"] == []


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
    """A profile of 2 MB, a comment and Exif of full length, 64 scans; a PNG in small chunks."""
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
