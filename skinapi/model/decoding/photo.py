"""Decodes an uploaded file to an upright RGB photo, or refuses it with a clear reason.

A photo that is too large is refused by its header, before any pixel is decoded. The limits exceed
what cameras produce: 48 megapixels are 8064 x 6048, and a photo of 108 megapixels (12000 x 9000)
exceeds an upload of 10 MB. Memory limits a PNG to 17 megapixels, and a WebP, which no camera
writes, to 5 (3 if it is lossless).

A JPEG is decoded strictly: damaged data are an error, while Pillow ignores libjpeg's warnings and
shows grey or wrong blocks instead. A photo is encoded again for storage, so that neither metadata
nor bytes appended to the picture survive.
"""

import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

import simplejpeg
from PIL import Image

from skinapi.base.errors import Refused, Unavailable
from skinapi.model.decoding.colour_profiles import UnreadableProfile, convert_to_srgb
from skinapi.model.decoding.file_header import MOST_SCANS, Header, PhotoFormat, read_header
from skinapi.model.decoding.isolated_process import decode_webp, to_rgb
from skinapi.model.refusals import Reason, refuse

Size = tuple[int, int]

SMALLEST_SIDE = 128
LONGEST_SIDE = 12_000
# A JPEG with many more pixels would still need little memory, but a second to decode.
MOST_PIXELS = 64_000_000
# A progressive JPEG of 12 megapixels at full colour needs 86 MB, the most of all files that
# cameras and their programs write.
MOST_BYTES = 88_000_000
RGB_BYTES = 4  # Pillow stores an RGB pixel in four bytes, not three


class DecodingMemory:
    """The memory that all decoding of a process may use together. A request for more than is free
    waits, first come, first served.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._left = most
        self._changed = threading.Condition()
        self._queue = threading.Lock()

    @contextmanager
    def reserved(self, size: int) -> Iterator[None]:
        # Only one thread waits for memory, all others for this lock. Otherwise small pictures
        # could overtake a large one again and again, and it would never start.
        with self._queue, self._changed:
            self._changed.wait_for(lambda: size <= self._left)
            self._left -= size
        try:
            yield
        finally:
            with self._changed:
                self._left += size
                self._changed.notify_all()


def reduction_factor(size: Size, needed: Size) -> int:
    """The largest of 8, 4, 2 and 1 that keeps both sides at the needed length after division. This
    is the rule of JPEG's draft mode, so that all formats end at the same size.
    """
    spare = min(size[0] // needed[0], size[1] // needed[1])
    return next(factor for factor in (8, 4, 2, 1) if spare >= factor or factor == 1)


def bytes_needed(header: Header, needed: Size) -> int:
    pixels = header.width * header.height
    small = pixels / reduction_factor(header.size, needed) ** 2
    decoded = header.decoded * (small if header.scaled else pixels)
    # The decoder frees its own buffers before the colours are converted, so only the larger of the
    # two counts.
    return round(header.fixed + decoded + max(header.held * pixels, RGB_BYTES * small))


def refuse_oversize(header: Header, needed: tuple[Size, ...]) -> None:
    size = {"width": header.width, "height": header.height}
    if max(header.size) > LONGEST_SIDE or header.width * header.height > MOST_PIXELS:
        bounds = {"least": SMALLEST_SIDE, "most": LONGEST_SIDE, "millions": MOST_PIXELS // 10**6}
        raise refuse(Reason.TOO_LARGE, **size, **bounds)
    if header.moving:
        raise refuse(Reason.MOVING)
    if header.scans > MOST_SCANS:
        raise refuse(Reason.TOO_MANY_SCANS, scans=header.scans, most=MOST_SCANS)
    bytes_ = max(bytes_needed(header, each) for each in needed)
    if bytes_ > MOST_BYTES:
        megabytes = {"takes": -(-bytes_ // 10**6), "most": MOST_BYTES // 10**6}
        raise refuse(Reason.TOO_MUCH_MEMORY, **size, **megabytes)


# Each kind of JPEG: what simplejpeg calls the decoder's output, and Pillow the pixels and their
# bytes. Programs store CMYK inverted, as Adobe's first did.
_KINDS: dict[int, tuple[str, Literal["L", "RGB", "CMYK"], str]] = {
    1: ("GRAY", "L", "L"),
    3: ("RGB", "RGB", "RGB"),
    4: ("CMYK", "CMYK", "CMYK;I"),
}
# All blocks were decoded, and a few bytes are left over. Webcams and some phones write them. Of
# 1,200 photos in which bytes were changed, left out or zeroed, 112 had bytes left over, 5 so few.
_HARMLESS = re.compile(r"Corrupt JPEG data: [1-8] extraneous bytes before marker 0xd9")


def decode_jpeg(
    content: bytes | memoryview, *, size: Size, components: int, factor: int
) -> Image.Image:
    """The pixels, with both sides divided by `factor` and rounded up. Raises ValueError for damaged
    data or another size.
    """
    output, mode, raw = _KINDS[components]
    width, height = (-(-side // factor) for side in size)
    scaled = {"colorspace": output, "min_width": width, "min_height": height}
    try:
        pixels = simplejpeg.decode_jpeg(content, **scaled)
    except ValueError as warned:
        if not _HARMLESS.fullmatch(str(warned)):
            raise
        pixels = simplejpeg.decode_jpeg(content, **scaled, strict=False)
    if pixels.shape[:2] != (height, width):
        raise ValueError("two headers that contradict each other")
    picture = Image.new(mode, (width, height), None)  # `Image.frombytes` would blacken it first
    picture.frombytes(pixels, "raw", raw)
    return picture


def encode_jpeg(pixels: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    pixels.save(out, "JPEG", quality=quality)
    return out.getvalue()


# The network sees the shorter side, scaled to 224 pixels. Decoding to 448 leaves enough
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
    """Upright sRGB pixels, perhaps smaller than the upload, whose upright size is `width` by
    `height`. `profile_unread`: the colour profile could not be applied.
    """

    pixels: Image.Image
    width: int
    height: int
    format: PhotoFormat
    profile_unread: bool = False

    @property
    def has_stored_scale(self) -> bool:
        size = self.width, self.height
        stored = reduction_factor(size, stored_size(size))
        return reduction_factor(size, WORKING_SIZE) == stored


def read_photo(content: bytes) -> Photo:
    """Decode an upload, reduced if it is large, or raise Refused. It waits for decoding memory, so
    never call it in a thread that serves requests.
    """
    header = _header_of(content)
    with _memory.reserved(_reservation(header, WORKING_SIZE)):
        return _decoded(header, WORKING_SIZE)


def read_stored_photo(content: bytes, *, full: bool = False) -> Photo:
    header = _header_of(content)
    needed = header.size if full else WORKING_SIZE
    with _memory_for_kept.reserved(bytes_needed(header, needed)):
        return _decoded(header, needed)


def reencode_for_storage(content: bytes, photo: Photo | None = None) -> bytes:
    """Make the stored version of an upload: a new JPEG, upright and without metadata, with no side
    longer than STORED_SIDE. `photo` is the result of `read_photo`. A large picture is decoded
    again, because more pixels are stored than the network sees.
    """
    if photo and photo.has_stored_scale:
        return encode_jpeg(shrink_to_stored(photo).pixels, STORED_QUALITY)
    header = _header_of(content)
    needed = stored_size(header.size)
    with _memory.reserved(_reservation(header, needed)):
        kept = shrink_to_stored(_decoded(header, needed)).pixels
    return encode_jpeg(kept, STORED_QUALITY)


def shrink_to_stored(photo: Photo) -> Photo:
    if max(photo.pixels.size) <= STORED_SIDE:
        return photo
    size, bicubic = stored_size(photo.pixels.size), Image.Resampling.BICUBIC
    return replace(photo, pixels=photo.pixels.resize(size, bicubic, reducing_gap=2.0))


def stored_size(sent: Size) -> Size:
    shrunk = min(1.0, STORED_SIDE / max(sent))
    return max(1, round(sent[0] * shrunk)), max(1, round(sent[1] * shrunk))


def _header_of(content: bytes) -> Header:
    """Check the limits for both sizes, working and stored, so that acceptance does not depend on
    whether the caller wants the photo stored.
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
    except Exception as broken:  # hostile bytes can raise any error
        raise refuse(Reason.DAMAGED) from broken
    if header.orientation in _TRANSPOSE_BY_ORIENTATION:
        pixels = pixels.transpose(_TRANSPOSE_BY_ORIENTATION[header.orientation])
    width, height = header.size
    if header.orientation in _SIDES_SWAPPED:
        width, height = height, width
    return Photo(pixels, width, height, header.format, profile_unread)


