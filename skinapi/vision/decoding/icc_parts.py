"""Collects the ICC profile of a picture's colours from the parts of its file.

How a profile is embedded: https://www.color.org/specification/ICC.1-2022-05.pdf (annex B).
"""

import zlib
from collections.abc import Iterable

from skinapi.vision.decoding.file_parts import Part

# Larger ones are not read. Those of printers, with tables for four inks, are the largest.
MOST_PROFILE_BYTES = 1024 * 1024
# So many bytes show that a profile was there, and that it is none.
_DAMAGED = b"damaged"
_JPEG_MARK = b"ICC_PROFILE\x00"
_MOST_PARTS = 255  # their number is one byte


def jpeg_profile(content: bytes, segments: Iterable[Part]) -> bytes:
    """The parts in their order; each begins with its number, from 1, and how many there are."""
    found = [one for one in segments if content.startswith(_JPEG_MARK, one.body)]
    if not found:
        return b""
    size = sum(one.body_end - one.body for one in found)
    if len(found) > _MOST_PARTS or size > MOST_PROFILE_BYTES:
        return _DAMAGED
    parts = sorted(content[one.body + len(_JPEG_MARK) : one.body_end] for one in found)
    numbers = [bytes([number, len(parts)]) for number in range(1, len(parts) + 1)]
    if [part[:2] for part in parts] != numbers:
        return _DAMAGED
    return b"".join(part[2:] for part in parts) or _DAMAGED


def png_profile(chunk: bytes) -> bytes:
    """The profile behind its name, unpacked as far as it may be long."""
    if not chunk:
        return b""
    _, _, packed = chunk.partition(b"\x00")
    try:
        return zlib.decompressobj().decompress(packed[1:], MOST_PROFILE_BYTES + 1) or _DAMAGED
    except zlib.error:
        return _DAMAGED
