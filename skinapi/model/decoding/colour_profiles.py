"""Converts pictures with a colour profile to sRGB, which the network was trained on.

All iPhone photos are in Display P3: read as sRGB, their reds are too dull. A profile is a small
program, and LittleCMS, which runs it, has had vulnerabilities. So it runs in a separate process on
a grid of colours, between which this process interpolates. On photos of skin the error is at most 1
of 256 levels. The latest grids are cached, because few cameras produce most photos.
"""

import hashlib
import io
import sys
import threading
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageCms, ImageFilter

from skinapi.model.decoding.file_parts import MOST_PROFILE_BYTES
from skinapi.model.decoding.isolated_process import limit_this_process, run_isolated

# Levels of each channel in the grid, 5 apart: a profile kept takes 420 KB.
GRID = 52
_LEVELS = np.arange(0, 256, 5, dtype=np.uint8)
_SIGNATURE, _SPACE = slice(36, 40), slice(16, 20)
_COLOUR, _GREY = b"RGB ", b"GRAY"
# The memory of Python, Pillow, NumPy, the profile and its tables.
_PROCESS_BYTES = 128 * 1024 * 1024
_KEPT = 16

Conversion = Callable[[Image.Image], Image.Image]
_kept: dict[bytes, Conversion | None] = {}
_lock = threading.Lock()


class UnreadableProfile(ValueError):
    pass


def convert_to_srgb(picture: Image.Image, profile: bytes, *, grey: bool) -> Image.Image:
    """Raises UnreadableProfile, or Unavailable if this machine is the cause. `grey`: the file has
    one value for each pixel.
    """
    if len(profile) > MOST_PROFILE_BYTES or profile[_SIGNATURE] != b"acsp":
        raise UnreadableProfile
    if profile[_SPACE] != _COLOUR and not (grey and profile[_SPACE] == _GREY):
        raise UnreadableProfile
    key = hashlib.sha256(profile).digest()
    with _lock:
        known = key in _kept
        conversion = _kept.get(key)
    if not known:
        conversion = _read_conversion(profile)
        with _lock:
            _kept[key] = conversion
            for oldest in list(_kept)[:-_KEPT]:
                del _kept[oldest]
    if conversion is None:
        raise UnreadableProfile
    return conversion(picture)


def _read_conversion(profile: bytes) -> Conversion | None:
    before = _colours(grey=profile[_SPACE] == _GREY)
    try:
        raw = run_isolated("skinapi.model.decoding.colour_profiles", profile)
        after = Image.frombytes("RGB", before.size, raw)
    except ValueError:
        return None
    differences = np.asarray(after, np.int16) - np.asarray(before.convert("RGB"), np.int16)
    if np.abs(differences).max() <= 1:  # one of the many sRGB profiles
        return lambda picture: picture
    if before.mode == "L":
        table = np.asarray(after).reshape(256, 3).T.ravel().tolist()
        return lambda picture: picture.point(table)
    lookup = ImageFilter.Color3DLUT(GRID, np.asarray(after, np.float32).ravel() / 255)
    return lambda picture: picture.filter(lookup)


def _colours(*, grey: bool) -> Image.Image:
    if grey:
        return Image.frombytes("L", (256, 1), bytes(range(256)))
    blue, green, red = np.meshgrid(_LEVELS, _LEVELS, _LEVELS, indexing="ij")
    return Image.fromarray(np.stack([red, green, blue], -1).reshape(GRID, GRID**2, 3))


def _main() -> None:
    limit_this_process(_PROCESS_BYTES)
    profile = sys.stdin.buffer.read()
    colours = _colours(grey=profile[_SPACE] == _GREY)
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    target = ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(source, target, colours.mode, "RGB")
    sys.stdout.buffer.write(transform.apply(colours).tobytes())


if __name__ == "__main__":
    _main()
