"""Makes the small version of a photo that lists show."""

import io

from PIL import Image

from skinapi.vision.decoding.photo import read_stored_photo

# A list shows it 72 pixels high, and screens have up to three pixels for one.
LONGEST_SIDE = 240
QUALITY = 80


def draw_thumbnail(content: bytes) -> bytes:
    """A stored photo as a JPEG, no side longer than LONGEST_SIDE. Raises Refused."""
    pixels = read_stored_photo(content).pixels
    pixels.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BICUBIC, reducing_gap=2.0)
    out = io.BytesIO()
    pixels.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()
