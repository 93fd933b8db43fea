"""Walks the parts of a picture file (the segments of a JPEG, the chunks of a PNG or WebP) without
decoding any of them, and stops at a file of more parts than any camera or program writes.

A part can be as small as two bytes, and each costs time and memory in every parser that meets it:
an upload of 10 MB has room for 2.4 million of them. So nothing else may walk a file before this.
"""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

# A JPEG of 10 MB whose metadata fills whole segments of 64 KB has about 160 of them; a progressive
# one has a few for each of its scans.
MOST_SEGMENTS = 1000
# Bytes between segments that belong to none: cameras write few or none of them.
MOST_STRAY_BYTES = 64 * 1024
# 10 MB in chunks of 1 KB. Most programs write chunks of 8 KB or larger, some of 4 KB.
MOST_CHUNKS = 10_000

START_OF_SCAN = 0xDA
_START, _END = 0xD8, 0xD9
# Markers that stand alone, without a length and a body: TEM, RST0 to RST7, SOI.
_WITHOUT_LENGTH = (0x01, *range(0xD0, 0xD9))
# 0xFF before a marker may be repeated ("fill"). In the data of a scan, 0xFF 0x00 is a value of 0xFF
# and RST0 to RST7 belong to the data.
_MARKER = re.compile(rb"\xff[^\x00\xff]")
_AFTER_DATA = re.compile(rb"\xff[^\x00\xd0-\xd7]")
_NO_FILL = re.compile(rb"[^\xff]")
_STRAY = "more bytes outside of segments than any camera writes"
_PNG_HEAD, _WEBP_HEAD = 8, 12


class TooManySegments(ValueError):
    """`read` are those that were read until then."""

    def __init__(self, read: list["Part"]) -> None:
        self.read = read
        super().__init__("more segments than any camera writes")


class Part(NamedTuple):
    """A segment or a chunk. `kind` is a JPEG's marker or a chunk's name of four bytes; `body` and
    `body_end` say where its content is, `start` and `end` where it is with all that belongs to it.
    """

    kind: int | bytes
    start: int
    body: int
    body_end: int
    end: int


def jpeg_segments(content: bytes) -> list[Part]:
    """The segments of a JPEG that have a length, up to its end, without those that stand alone.

    Raises TooManySegments, ValueError for too many bytes between them, and struct.error for one
    that is cut off.
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
    """The chunks of a PNG, up to its end; the last may be cut off.

    Raises ValueError for too many.
    """
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
    """The chunks of a WebP; the last may be cut off. Raises ValueError for too many."""
    at = _WEBP_HEAD
    for _ in range(MOST_SEGMENTS):
        if at + 8 > len(content):
            return
        name, length = struct.unpack_from("<4sI", content, at)
        end = at + 8 + length
        yield Part(name, at, at + 8, end, end + length % 2)
        at = end + length % 2
    raise ValueError("more chunks than any program writes")
