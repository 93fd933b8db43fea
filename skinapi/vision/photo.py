"""From the bytes that somebody sent to an upright RGB photo, or a clear refusal.

What is too large is refused by its header, before a pixel of it is decoded (`bounds` says what is
too large), and what is kept is encoded anew, so that neither metadata nor bytes behind the picture
survive.
"""

import io
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np
from PIL import Image, PngImagePlugin

from skinapi.errors import Refused
from skinapi.vision.decode_limits import (
    DecodingMemory,
    Size,
    bytes_needed,
    refuse_oversize,
    spare_factor,
)
from skinapi.vision.headers import Header, read_header
from skinapi.vision.refusals import Reason, refuse

PhotoFormat = Literal["JPEG", "PNG", "WEBP"]

FORMATS = ("JPEG", "PNG", "WEBP")
# The network is shown 4/5 of the shorter side at 224: no more is decoded than twice what it needs.
WORKING_SIDE = 448
STORED_SIDE = 1600
STORED_QUALITY = 88
# The colours of a picture are converted band by band, of so many pixels: the whole would be held
# several times.
BAND_PIXELS = 256 * 1024
LARGEST_FACTOR = 8
# Texts of a PNG are unpacked as it is opened: 64 MB of them unless told.
PngImagePlugin.MAX_TEXT_MEMORY = 4 * 1024 * 1024

_memory = DecodingMemory()

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
    """Large pictures are decoded at a half, a quarter or an eighth, unless `full`. Raises
    Refused.
    """
    header = _header_of(content)
    needed = (header.width, header.height) if full else _working_size(header)
    with _memory.taken(bytes_needed(header, needed)):
        return _decoded(content, header, needed)


def stored_photo(content: bytes) -> bytes:
    """What may be kept of a picture: a fresh JPEG, upright and without metadata, whose longer side
    is STORED_SIDE at most. Of a large picture the network sees fewer pixels than are kept, so this
    decodes it once more. Raises Refused.
    """
    header = _header_of(content)
    needed = _stored_size(header)
    with _memory.taken(bytes_needed(header, needed)):
        kept = shrink_to_stored(_decoded(content, header, needed)).pixels
    out = io.BytesIO()
    kept.save(out, "JPEG", quality=STORED_QUALITY)
    return out.getvalue()


def shrink_to_stored(photo: Photo) -> Photo:
    """With no side longer than STORED_SIDE; as it is, where there is none."""
    if max(photo.pixels.size) <= STORED_SIDE:
        return photo
    size, bicubic = stored_size(photo.pixels.size), Image.Resampling.BICUBIC
    return replace(photo, pixels=photo.pixels.resize(size, bicubic, reducing_gap=2.0))


def stored_size(sent: Size) -> Size:
    """As it was sent, or smaller."""
    shrunk = min(1.0, STORED_SIDE / max(sent))
    return max(1, round(sent[0] * shrunk)), max(1, round(sent[1] * shrunk))


def _stored_size(header: Header) -> Size:
    return stored_size((header.width, header.height))


def _working_size(_: Header) -> Size:
    return WORKING_SIDE, WORKING_SIDE


def _header_of(content: bytes) -> Header:
    """What is refused to be kept is refused to be judged, so that whether a photo is judged depends
    on nothing else.
    """
    try:
        header = read_header(content)
    except ValueError as broken:
        raise refuse(Reason.UNDECODABLE) from broken
    refuse_oversize(header, (_working_size(header), _stored_size(header)))
    return header


def _decoded(content: bytes, header: Header, needed: Size) -> Photo:
    try:
        picture = _open(content, header)
        format_ = "JPEG" if picture.format == "MPO" else picture.format
        pixels = _decode(picture, needed)
        # Not before: of a PNG it decodes all, and a fault of that would be passed over.
        orientation = _orientation(picture)
    except Refused:
        raise
    except Exception as broken:  # decoders throw all sorts at hostile bytes
        raise refuse(Reason.UNDECODABLE) from broken
    del picture  # before a turned copy is made: it may hold the whole
    if orientation in _TURNS:
        pixels = pixels.transpose(_TURNS[orientation])
    width, height = header.width, header.height
    if orientation in _ON_ITS_SIDE:
        width, height = height, width
    return Photo(pixels, width, height, cast("PhotoFormat", format_))


def _open(content: bytes, header: Header) -> Image.Image:
    """No pixel of it yet. A moving picture is refused: which of its frames was meant is not ours to
    guess. (A phone's JPEG with a second picture behind it is no moving picture: the first counts.)
    """
    picture = Image.open(io.BytesIO(content), formats=FORMATS)
    if picture.size != (header.width, header.height):
        raise ValueError("two headers that contradict each other")
    if picture.format in ("PNG", "WEBP") and getattr(picture, "is_animated", False):
        raise refuse(Reason.MOVING)
    return picture


def _orientation(picture: Image.Image) -> int | None:
    """Damaged metadata says nothing about the pixels: such a picture is taken as it stands."""
    with suppress(Exception):
        return cast("int | None", picture.getexif().get(_ORIENTATION))
    return None


def _decode(picture: Image.Image, needed: Size) -> Image.Image:
    """As RGB, at the smallest scale of a whole, a half, a quarter or an eighth that has no less
    than is needed.
    """
    picture.draft(None, needed)
    factor = spare_factor(picture.size, needed)
    picture.load()
    convert = _conversion_of(picture)
    width, height = picture.size
    pixels = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    # A multiple of every factor, so that no cell of the reduced picture is cut in two.
    rows = LARGEST_FACTOR * max(1, BAND_PIXELS // (LARGEST_FACTOR * width))
    for top in range(0, height, rows):
        band = picture.crop((0, top, width, min(top + rows, height)))
        pixels.paste(convert(band, factor), (0, top // factor))
    return pixels


def _conversion_of(picture: Image.Image) -> Callable[[Image.Image, int], Image.Image]:
    if picture.mode.startswith("I"):
        return _from_sixteen_bits
    if picture.has_transparency_data:
        return _over_white
    return _from_palette if picture.mode in ("1", "P") else _from_colours


def _from_sixteen_bits(band: Image.Image, factor: int) -> Image.Image:
    """Pillow would clip sixteen bits to eight; what is meant is their upper half."""
    upper = np.asarray(band).astype(np.int32) >> 8
    return Image.fromarray(upper.clip(0, 255).astype(np.uint8)).reduce(factor).convert("RGB")


def _over_white(band: Image.Image, factor: int) -> Image.Image:
    seen = band.convert("RGBA").reduce(factor)
    white = Image.new("RGBA", seen.size, "white")
    return Image.alpha_composite(white, seen).convert("RGB")


def _from_palette(band: Image.Image, factor: int) -> Image.Image:
    return band.convert("RGB").reduce(factor)


def _from_colours(band: Image.Image, factor: int) -> Image.Image:
    return band.reduce(factor).convert("RGB")
