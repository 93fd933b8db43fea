"""Reads from a picture's header its size and the memory that decoding it takes.

This happens before a decoder sees the file: opening a WebP already allocates its whole canvas.
Formats: JPEG https://www.w3.org/Graphics/JPEG/itu-t81.pdf (annex B), PNG
https://www.w3.org/TR/png-3/, WebP https://developers.google.com/speed/webp/docs/riff_container.
"""

import struct
from dataclasses import dataclass

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_GREY, _PNG_PALETTE = 0, 3
_JPEG = b"\xff\xd8\xff"
# Markers of JPEG frames. All others (lossless, hierarchical) are refused.
_SEQUENTIAL, _PROGRESSIVE = (0xC0, 0xC1, 0xC9), (0xC2, 0xCA)
_OTHER_FRAMES = (0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF)
# Markers that stand alone, without a length and a body: TEM, RST0 to RST7, SOI.
_WITHOUT_LENGTH = (0x01, *range(0xD0, 0xD9))
_START_OF_SCAN = 0xDA
_END = 0xD9


@dataclass(frozen=True, slots=True)
class Header:
    """The size of a picture and what decoding it takes. The size is that of the file, not turned
    upright.

    `decoded`: bytes per pixel of the decoder's output. `held`: bytes that the decoder holds in
    addition, for each pixel of the whole picture. `scaled`: it can be decoded at a half, a quarter
    or an eighth. `scans`: in how many passes over the picture a JPEG is decoded; 1 if the decoder
    need not hold the picture for them. `moving`: the file is animated.
    """

    width: int
    height: int
    decoded: int
    held: float
    scaled: bool = False
    scans: int = 1
    moving: bool = False


def read_header(content: bytes) -> Header:
    """Read the header of a JPEG, PNG or WebP. Raises ValueError for another format, for a file that
    is cut off in its header and for a width or height of zero.
    """
    try:
        header = _read(content)
    except (struct.error, IndexError) as error:
        raise ValueError("cut off in its header") from error
    if not header.width or not header.height:
        raise ValueError("a picture of no size")
    return header


def _read(content: bytes) -> Header:
    if content.startswith(_JPEG):
        return _jpeg(content)
    if content.startswith(_PNG):
        return _png(content)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return _webp(content)
    raise ValueError("no JPEG, PNG or WebP")


def _png(content: bytes) -> Header:
    if content[12:16] != b"IHDR":
        raise ValueError("a PNG without a header")
    width, height, depth, kind = struct.unpack_from(">IIBB", content, 16)
    one_value = kind in (_PNG_GREY, _PNG_PALETTE)
    return Header(width, height, decoded=max(1, depth // 8) if one_value else 4, held=0)


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
    return Header(width, height, decoded=4, held=12, moving=moving)


def _jpeg(content: bytes) -> Header:
    """If a scan of a JPEG does not hold all components, the decoder collects all coefficients in
    memory, two bytes each, whether the file calls itself progressive or not.
    """
    frame: tuple[int, bytes] | None = None
    at = 2
    while True:
        at = content.index(0xFF, at)
        while content[at] == 0xFF:
            at += 1
        marker = content[at]
        at += 1
        if marker in (0, *_WITHOUT_LENGTH):
            continue
        if marker in (_END, *_OTHER_FRAMES):
            raise ValueError("a kind of JPEG that no camera makes")
        (length,) = struct.unpack_from(">H", content, at)
        if marker in (*_SEQUENTIAL, *_PROGRESSIVE):
            frame = marker, content[at + 2 : at + length]
        elif marker == _START_OF_SCAN:
            break
        at += max(2, length)
    if frame is None:
        raise ValueError("a scan without a frame")
    kind, body = frame
    _, height, width, components = struct.unpack_from(">BHHB", body)
    collected = kind in _PROGRESSIVE or content[at + 2] < components
    return Header(
        width,
        height,
        decoded=1 if components == 1 else 4,
        held=2 * _samples(body, components) if collected else 0,
        scaled=True,
        scans=content.count(bytes([0xFF, _START_OF_SCAN])) if collected else 1,
    )


def _samples(frame: bytes, components: int) -> float:
    """How many values a pixel has on average at this frame's chroma subsampling: 3 without
    subsampling, 1.5 where colour has half the resolution in both directions, as in most cameras.
    """
    factors = [divmod(frame[7 + 3 * number], 16) for number in range(components)]
    across, down = (max(sizes) for sizes in zip(*factors, strict=True))
    if not all(one and other for one, other in factors):
        raise ValueError("a component of no size")
    return float(sum(one * other for one, other in factors) / (across * down))


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")
