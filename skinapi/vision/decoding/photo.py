"""Decodes an uploaded file to an upright RGB photo, or refuses it with a clear reason.

A photo that is too large is refused by its header, before any pixel is decoded (`decode_limits`
holds the limits). A photo that is stored is encoded again as a new JPEG, so that neither metadata
nor bytes appended to the picture survive.
"""

import io
from dataclasses import dataclass, replace

from PIL import Image

from skinapi.errors import Refused, Unavailable
from skinapi.vision.decoding.colour_profiles import UnreadableProfile, convert_to_srgb
from skinapi.vision.decoding.decode_limits import (
    MOST_BYTES,
    DecodingMemory,
    Size,
    bytes_needed,
    reduction_factor,
    refuse_oversize,
)
from skinapi.vision.decoding.file_header import Header, PhotoFormat, read_header
from skinapi.vision.decoding.jpeg import decode_jpeg, encode_jpeg
from skinapi.vision.decoding.rgb_conversion import to_rgb
from skinapi.vision.decoding.webp_process import decode_webp
from skinapi.vision.refusals import Reason, refuse

# The network sees 4/5 of the shorter side, scaled to 224 pixels. Decoding to 448 leaves enough
# detail for that and saves memory.
WORKING_SIZE = (448, 448)
STORED_SIDE = 1600
STORED_QUALITY = 88

_memory = DecodingMemory()
# Kept photos are our own JPEGs, so each takes little memory for a short time. They never wait for
# uploads: a request for a report would occupy its thread for as long as somebody's slow pictures.
_memory_for_kept = DecodingMemory(2 * 8 * STORED_SIDE**2)

_TRANSPOSE_BY_ORIENTATION = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDES_SWAPPED = (5, 6, 7, 8)


@dataclass(frozen=True, slots=True)
class Photo:
    """Upright sRGB pixels, perhaps at a smaller scale than the upload.

    `width` and `height` are the size of the upload, after it is turned upright.
    `profile_unread`: its colour profile could not be read, so the colours are as stored.
    """

    pixels: Image.Image
    width: int
    height: int
    format: PhotoFormat
    profile_unread: bool = False


def read_photo(content: bytes) -> Photo:
    """Decode an upload. Large pictures are decoded at a half, a quarter or an eighth of their size.
    Waits for decoding memory, so never call it in a thread that serves requests. Raises Refused.
    """
    header = _header_of(content)
    with _memory.reserved(_reservation(header, WORKING_SIZE)):
        return _decoded(header, WORKING_SIZE)


def read_stored_photo(content: bytes, *, full: bool = False) -> Photo:
    """Decode what `stored_photo` has made, as `read_photo` does, or at its `full` size."""
    header = _header_of(content)
    needed = header.size if full else WORKING_SIZE
    with _memory_for_kept.reserved(bytes_needed(header, needed)):
        return _decoded(header, needed)


def stored_photo(content: bytes) -> bytes:
    """The version of an upload that is stored: a new JPEG, upright and without metadata, with a
    longer side of at most STORED_SIDE. Raises Refused.

    This decodes the upload a second time, because of a large picture more pixels are stored than
    the network sees.
    """
    header = _header_of(content)
    needed = stored_size(header.size)
    with _memory.reserved(_reservation(header, needed)):
        kept = shrink_to_stored(_decoded(header, needed)).pixels
    return encode_jpeg(kept, STORED_QUALITY)


def shrink_to_stored(photo: Photo) -> Photo:
    """Shrink a photo so that no side is longer than STORED_SIDE; a smaller one is not changed."""
    if max(photo.pixels.size) <= STORED_SIDE:
        return photo
    size, bicubic = stored_size(photo.pixels.size), Image.Resampling.BICUBIC
    return replace(photo, pixels=photo.pixels.resize(size, bicubic, reducing_gap=2.0))


def stored_size(sent: Size) -> Size:
    """The size at which an upload of this size is stored; never larger than the upload."""
    shrunk = min(1.0, STORED_SIDE / max(sent))
    return max(1, round(sent[0] * shrunk)), max(1, round(sent[1] * shrunk))


def _header_of(content: bytes) -> Header:
    """Read the header and check the limits for both sizes, working and stored. Raises Refused.

    A photo that could not be stored is never classified either, so whether it is accepted does
    not depend on whether the caller wants it stored.
    """
    try:
        header = read_header(content)
    except ValueError as broken:
        raise refuse(Reason.UNDECODABLE) from broken
    refuse_oversize(header, (WORKING_SIZE, stored_size(header.size)))
    return header


def _decoded(header: Header, needed: Size) -> Photo:
    try:
        pixels, profile_unread = _in_srgb(header, _pixels(header, needed))
    except (Refused, Unavailable):
        raise
    except Exception as broken:  # decoders raise many kinds of errors on hostile bytes
        raise refuse(Reason.DAMAGED) from broken
    if header.orientation in _TRANSPOSE_BY_ORIENTATION:
        pixels = pixels.transpose(_TRANSPOSE_BY_ORIENTATION[header.orientation])
    width, height = header.size
    if header.orientation in _SIDES_SWAPPED:
        width, height = height, width
    return Photo(pixels, width, height, header.format, profile_unread)


def _in_srgb(header: Header, pixels: Image.Image) -> tuple[Image.Image, bool]:
    """The pixels in sRGB, and whether a profile could not be read."""
    if not header.profile:
        return pixels, False
    try:
        return convert_to_srgb(pixels, header.profile, grey=header.grey), False
    except UnreadableProfile:
        return pixels, True


def _reservation(header: Header, needed: Size) -> int:
    """What the decoding takes, with the copy of the upload that the decoder reads; not more than
    there is, or it would wait for ever.
    """
    return min(MOST_BYTES, bytes_needed(header, needed) + sum(map(len, header.parts)))


def _pixels(header: Header, needed: Size) -> Image.Image:
    """As upright as the file holds them. What the decoder holds beside them is free afterwards."""
    factor = reduction_factor(header.size, needed)
    if header.isolated:
        memory = bytes_needed(header, needed)
        return decode_webp(b"".join(header.parts), size=header.size, factor=factor, memory=memory)
    if header.format == "JPEG":
        content = b"".join(header.parts)
        picture = decode_jpeg(
            content, size=header.size, components=header.components, factor=factor
        )
        factor = reduction_factor(picture.size, needed)
    else:
        picture = _open(header)
    return to_rgb(picture, factor)


def _open(header: Header) -> Image.Image:
    """Open a PNG or WebP without decoding pixels. Raises Refused for an animated picture, because
    nothing says which frame is meant.
    """
    picture = Image.open(io.BytesIO(b"".join(header.parts)), formats=(header.format,))
    if picture.size != header.size:
        raise ValueError("two headers that contradict each other")
    if getattr(picture, "is_animated", False):
        raise refuse(Reason.MOVING)
    return picture
