"""Photos for the bench to choose from: lesions made here from a fixed seed, or some of a folder of
yours, each at the size of a dermoscope's file and of a phone's.
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from tests.served.photo_clients import TWELVE_MEGAPIXELS, lesions
from tests.vision.photos import encoded

CANDIDATES = 24
QUALITY = 90
SIZES: Mapping[str, tuple[int, int]] = {"600x450": (600, 450), "12 MP": TWELVE_MEGAPIXELS}
Photos = Mapping[str, Sequence[bytes]]


def photos(folder: Path | None) -> Photos:
    originals = _made() if folder is None else _chosen(folder)
    return {
        name: [
            encoded(picture.resize(size, Image.Resampling.BICUBIC), quality=QUALITY)
            for picture in originals
        ]
        for name, size in SIZES.items()
    }


def _made() -> list[Image.Image]:
    return [Image.open(io.BytesIO(content)) for content in lesions(CANDIDATES)]


def _chosen(folder: Path) -> list[Image.Image]:
    """Evenly over the folder, by name."""
    paths = sorted(folder.glob("*.jpg"))
    return [
        Image.open(path).convert("RGB")
        for path in paths[:: max(1, len(paths) // CANDIDATES)][:CANDIDATES]
    ]