def _in_srgb(header: Header, pixels: Image.Image) -> tuple[Image.Image, bool]:
    if not header.profile:
        return pixels, False
    try:
        return convert_to_srgb(pixels, header.profile, grey=header.grey), False
    except UnreadableProfile:
        return pixels, True


def _reservation(header: Header, needed: Size) -> int:
    """The memory to reserve, including the decoder's input; at most the total, or it would wait for
    ever.
    """
    return min(MOST_BYTES, bytes_needed(header, needed) + sum(map(len, header.parts)))


def _pixels(header: Header, needed: Size) -> Image.Image:
    factor = reduction_factor(header.size, needed)
    if header.isolated:
        memory = bytes_needed(header, needed)
        return decode_webp(header.file(), size=header.size, factor=factor, memory=memory)
    if header.format == "JPEG":
        picture = decode_jpeg(
            header.file(), size=header.size, components=header.components, factor=factor
        )
        factor = reduction_factor(picture.size, needed)
        if factor == 1 and picture.mode == "RGB":
            return picture
    else:
        picture = _open(header)
    return to_rgb(picture, factor)


def _open(header: Header) -> Image.Image:
    """Open a PNG or WebP. An animated picture is refused, because it is unknown which frame is
    meant.
    """
    picture = Image.open(io.BytesIO(header.file()), formats=(header.format,))
    if picture.size != header.size:
        raise ValueError("two headers that contradict each other")
    if getattr(picture, "is_animated", False):
        raise refuse(Reason.MOVING)
    return picture


# A list shows it 72 pixels high, and screens have up to three pixels for one.
THUMBNAIL_SIDE = 240
THUMBNAIL_QUALITY = 80


def draw_thumbnail(content: bytes) -> bytes:
    return shrink_to_thumbnail(read_stored_photo(content).pixels)


def shrink_to_thumbnail(pixels: Image.Image) -> bytes:
    small, size = pixels.copy(), (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    small.thumbnail(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    return encode_jpeg(small, THUMBNAIL_QUALITY)
