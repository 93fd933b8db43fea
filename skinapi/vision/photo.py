"""From the bytes that somebody sent to an upright RGB photo, or a clear refusal.

Nothing here trusts a header: what is too large is refused before a pixel of it is decoded, and what
is kept is encoded anew, so that neither metadata nor bytes behind the picture survive.
"""

import io
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from PIL import Image

from skinapi.vision.headers import webp_canvas
from skinapi.vision.refusals import Reason, refuse

PhotoFormat = Literal["JPEG", "PNG", "WEBP"]
Size = tuple[int, int]

FORMATS = ("JPEG", "PNG", "WEBP")
# A baseline JPEG is decoded at a fraction of its size; whatever else must first be held whole.
MOST_PIXELS = 64_000_000
MOST_PIXELS_HELD = 16_000_000
# libwebp holds four copies of what it decodes.
MOST_PIXELS_WEBP = 8_000_000
# Each scan of a progressive JPEG is one more walk over the whole picture, for a few bytes of file.
MOST_SCANS = 64
# The network is shown 4/5 of the shorter side at 224: no more is decoded than twice what it needs.
WORKING_SIDE = 448
STORED_SIDE = 1600
STORED_QUALITY = 88

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ON_ITS_SIDE = (5, 6, 7, 8)


@dataclass(frozen=True, slots=True)
class Photo:
    """Upright RGB pixels, perhaps fewer than were sent; `width` and `height` are those sent,
    upright too.
    """

    pixels: Image.Image
    width: int
    height: int
    format: PhotoFormat


def read_photo(content: bytes, *, full: bool = False) -> Photo:
    """Large pictures are decoded at a half, a quarter or an eighth, unless `full`."""
    return _read(content, _whole if full else _working_size)


def stored_photo(content: bytes) -> bytes:
    """What may be kept of a picture: a fresh JPEG, upright and without metadata, whose longer side
    is STORED_SIDE at most. Of a large picture the network sees fewer pixels than are kept, so this
    decodes it once more.
    """
    kept = _read(content, stored_size).pixels
    kept.thumbnail((STORED_SIDE, STORED_SIDE), Image.Resampling.BICUBIC)
    out = io.BytesIO()
    kept.save(out, "JPEG", quality=STORED_QUALITY)
    return out.getvalue()


def stored_size(sent: Size) -> Size:
    """As it was sent, or smaller."""
    shrunk = min(1.0, STORED_SIDE / max(sent))
    return max(1, round(sent[0] * shrunk)), max(1, round(sent[1] * shrunk))


def _working_size(_: Size) -> Size:
    return WORKING_SIDE, WORKING_SIDE


def _whole(sent: Size) -> Size:
    return sent


def _read(content: bytes, needed: Callable[[Size], Size]) -> Photo:
    try:
        picture = _open(content)
        width, height = picture.size
        pixels = _decode(picture, needed(picture.size))
    except Exception as broken:  # decoders throw all sorts at hostile bytes
        raise refuse(Reason.UNDECODABLE) from broken
    orientation = _orientation(picture)
    if orientation in _TURNS:
        pixels = pixels.transpose(_TURNS[orientation])
    if orientation in _ON_ITS_SIDE:
        width, height = height, width
    pixels.info = {}
    format_ = "JPEG" if picture.format == "MPO" else picture.format
    return Photo(pixels, width, height, cast("PhotoFormat", format_))


def _open(content: bytes) -> Image.Image:
    """Headers only. A moving picture is refused: which of its frames was meant is not ours to
    guess. (A phone's JPEG with a second picture behind it is no moving picture: the first counts.)
    """
    canvas = webp_canvas(content)
    if canvas is not None and canvas.pixels > MOST_PIXELS_WEBP:
        raise ValueError("too many pixels")
    picture = Image.open(io.BytesIO(content), formats=FORMATS)
    drafted = picture.format in ("JPEG", "MPO") and not picture.info.get("progressive")
    _allow(picture, MOST_PIXELS if drafted else MOST_PIXELS_HELD)
    if picture.info.get("progressive") and content.count(b"\xff\xda") > MOST_SCANS:
        raise ValueError("too many scans")
    if picture.format in ("PNG", "WEBP") and getattr(picture, "is_animated", False):
        raise ValueError("more than one frame")
    return picture


def _allow(picture: Image.Image, most: int) -> None:
    if picture.width * picture.height > most:
        raise ValueError("too many pixels")


def _orientation(picture: Image.Image) -> int | None:
    """Damaged metadata says nothing about the pixels: such a picture is taken as it stands."""
    with suppress(Exception):
        return cast("int | None", picture.getexif().get(_ORIENTATION))
    return None


def _decode(picture: Image.Image, needed: Size) -> Image.Image:
    """At the smallest scale of a whole, a half, a quarter or an eighth that has no less than is
    needed.
    """
    picture.draft(None, needed)
    _allow(picture, MOST_PIXELS_HELD)
    picture.load()
    factor = _spare_factor(picture.size, needed)
    if picture.mode.startswith("I"):
        return _from_sixteen_bits(picture, factor)
    if picture.has_transparency_data:
        seen = (picture if picture.mode == "RGBA" else picture.convert("RGBA")).reduce(factor)
        white = Image.new("RGBA", seen.size, "white")
        return Image.alpha_composite(white, seen).convert("RGB")
    if picture.mode in ("1", "P"):
        picture = picture.convert("RGB")
    return (picture.reduce(factor) if factor > 1 else picture).convert("RGB")


def _spare_factor(size: Size, needed: Size) -> int:
    """By the rule of JPEG's draft mode, so that every format ends at the same size."""
    spare = min(size[0] // needed[0], size[1] // needed[1])
    return next(factor for factor in (8, 4, 2, 1) if spare >= factor or factor == 1)


def _from_sixteen_bits(picture: Image.Image, factor: int) -> Image.Image:
    """Pillow would clip sixteen bits to eight; what is meant is their upper half."""
    upper = np.asarray(picture).astype(np.int32) >> 8
    return Image.fromarray(upper.clip(0, 255).astype(np.uint8)).reduce(factor).convert("RGB")
