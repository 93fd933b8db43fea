"""Walks the parts of a picture file (segments of a JPEG, chunks of a PNG or WebP) without decoding
them, and refuses a file with more parts than any real one.

A part can be as small as two bytes, and costs time and memory in every parser: an upload of 10 MB
has room for 2.4 million. So this must run before any other parser. Only the orientation and the ICC
profile are read from the metadata: Pillow would read every Exif tag, and 64 KB can hold thousands.

Formats: Exif https://www.cipa.jp/std/documents/e/DC-008-2012_E.pdf (section 4.6), its values
https://exiftool.org/TagNames/EXIF.html (0x0112), profiles
https://www.color.org/specification/ICC.1-2022-05.pdf (annex B).
"""

import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

# A JPEG of 10 MB whose metadata fills whole segments of 64 KB has about 160 of them; a progressive
# one has a few for each of its scans.
MOST_SEGMENTS = 1000
# Bytes between segments: cameras write few or none.
MOST_STRAY_BYTES = 64 * 1024
# 10 MB in chunks of 1 KB. Most programs write chunks of 8 KB or larger, some of 4 KB.
MOST_CHUNKS = 10_000

START_OF_SCAN = 0xDA
_END = 0xD9
# Markers without a length and a body: TEM, RST0 to RST7, SOI.
_WITHOUT_LENGTH = (0x01, *range(0xD0, 0xD9))
# 0xFF before a marker may be repeated ("fill"). In the data of a scan, 0xFF 0x00 is a value of 0xFF
# and RST0 to RST7 belong to the data.
_MARKER = re.compile(rb"\xff[^\x00\xff]")
_AFTER_DATA = re.compile(rb"\xff[^\x00\xd0-\xd7]")
_NO_FILL = re.compile(rb"[^\xff]")
_STRAY = "more bytes outside of segments than any camera writes"
_PNG_HEAD, _WEBP_HEAD = 8, 12


class TooManySegments(ValueError):
    def __init__(self, read: list["Part"]) -> None:
        self.read = read
        super().__init__("more segments than any camera writes")


class Part(NamedTuple):
    """A segment or a chunk. `kind` is a JPEG's marker or a chunk's name of four bytes. The content
    is from `body` to `body_end`, and the whole part from `start` to `end`.
    """

    kind: int | bytes
    start: int
    body: int
    body_end: int
    end: int


def jpeg_segments(content: bytes) -> list[Part]:
    """The segments with a length, up to the picture's end. Raises TooManySegments, ValueError for
    too many bytes between them, and struct.error for a truncated one.
    """
    segments: list[Part] = []
    at, stray, in_data = 2, 0, False
    for _ in range(MOST_SEGMENTS):
        if in_data:
            match = _AFTER_DATA.search(content, at)
        else:
            match = _MARKER.search(content, at, at + MOST_STRAY_BYTES + 2)
            if not match and at + MOST_STRAY_BYTES + 2 < len(content):
                raise ValueError(_STRAY)
        if not match:
            return segments
        start, marker = match.start(), content[match.start() + 1]
        if in_data and marker == 0xFF:
            end_of_fill = _NO_FILL.search(content, start, start + MOST_STRAY_BYTES + 2)
            at = end_of_fill.start() - 1 if end_of_fill else start + MOST_STRAY_BYTES + 2
            stray += at - start
        else:
            stray += 0 if in_data else start - at
            at, in_data = start + 2, False
            if marker == _END:
                return segments
            if marker not in _WITHOUT_LENGTH:
                (length,) = struct.unpack_from(">H", content, at)
                if length < 2:
                    raise ValueError("a segment that is shorter than its length")
                at += length
                segments.append(Part(marker, start, start + 4, at, at))
                in_data = marker == START_OF_SCAN
        if stray > MOST_STRAY_BYTES:
            raise ValueError(_STRAY)
    raise TooManySegments(segments)


def png_chunks(content: bytes) -> Iterator[Part]:
    at = _PNG_HEAD
    for _ in range(MOST_CHUNKS):
        if at + 8 > len(content):
            return
        length, name = struct.unpack_from(">I4s", content, at)
        end = at + 12 + length
        yield Part(name, at, at + 8, end - 4, end)
        if name == b"IEND":
            return
        at = end
    raise ValueError("more chunks than any program writes")


def webp_chunks(content: bytes) -> Iterator[Part]:
    at = _WEBP_HEAD
    for _ in range(MOST_SEGMENTS):
        if at + 8 > len(content):
            return
        name, length = struct.unpack_from("<4sI", content, at)
        end = at + 8 + length
        yield Part(name, at, at + 8, end, end + length % 2)
        at = end + length % 2
    raise ValueError("more chunks than any program writes")


_TAG = 0x0112
_SHORT, _LONG = 3, 4
# Cameras write some dozens of tags.
MOST_TAGS = 1000
_EXIF = b"Exif\x00\x00"
_BYTE_ORDERS = {b"II*\x00": "<", b"MM\x00*": ">"}
_IN_XMP = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')
# Larger ones are ignored. The largest are those of printers, with tables for four inks.
MOST_PROFILE_BYTES = 1024 * 1024
# Enough bytes to show that there was a profile, and that it is invalid.
_DAMAGED = b"damaged"
_JPEG_MARK = b"ICC_PROFILE\x00"
_MOST_PARTS = 255  # their number is one byte


def read_orientation(exif: bytes, xmp: bytes) -> int | None:
    """The orientation (1 to 8) from the Exif data, or else from the XMP packet. None if it is
    missing or damaged: the pixels may still be good, so the picture is used as it is.
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
    if not chunk:
        return b""
    _, _, packed = chunk.partition(b"\x00")
    try:
        return zlib.decompressobj().decompress(packed[1:], MOST_PROFILE_BYTES + 1) or _DAMAGED
    except zlib.error:
        return _DAMAGED
