"""Runs a module of ours on hostile bytes in a process of its own, whose memory and time the system
limits: what it does with them may depend on data that no check can foresee.

Run as a program, this module decodes a lossless WebP. A file of 300 KB can make that decoder build
370 MB of tables, and how many it will build stands deep in the compressed data. It imports little
besides Pillow, to start quickly. Colour profiles are read in the same way (colour_profiles.py).
"""

import io
import resource
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path

from PIL import Image

from skinapi.base.errors import Unavailable
from skinapi.model.decoding.rgb_conversion import rgb_bands

CPU_SECONDS, MOST_SECONDS = 2, 20
# Its memory comes on top of what the decoder of this process may use.
_ONE_AT_A_TIME = threading.Lock()
_ROOT = Path(__file__).parents[3]


def run_isolated(module: str, content: bytes | memoryview, *numbers: int) -> bytes:
    """What the module writes when it reads this content. Raises ValueError where it fails, and
    Unavailable where this machine is at fault.
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
                env={},  # no secret of this server reaches it
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable from error
    except subprocess.CalledProcessError as error:
        if error.returncode == -signal.SIGKILL:  # by the system, when memory runs out
            raise Unavailable from error
        raise ValueError("the process did not finish") from error
    return done.stdout


def limit_this_process(memory: int, *, seconds: int = CPU_SECONDS) -> None:
    """To be called by the module before it reads its input."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    # The first limit ends the process by SIGXCPU; at the second it would be SIGKILL.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


# What Python, Pillow and the stacks of its threads take beside the picture (measured: 16 MB).
PROCESS_BYTES = 18_000_000
# The reference encoder makes at most 2,600 groups of tables, of 6 KB each.
TABLE_BYTES = 16_000_000
_SIZE = struct.Struct(">II")


def decode_webp(
    content: bytes | memoryview, *, size: tuple[int, int], factor: int, memory: int
) -> Image.Image:
    """The pixels as RGB, with both sides divided by `factor`. Raises ValueError for a file that
    cannot be decoded within `memory` bytes, or has another size than this, and Unavailable where
    this machine is at fault.
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
