"""Runs one of our modules on hostile bytes in a separate process with limited memory and time,
because its cost may depend on data that no check can foresee.

Run as a program, this module decodes a lossless WebP: a file of 300 KB can make that decoder build
370 MB of tables, and the number of tables is deep in the compressed data. To start quickly it
imports little except Pillow, so its conversion to RGB is defined here too.
"""

import io
import resource
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from skinapi.base.errors import Unavailable

# Colours are converted in bands of about this many pixels: converting the whole picture at once
# would hold several copies of it in memory.
BAND_PIXELS = 256 * 1024
LARGEST_FACTOR = 8


def to_rgb(picture: Image.Image, factor: int) -> Image.Image:
    picture.load()
    width, height = picture.size
    pixels = Image.new("RGB", (-(-width // factor), -(-height // factor)), None)
    top = 0
    for band in rgb_bands(picture, factor):
        pixels.paste(band, (0, top))
        top += band.height
    return pixels


def rgb_bands(picture: Image.Image, factor: int) -> Iterator[Image.Image]:
    picture.load()
    convert = _conversion_of(picture)
    width, height = picture.size
    # A multiple of every factor, so that no cell of the reduced picture is split.
    rows = LARGEST_FACTOR * max(1, BAND_PIXELS // (LARGEST_FACTOR * width))
    if height <= rows:
        yield convert(picture, factor)
        return
    for top in range(0, height, rows):
        yield convert(picture.crop((0, top, width, min(top + rows, height))), factor)


def _conversion_of(picture: Image.Image) -> Callable[[Image.Image, int], Image.Image]:
    if picture.mode.startswith("I"):
        return _from_sixteen_bits
    if picture.has_transparency_data:
        return _over_white
    if picture.mode in ("1", "P"):
        return lambda band, factor: band.convert("RGB").reduce(factor)
    return lambda band, factor: as_rgb(band.reduce(factor) if factor > 1 else band)


def _from_sixteen_bits(band: Image.Image, factor: int) -> Image.Image:
    """Keep the upper eight bits. Pillow's own conversion would clip all values above 255."""
    upper = band.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return upper.reduce(factor).convert("RGB")


def _over_white(band: Image.Image, factor: int) -> Image.Image:
    seen = band.convert("RGBA").reduce(factor)
    white = Image.new("RGBA", seen.size, "white")
    return Image.alpha_composite(white, seen).convert("RGB")


def as_rgb(picture: Image.Image) -> Image.Image:
    """Returns the same object if it is RGB already, to avoid the copy that `convert` makes."""
    return picture if picture.mode == "RGB" else picture.convert("RGB")


CPU_SECONDS, MOST_SECONDS = 2, 20
# Its memory is in addition to that of the decoder in this process.
_ONE_AT_A_TIME = threading.Lock()
_ROOT = Path(__file__).parents[3]


def run_isolated(module: str, content: bytes | memoryview, *numbers: int) -> bytes:
    """The output of the module for this content. Raises ValueError if it fails, and Unavailable if
    this machine is the cause.
    """
    try:
        with _ONE_AT_A_TIME:
            done = subprocess.run(  # noqa: S603 (our own module, with numbers)
                [sys.executable, "-m", module, *map(str, numbers)],
                input=content,
                capture_output=True,
                check=True,
                timeout=MOST_SECONDS,
                cwd=_ROOT,
                env={},  # keeps this server's secrets from it
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable from error
    except subprocess.CalledProcessError as error:
        if error.returncode == -signal.SIGKILL:  # the system ran out of memory
            raise Unavailable from error
        raise ValueError("the process did not finish") from error
    return done.stdout


def limit_this_process(memory: int, *, seconds: int = CPU_SECONDS) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    # The first limit ends the process by SIGXCPU; at the second it would be SIGKILL.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


# The memory of Python, Pillow and thread stacks without the picture (measured: 16 MB).
PROCESS_BYTES = 18_000_000
# The reference encoder makes at most 2,600 groups of tables, of 6 KB each.
TABLE_BYTES = 16_000_000
_SIZE = struct.Struct(">II")


def decode_webp(
    content: bytes | memoryview, *, size: tuple[int, int], factor: int, memory: int
) -> Image.Image:
    """The pixels as RGB, with both sides divided by `factor`. Raises ValueError if the file cannot
    be decoded within `memory` bytes or has another size, and Unavailable if this machine is the
    cause.
    """
    width, height = (-(-side // factor) for side in size)
    done = run_isolated("skinapi.model.decoding.isolated_process", content, factor, memory)
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
