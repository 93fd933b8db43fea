"""From the bytes that somebody sent to an upright RGB picture, or a clear refusal."""

import io
import warnings

from PIL import Image, ImageOps

from skinapi.errors import UnreadablePicture

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_PIXELS = 50_000_000


def open_picture(content: bytes) -> Image.Image:
    """Decodes fully, so that nothing can fail later; turned upright as its EXIF tag asks."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content), formats=FORMATS)
            if picture.width * picture.height > MOST_PIXELS:
                raise UnreadablePicture("The picture has too many pixels")
            return ImageOps.exif_transpose(picture).convert("RGB")
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as broken:
        raise UnreadablePicture from broken
