"""Draws a heat map over its photo, on request: a finding stores only the map.

The console draws its own (console/static/views/finding_photo.js), in the same colours
(heat_map_colours.js) and in the box of `HeatView`.
"""

import io
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from skinapi.model.decoding.photo import Photo, Size, encode_jpeg, read_stored_photo, stored_size
from skinapi.model.network.picture import Box, view_box

MOST_OPACITY = 0.6
# A drawing needs many times the memory of its file, so at most two run at a time.
MOST_DRAWINGS_AT_ONCE = 2
ROWS_AT_A_TIME = 256
QUALITY = 85

COLOURS_FILE = Path(__file__).with_name("heat_map_colours.js")
# The shades of red, green and blue, from the least heat to the most.
COLOUR_STOPS: Sequence[Sequence[int]] = json.loads(
    COLOURS_FILE.read_text("ascii").partition("=")[2].removesuffix(";\n")
)
_PALETTE = bytes(
    np.stack(
        [
            np.interp(np.linspace(0, 3, 256), range(4), shade)
            for shade in zip(*COLOUR_STOPS, strict=True)
        ],
        axis=1,
    )
    .astype(np.uint8)
    .ravel()
)
_OPACITY = [round(heat * MOST_OPACITY) for heat in range(256)]


_drawing_slots = threading.Semaphore(MOST_DRAWINGS_AT_ONCE)


def draw_overlay(
    photo: Photo,
    heat: Sequence[Sequence[float]],
    seen: float,
    *,
    size: Size | None = None,
    format: Literal["JPEG", "PNG"] = "JPEG",
) -> bytes:
    """Draw the heat map over the whole photo, at `size` or at its stored size. Waits for a free
    slot. `seen` is the share of the shorter side that the network saw; the margin gets no colour.
    """
    with _drawing_slots:
        drawn = photo.pixels.resize(
            size or stored_size((photo.width, photo.height)),
            Image.Resampling.BILINEAR,
            reducing_gap=2.0,
        )
        _draw(heat, drawn, view_box(photo.pixels.size, seen), photo.pixels.size)
        if format == "JPEG":
            return encode_jpeg(drawn, QUALITY)
        out = io.BytesIO()
        drawn.save(out, "PNG", compress_level=1)
        return out.getvalue()


def draw_kept_overlay(content: bytes, heat: Sequence[Sequence[float]], seen: float) -> bytes:
    """Decode and draw a stored photo once a slot is free: a decoded photo needs many times the
    memory of its file.
    """
    with _drawing_slots:
        pixels = read_stored_photo(content, full=True).pixels
        _draw(heat, pixels, view_box(pixels.size, seen), pixels.size)
        return encode_jpeg(pixels, QUALITY)


def _draw(heat: Sequence[Sequence[float]], drawn: Image.Image, box: Box, seen_in: Size) -> None:
    """Colour a few rows at a time: all at once would need four times the memory. `box` is the part
    that the network saw at the size `seen_in`.
    """
    grey = _enlarge_heat(heat, drawn.size, box, seen_in)
    width, height = drawn.size
    for top in range(0, height, ROWS_AT_A_TIME):
        rows = grey.crop((0, top, width, min(top + ROWS_AT_A_TIME, height)))
        colour = rows.convert("P")
        colour.putpalette(_PALETTE)
        drawn.paste(colour.convert("RGB"), (0, top), rows.point(_OPACITY))


def _enlarge_heat(
    heat: Sequence[Sequence[float]], size: Size, box: Box, seen_in: Size
) -> Image.Image:
    cells = np.asarray(heat, np.float64)
    hottest = cells.max()
    grey = cells / hottest * 255 if hottest > 0 else cells
    left, top, right, bottom = box
    across, down = size[0] / seen_in[0], size[1] / seen_in[1]
    corner = round(left * across), round(top * down)
    inside = (
        max(1, round(right * across) - corner[0]),
        max(1, round(bottom * down) - corner[1]),
    )
    enlarged = Image.new("L", size)
    enlarged.paste(
        Image.fromarray(grey.astype(np.uint8)).resize(inside, Image.Resampling.BICUBIC), corner
    )
    return enlarged
