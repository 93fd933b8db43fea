"""Makes the small version of a photo that lists show."""

from PIL import Image

from skinapi.vision.decoding.jpeg import encode_jpeg
from skinapi.vision.decoding.photo import read_stored_photo

# A list shows it 72 pixels high, and screens have up to three pixels for one.
THUMBNAIL_SIDE = 240
QUALITY = 80


def draw_thumbnail(content: bytes) -> bytes:
    """A stored photo as a JPEG, no side longer than THUMBNAIL_SIDE. Raises Refused."""
    return shrink_to_thumbnail(read_stored_photo(content).pixels)


def shrink_to_thumbnail(pixels: Image.Image) -> bytes:
    small, size = pixels.copy(), (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    small.thumbnail(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    return encode_jpeg(small, QUALITY)
