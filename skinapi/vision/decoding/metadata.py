"""Reads of a picture's metadata how the camera was held and the ICC profile of its colours, and
nothing else.

Pillow would read every tag of the Exif data, of which 64 KB hold thousands.
Formats: Exif https://www.cipa.jp/std/documents/e/DC-008-2012_E.pdf (section 4.6), its values
https://exiftool.org/TagNames/EXIF.html (0x0112), profiles
https://www.color.org/specification/ICC.1-2022-05.pdf (annex B).
"""

import re
import struct
import zlib
from collections.abc import Iterable

from skinapi.vision.decoding.file_parts import Part

_TAG = 0x0112
_SHORT, _LONG = 3, 4
# Cameras write some dozens of tags.
MOST_TAGS = 1000
_EXIF = b"Exif\x00\x00"
_BYTE_ORDERS = {b"II*\x00": "<", b"MM\x00*": ">"}
_IN_XMP = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')
# Larger ones are not read. Those of printers, with tables for four inks, are the largest.
MOST_PROFILE_BYTES = 1024 * 1024
# So many bytes show that a profile was there, and that it is none.
_DAMAGED = b"damaged"
_JPEG_MARK = b"ICC_PROFILE\x00"
_MOST_PARTS = 255  # their number is one byte


def read_orientation(exif: bytes, xmp: bytes) -> int | None:
    """The orientation that the Exif data, or else the XMP packet, name, 1 to 8. None if they name
    none or are damaged: the pixels may still be good, so such a picture is used without turning it.
    """
    match = _IN_XMP.search(xmp)
    return _orientation_in_exif(exif) or (int(match[1]) if match else None)


def _orientation_in_exif(exif: bytes) -> int | None:
    data = exif.removeprefix(_EXIF)
    order = _BYTE_ORDERS.get(data[:4])
    if order is None:
        return None
    try:
        (first,) = struct.unpack_from(f"{order}I", data, 4)
        (tags,) = struct.unpack_from(f"{order}H", data, first)
        for number in range(min(tags, MOST_TAGS)):
            at = first + 2 + 12 * number
            tag, kind = struct.unpack_from(f"{order}HH", data, at)
            if tag == _TAG and kind in (_SHORT, _LONG):
                size = "H" if kind == _SHORT else "I"
                (value,) = struct.unpack_from(f"{order}{size}", data, at + 8)
                return int(value) if 1 <= value <= 8 else None
    except struct.error:
        return None
    return None


def jpeg_profile(content: bytes, segments: Iterable[Part]) -> bytes:
    """The parts in their order; each begins with its number, from 1, and how many there are."""
    marked = [segment for segment in segments if content.startswith(_JPEG_MARK, segment.body)]
    if not marked:
        return b""
    size = sum(segment.body_end - segment.body for segment in marked)
    if len(marked) > _MOST_PARTS or size > MOST_PROFILE_BYTES:
        return _DAMAGED
    begin = len(_JPEG_MARK)
    parts = sorted(content[segment.body + begin : segment.body_end] for segment in marked)
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
