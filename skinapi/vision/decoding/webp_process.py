"""Decodes a lossless WebP in a process of its own, whose memory the system limits.

A lossless WebP of 300 KB can make its decoder build 370 MB of tables, and how many it will build
stands deep in the compressed data: no check of the header can know. So the system's limit decides.
Run as a program, this module is that process. It imports little besides Pillow, to start quickly.
"""

import io
import struct
import sys

from PIL import Image

from skinapi.vision.decoding.isolated_process import limit_this_process, run_isolated
from skinapi.vision.decoding.rgb_conversion import rgb_bands

# What Python, Pillow and the stacks of its threads take beside the picture (measured: 16 MB).
PROCESS_BYTES = 18_000_000
# The reference encoder makes at most 2,600 groups of tables, of 6 KB each.
TABLE_BYTES = 16_000_000
_SIZE = struct.Struct(">II")


def decode_webp(content: bytes, *, size: tuple[int, int], factor: int, memory: int) -> Image.Image:
    """The pixels as RGB, with both sides divided by `factor`. Raises ValueError for a file that
    cannot be decoded within `memory` bytes, or has another size than this, and Unavailable where
    this machine is at fault.
    """
    width, height = (-(-side // factor) for side in size)
    done = run_isolated("skinapi.vision.decoding.webp_process", content, factor, memory)
    pixels = memoryview(done)[_SIZE.size :]
    if done[: _SIZE.size] != _SIZE.pack(*size) or len(pixels) != 3 * width * height:
        raise ValueError("two headers that contradict each other")
    return Image.frombytes("RGB", (width, height), pixels)


def _main(factor: int, memory: int) -> None:
    limit_this_process(memory)
    picture = Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=("WEBP",))
    if getattr(picture, "is_animated", False):
        raise ValueError("animated, although its header does not say so")
    sys.stdout.buffer.write(_SIZE.pack(*picture.size))
    for band in rgb_bands(picture, factor):
        sys.stdout.buffer.write(band.tobytes())


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]))
