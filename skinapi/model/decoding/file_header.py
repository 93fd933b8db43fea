"""Reads a picture's size, and the memory needed to decode it, from its header.

This happens before a decoder sees the file: opening a WebP already allocates its whole canvas.
Formats: JPEG https://www.w3.org/Graphics/JPEG/itu-t81.pdf (annex B), PNG
https://www.w3.org/TR/png-3/, WebP https://developers.google.com/speed/webp/docs/riff_container.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

from skinapi.model.decoding.file_parts import (
    START_OF_SCAN,
    Part,
    TooManySegments,
    jpeg_profile,
    jpeg_segments,
    png_chunks,
    png_profile,
    read_orientation,
    webp_chunks,
)
from skinapi.model.decoding.isolated_process import PROCESS_BYTES, TABLE_BYTES

PhotoFormat = Literal["JPEG", "PNG", "WEBP"]
FORMATS: tuple[PhotoFormat, ...] = get_args(PhotoFormat)

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_GREY, _PNG_PALETTE, _PNG_GREY_ALPHA = 0, 3, 4
# Apart from the data, only these chunks affect a PNG's pixels.
_PNG_NEEDED = (b"IHDR", b"PLTE", b"tRNS")
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_PNG_XMP = b"XML:com.adobe.xmp\x00\x00\x00"
_JPEG = b"\xff\xd8\xff"
# Markers of JPEG frames. All others (lossless, hierarchical, arithmetic coding) are refused. No
# camera or browser writes arithmetic coding, and 200 bytes of it keep a decoder busy for seconds.
_SEQUENTIAL, _PROGRESSIVE = (0xC0, 0xC1), (0xC2,)
_OTHER_FRAMES = (0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
_APPLICATION, _COMMENT, _EXIF_OR_XMP, _ICC = range(0xE0, 0xF0), 0xFE, 0xE1, 0xE2
# A lossy picture has lossless transparency, and a frame may be of either kind.
_WEBP_LOSSLESS = (b"VP8L", b"ALPH", b"ANMF")
# Two application segments define the colours of components: JFIF (APP0) and Adobe (APP14).
_COLOUR_SEGMENTS = {0xE0: b"JFIF", 0xEE: b"Adobe"}
_EXIF, _XMP = b"Exif\x00\x00", b"http://ns.adobe.com/xap/1.0/\x00"
# Each scan costs the file a few bytes and the decoder one more pass over the whole picture.
MOST_SCANS = 64
# The tables and the frame of a JPEG have about 1 KB.
_LARGEST_HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Header:
    """What decoding a picture needs. `parts` is the part of the file for the decoder, without
    metadata, which Pillow would read. The size is as stored, before applying `orientation` (1 to 8,
    as in Exif).

    `decoded` is the output in bytes per pixel, `held` is what the decoder needs in addition, and
    `fixed` is independent of the size. `scaled`: it can be decoded at a half, a quarter or an
    eighth. `scans` is the number of passes over a JPEG (above the limit, a lower bound).
    `isolated`: its memory depends on the compressed data, so it runs in a limited process.
    `components` of a JPEG: 1 (grey), 3 (colour) or 4 (print). `grey`: a pixel is one value, not a
    palette index. `profile`: ICC, possibly incomplete.
    """

    format: PhotoFormat
    width: int
    height: int
    decoded: int
    held: float
    fixed: int = 0
    scaled: bool = False
    scans: int = 1
    moving: bool = False
    isolated: bool = False
    components: int = 0
    grey: bool = False
    profile: bytes = field(default=b"", repr=False)
    orientation: int | None = None
    parts: tuple[memoryview, ...] = field(default=(), repr=False)

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height

    def file(self) -> bytes | memoryview:
        return self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)


def read_header(content: bytes) -> Header:
    """Read the header of a JPEG, PNG or WebP. Raises ValueError for other content, a truncated
    header, or a size of zero.
    """
    try:
        if content.startswith(_JPEG):
            header = _jpeg(content)
        elif content.startswith(_PNG):
            header = _png(content)
        elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            header = _webp(content)
        else:
            raise ValueError("no JPEG, PNG or WebP")
    except (struct.error, IndexError) as error:
        raise ValueError("cut off in its header") from error
    if not all(header.size):
        raise ValueError("a picture of no size")
    return header


def _png(content: bytes) -> Header:
    if content[12:16] != b"IHDR":
        raise ValueError("a PNG without a header")
    width, height, depth, kind = struct.unpack_from(">IIBB", content, 16)
    one_value = kind in (_PNG_GREY, _PNG_PALETTE)
    chunks = list(png_chunks(content))
    frames = _first(content, chunks, b"acTL")
    exif = _first(content, chunks, b"eXIf")
    return Header(
        "PNG",
        width,
        height,
        decoded=max(1, depth // 8) if one_value else 4,
        held=0,
        moving=int.from_bytes(frames[:4]) > 1,
        orientation=read_orientation(exif, _first(content, chunks, b"iTXt", _PNG_XMP)),
        grey=kind in (_PNG_GREY, _PNG_GREY_ALPHA),
        profile=png_profile(_first(content, chunks, b"iCCP")),
        parts=_png_parts(content, chunks),
    )


def _png_parts(content: bytes, chunks: list[Part]) -> tuple[memoryview, ...]:
    """The required chunks, then the first run of data chunks: no decoder reads more."""
    head, first, last = [memoryview(_PNG)], None, None
    for chunk in chunks:
        if chunk.kind == b"IDAT":
            first, last = first or chunk, chunk
        elif first:
            break
        elif chunk.kind in _PNG_NEEDED:
            head.append(memoryview(content)[chunk.start : chunk.end])
    if first is None or last is None:
        raise ValueError("a PNG without data")
    data = memoryview(content)[first.start : last.end]
    # After truncated data, the decoder would read an end marker as data.
    end = [memoryview(_PNG_END)] if last.end <= len(content) else []
    return (*head, data, *end)


def _webp(content: bytes) -> Header:
    """libwebp holds the canvas twice and returns a copy, and Pillow copies that once more."""
    chunk, body = content[12:16], content[20:30]
    if len(body) < 10:
        raise ValueError("cut off in its header")
    moving = False
    if chunk == b"VP8X":
        width, height = _number(body[4:7]) + 1, _number(body[7:10]) + 1
        moving = bool(body[0] & 0x02)
    elif chunk == b"VP8L":
        sizes = _number(body[1:5])
        width, height = (sizes & 0x3FFF) + 1, (sizes >> 14 & 0x3FFF) + 1
    elif chunk == b"VP8 ":
        width, height = _number(body[6:8]) & 0x3FFF, _number(body[8:10]) & 0x3FFF
    else:
        raise ValueError("an unknown kind of WebP")
    chunks = list(webp_chunks(content))
    lossless = any(chunk.kind in _WEBP_LOSSLESS for chunk in chunks)
    exif, xmp = _first(content, chunks, b"EXIF"), _first(content, chunks, b"XMP ")
    return Header(
        "WEBP",
        width,
        height,
        decoded=4,
        held=12,
        fixed=PROCESS_BYTES + TABLE_BYTES + len(content) if lossless else 0,
        isolated=lossless,
        moving=moving,
        orientation=read_orientation(exif, xmp),
        profile=_first(content, chunks, b"ICCP"),
        parts=(memoryview(content),),
    )


def _jpeg(content: bytes) -> Header:
    """If a scan lacks some components, the decoder keeps all coefficients in memory, two bytes
    each, even if the file is not marked as progressive.
    """
    segments = _jpeg_segments(content)
    scans = [segment for segment in segments if segment.kind == START_OF_SCAN]
    if not scans:
        raise ValueError("cut off in its header")
    before = segments[: segments.index(scans[0])]
    if any(segment.kind in _OTHER_FRAMES for segment in before):
        raise ValueError("a kind of JPEG that no camera makes")
    frames = [segment for segment in before if segment.kind in (*_SEQUENTIAL, *_PROGRESSIVE)]
    if not frames:
        raise ValueError("a scan without a frame")
    frame = frames[-1]
    body = content[frame.body : frame.body_end]
    _, height, width, components = struct.unpack_from(">BHHB", body)
    collected = frame.kind in _PROGRESSIVE or content[scans[0].body] < components
    exif = _first(content, before, _EXIF_OR_XMP, _EXIF)
    return Header(
        "JPEG",
        width,
        height,
        decoded=1 if components == 1 else 4,
        held=2 * _samples(body, components) if collected else 0,
        scaled=True,
        scans=len(scans) if collected else 1,
        components=components,
        grey=components == 1,
        profile=jpeg_profile(content, [segment for segment in before if segment.kind == _ICC]),
        orientation=read_orientation(exif, _first(content, before, _EXIF_OR_XMP, _XMP)),
        parts=_jpeg_parts(content, before, scans[0].start),
    )


def _jpeg_segments(content: bytes) -> list[Part]:
    """If there are too many segments but also too many scans, the limit of scans is the better
    error.
    """
    try:
        return jpeg_segments(content)
    except TooManySegments as error:
        if sum(segment.kind == START_OF_SCAN for segment in error.read) <= MOST_SCANS:
            raise
        return error.read


def _jpeg_parts(content: bytes, before: list[Part], data: int) -> tuple[memoryview, ...]:
    needed = [part for part in before if _is_needed(content, part)]
    if sum(part.end - part.start for part in needed) > _LARGEST_HEAD:
        raise ValueError("larger tables than any camera writes")
    whole = memoryview(content)
    parts = whole[:2], *(whole[part.start : part.end] for part in needed), whole[data:]
    return (whole,) if sum(map(len, parts)) == len(whole) else parts


def _is_needed(content: bytes, segment: Part) -> bool:
    if segment.kind in _COLOUR_SEGMENTS:
        return content.startswith(_COLOUR_SEGMENTS[segment.kind], segment.body)
    return segment.kind not in _APPLICATION and segment.kind != _COMMENT


def _first(content: bytes, parts: Iterable[Part], kind: int | bytes, begin: bytes = b"") -> bytes:
    for part in parts:
        if part.kind == kind and content.startswith(begin, part.body):
            return content[part.body : part.body_end]
    return b""


def _samples(frame: bytes, components: int) -> float:
    """The number of values per pixel with this chroma subsampling: 3 without it, 1.5 if colour has
    half the resolution in both directions, as in most cameras.
    """
    factors = [divmod(frame[7 + 3 * number], 16) for number in range(components)]
    if not all(across and down for across, down in factors):
        raise ValueError("a component of no size")
    most_across, most_down = (max(sizes) for sizes in zip(*factors, strict=True))
    return float(sum(across * down for across, down in factors) / (most_across * most_down))


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")
