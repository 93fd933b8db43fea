"""A heat map over its photo, drawn only when somebody asks to see it."""

import io
import threading
from collections.abc import Sequence
from typing import Literal

import numpy as np
from PIL import Image

from skinapi.vision.photo import Photo, read_photo, stored_size
from skinapi.vision.png import encode_png
from skinapi.vision.tensor import view_box

STRONGEST = 0.6
# A drawing needs many times its file: whoever asks for one waits for a turn.
AT_ONCE = 2
BAND = 256

# Violet, green, yellow: no skin has these colours, and the colour-blind can tell them apart.
STOPS = ((70, 40, 160), (30, 150, 160), (80, 200, 100), (255, 235, 50))
_PALETTE = bytes(
    np.stack(
        [np.interp(np.linspace(0, 3, 256), range(4), shade) for shade in zip(*STOPS, strict=True)],
        axis=1,
    )
    .astype(np.uint8)
    .ravel()
)
_OPACITY = [round(heat * STRONGEST) for heat in range(256)]


_turns = threading.Semaphore(AT_ONCE)


def draw_overlay(
    photo: Photo,
    heat: Sequence[Sequence[float]],
    *,
    size: tuple[int, int] | None = None,
    format: Literal["JPEG", "PNG"] = "JPEG",
) -> bytes:
    """The whole photo at `size`; unless told, as it was sent but no larger than it is kept. The
    map's cells lie inside the network's view, which is why the margin stays bare.
    """
    with _turns:
        drawn = _draw(photo, heat, size or stored_size((photo.width, photo.height)))
        return encode_png(drawn) if format == "PNG" else _encode_jpeg(drawn)


def draw_kept_overlay(content: bytes, heat: Sequence[Sequence[float]]) -> bytes:
    """The whole of a kept photo, as JPEG. It is decoded within the turn: waiting for one, a photo
    would be held at many times its file.
    """
    with _turns:
        photo = read_photo(content, full=True)
        return _encode_jpeg(_draw(photo, heat, photo.pixels.size))


def _encode_jpeg(drawn: Image.Image) -> bytes:
    out = io.BytesIO()
    drawn.save(out, "JPEG", quality=85)
    return out.getvalue()


def _draw(photo: Photo, heat: Sequence[Sequence[float]], size: tuple[int, int]) -> Image.Image:
    """The colours are laid on band by band: the whole would be held four times over."""
    drawn = photo.pixels.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    glow = _spread(photo, heat, size)
    width, height = size
    for top in range(0, height, BAND):
        band = glow.crop((0, top, width, min(top + BAND, height)))
        colour = band.convert("P")
        colour.putpalette(_PALETTE)
        drawn.paste(colour.convert("RGB"), (0, top), band.point(_OPACITY))
    return drawn


def _spread(photo: Photo, heat: Sequence[Sequence[float]], size: tuple[int, int]) -> Image.Image:
    """The map in grey at the drawing's size, its hottest cell white."""
    cells = np.asarray(heat, np.float64)
    hottest = cells.max()
    grey = cells / hottest * 255 if hottest > 0 else cells
    left, top, right, bottom = view_box(photo.pixels)
    across, down = size[0] / photo.pixels.width, size[1] / photo.pixels.height
    corner = round(left * across), round(top * down)
    inside = (
        max(1, round(right * across) - corner[0]),
        max(1, round(bottom * down) - corner[1]),
    )
    spread = Image.new("L", size)
    spread.paste(
        Image.fromarray(grey.astype(np.uint8)).resize(inside, Image.Resampling.BICUBIC), corner
    )
    return spread
