import io
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from skinapi.base.errors import Refused
from skinapi.model.decoding.file_header import read_header
from skinapi.model.decoding.photo import (
    MOST_BYTES,
    STORED_SIDE,
    DecodingMemory,
    bytes_needed,
    read_photo,
    reencode_for_storage,
)
from tests.model.decoding import hostile
from tests.model.photos import encoded, skin_with_spot

# The allocator's own, and a band in each of the copies that converting its colours makes.
SLACK = 12_000_000


@pytest.mark.parametrize("name", hostile.valid())
def test_a_header_tells_the_size_that_is_decoded(name: str) -> None:
    content = hostile.valid()[name]
    header = read_header(content)
    assert header.size == Image.open(io.BytesIO(content)).size


@pytest.mark.parametrize(
    ("content", "reason", "says"),
    [
        (
            hostile.png(1, 16_000_000),
            "too_large",
            "1 × 16000000 pixels. Each side must be between 128 and 12000 pixels",
        ),
        (hostile.jpeg_of(12_001, 300, progressive=False), "too_large", "12001 × 300 pixels"),
        (
            hostile.jpeg_of(9_000, 7_200, progressive=False),
            "too_large",
            "and the whole at most 64 million pixels",
        ),
        (
            hostile.png(6_000, 4_000),
            "too_much_memory",
            "takes 120 MB of memory to open; at most 88",
        ),
        (hostile.jpeg_of(7_000, 7_000, progressive=True), "too_much_memory", "at most 88 MB"),
        (
            hostile.in_several_scans(hostile.jpeg_of(7_000, 7_000, progressive=False)),
            "too_much_memory",
            "at most 88 MB",
        ),
        (dict(hostile.bombs())["five thousand scans"], "too_many_scans", "scans; at most 64 are"),
        (dict(hostile.moving())["moving WEBP"], "moving", "more than one picture"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,
)
def test_a_refusal_names_the_bound(content: bytes, reason: str, says: str) -> None:
    for use in (read_photo, reencode_for_storage):
        with pytest.raises(Refused) as caught:
            use(content)
        assert caught.value.reason == reason
        assert says in caught.value.detail


@pytest.mark.parametrize(
    "content",
    [
        hostile.jpeg_of(8_064, 6_048, progressive=False),
        hostile.jpeg_of(4_032, 3_024, progressive=True),
        hostile.png(4_000, 4_000, kind=6),
    ],
    ids=lambda content: str(read_header(content)),
)
def test_what_a_camera_or_its_program_makes_is_within_the_bounds(content: bytes) -> None:
    header = read_header(content)
    for needed in ((448, 448), (STORED_SIDE, STORED_SIDE * 3 // 4)):
        assert bytes_needed(header, needed) <= MOST_BYTES


def test_the_transparency_of_a_lossy_webp_is_decoded_in_a_process_with_a_limit() -> None:
    picture = skin_with_spot((160, 128))
    picture.putalpha(picture.convert("L"))
    content = encoded(picture, "WEBP")
    assert b"ALPH" in content
    assert read_header(content).isolated


MEASURE = """
import json, pathlib, sys
from skinapi.model.decoding.photo import bytes_needed
from skinapi.model.decoding.file_header import read_header
from skinapi.model.decoding.photo import read_photo, reencode_for_storage, stored_size
from tests.model.decoding import hostile

def peak():
    rows = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(row.split()[1]) * 1024 for row in rows if row.startswith("VmHWM"))

def held():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096

for content in hostile.valid().values():
    reencode_for_storage(content)
for name, content in hostile.greedy():
    header = read_header(content)
    stored = stored_size(header.size)
    for use, needed in ((read_photo, (448, 448)), (reencode_for_storage, stored)):
        pathlib.Path("/proc/self/clear_refs").write_text("5")
        before = held()
        use(content)
        print(json.dumps([name, use.__name__, peak() - before, bytes_needed(header, needed)]))
"""


@pytest.mark.drill
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a peak that can be reset")
def test_decoding_takes_no_more_memory_than_the_header_tells() -> None:
    """A process of its own measures the memory without anything else."""
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MEASURE], capture_output=True, text=True, check=True
    )
    measured = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(measured) == 2 * len({name for name, *_ in measured}) >= 20
    assert [row for row in measured if row[2] > row[3] + SLACK] == []
    assert max(row[3] for row in measured) > 0.9 * MOST_BYTES


def test_all_decoding_together_takes_no_more_than_there_is_and_nobody_waits_for_ever() -> None:
    memory, lock = DecodingMemory(100), threading.Lock()
    taken, most = 0, 0

    def decode(size: int) -> None:
        nonlocal taken, most
        with memory.reserved(size):
            with lock:
                taken += size
                most = max(most, taken)
            with lock:
                taken -= size

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(decode, [100, 1, 60, 30, 50] * 40))
    assert 0 < most <= 100
    with memory.reserved(100):
        pass
