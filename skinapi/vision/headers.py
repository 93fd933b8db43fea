"""What a picture's header says of its size and of what decoding it takes, read before a decoder
sees the file: opening a WebP already allocates its whole canvas.
"""

import struct
from dataclasses import dataclass

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_GREY, _PNG_PALETTE = 0, 3
_JPEG = b"\xff\xd8\xff"
_SEQUENTIAL, _PROGRESSIVE = (0xC0, 0xC1, 0xC9), (0xC2, 0xCA)
_OTHER_FRAMES = (0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF)
_WITHOUT_LENGTH = (0x01, *range(0xD0, 0xD9))
_START_OF_SCAN = 0xDA
_END = 0xD9


@dataclass(frozen=True, slots=True)
class Header:
    """Sizes are those of the file, not turned upright. `decoded` is how many bytes the decoder
    hands out for a pixel, `held` what it holds beside them for each pixel of the whole picture.
    `scaled`: it can be decoded at a half, a quarter or an eighth. `scans`: how many walks over the
    picture a JPEG is decoded in, 1 where that needs no memory.
    """

    width: int
    height: int
    decoded: int
    held: float
    scaled: bool = False
    scans: int = 1
    moving: bool = False


def read_header(content: bytes) -> Header:
    """Raises ValueError where it is no JPEG, PNG or WebP, cut off in its header or of no size."""
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
    """libwebp holds the canvas twice and hands out a copy, which Pillow copies once more."""
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
    """A JPEG whose scans do not hold all of its components is put together in memory, two bytes for
    each coefficient, whether it calls itself progressive or not.
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
    several = kind in _PROGRESSIVE or content[at + 2] < components
    return Header(
        width,
        height,
        decoded=1 if components == 1 else 4,
        held=2 * _samples(body, components) if several else 0,
        scaled=True,
        scans=content.count(bytes([0xFF, _START_OF_SCAN])) if several else 1,
    )


def _samples(frame: bytes, components: int) -> float:
    """How many values a pixel has at this frame's subsampling: 3 for RGB at full size, 1.5 at the
    half in both directions that most cameras use.
    """
    factors = [divmod(frame[7 + 3 * number], 16) for number in range(components)]
    across, down = (max(sizes) for sizes in zip(*factors, strict=True))
    if not all(one and other for one, other in factors):
        raise ValueError("a component of no size")
    return float(sum(one * other for one, other in factors) / (across * down))


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")
