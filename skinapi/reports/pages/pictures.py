"""Shrinks the photo and draws its heat map, at the size in which they are printed."""

import io
from collections.abc import Sequence

from PIL import Image

from skinapi.reports.report import Pictures
from skinapi.vision.decoding.photo import Photo
from skinapi.vision.drawing.overlay import draw_overlay

# 84 mm on paper at 170 dots per inch.
PRINTED_SIDE = 560
PRINTED_QUALITY = 82


def print_pictures(photo: Photo, heat: Sequence[Sequence[float]]) -> Pictures:
    printed = photo.pixels.copy()
    printed.thumbnail((PRINTED_SIDE, PRINTED_SIDE), Image.Resampling.BICUBIC)
    out = io.BytesIO()
    printed.save(out, "JPEG", quality=PRINTED_QUALITY, optimize=True)
    overlay = draw_overlay(photo, heat, size=printed.size)
    return Pictures(photo=out.getvalue(), overlay=overlay)
