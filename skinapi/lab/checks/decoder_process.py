"""Decodes the pictures of data sets, one after the other, in a process of its own.

It runs with low priority, so that thousands of pictures do not slow down predictions, and under
limits of the system, so that a hostile picture ends this process and not the server. Run as a
program it reads a path from each line of its input, and writes one line of JSON for each.
"""

import base64
import hashlib
import json
import os
import resource
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

from PIL import Image

from skinapi.base.errors import Refused, Unavailable
from skinapi.model.decoding.photo import read_photo, shrink_to_thumbnail

NICENESS = 10
# One picture takes at most 88 MB (model/decoding/photo.py), Python and its libraries 100.
MOST_MEMORY = 400 * 1024 * 1024
# Of the perceptual hash.
WIDTH, HEIGHT = 9, 8


def decode(content: bytes) -> dict[str, Any]:
    """Size, format, hashes and thumbnail of a picture, or `fault`: why it cannot be used."""
    try:
        photo = read_photo(content)
    except Refused as refused:
        return {"fault": refused.detail}
    except Unavailable:
        return {"fault": "could not be decoded in time"}
    return {
        "sha256": hashlib.sha256(content).hexdigest(),
        "dhash": f"{difference_hash(photo.pixels):016x}",
        "width": photo.width,
        "height": photo.height,
        "format": photo.format,
        "thumbnail": base64.b64encode(shrink_to_thumbnail(photo.pixels)).decode(),
    }


def _main() -> None:
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        answer = decode(Path(line.rstrip("\n")).read_bytes())
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def difference_hash(pixels: Image.Image) -> int:
    """A perceptual hash, by which copies of a picture are found that were scaled or compressed
    again: for each of 64 places, the first row in the highest bits, whether it is brighter than its
    left neighbour. Turned and mirrored copies have another hash.
    """
    small = pixels.convert("L").resize((WIDTH, HEIGHT), Image.Resampling.BOX).tobytes()
    bits = 0
    for row in range(HEIGHT):
        line = small[row * WIDTH : (row + 1) * WIDTH]
        for left, right in pairwise(line):
            bits = bits << 1 | (right > left)
    return bits


if __name__ == "__main__":
    _main()
