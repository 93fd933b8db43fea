"""Photos for the bench: spots drawn from fixed seeds, or some of a given folder, each at the size
of a dermoscope's file and of a phone's.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from tests.model.comparison.pictures import spot
from tests.model.photos import encoded
from tests.served.photo_clients import TWELVE_MEGAPIXELS

CANDIDATES = 24
QUALITY = 90
SIZES: Mapping[str, tuple[int, int]] = {"600x450": (600, 450), "12 MP": TWELVE_MEGAPIXELS}
Photos = Mapping[str, Sequence[bytes]]


def photos(folder: Path | None) -> Photos:
    originals = draw_spots() if folder is None else _chosen(folder)
    return {
        name: [
            encoded(picture.resize(size, Image.Resampling.BICUBIC), quality=QUALITY)
            for picture in originals
        ]
        for name, size in SIZES.items()
    }


def draw_spots() -> list[Image.Image]:
    """Draw small and pale spots with a pattern. The shipped model does not recognise plain spots,
    and does not rule out a melanoma in large or dark ones, so some clients get no heat map of them.
    """
    return [spot(seed, area=0.15, darker=-60) for seed in range(CANDIDATES)]


def _chosen(folder: Path) -> list[Image.Image]:
    """Choose evenly over the folder, sorted by name."""
    paths = sorted(folder.glob("*.jpg"))
    return [
        Image.open(path).convert("RGB")
        for path in paths[:: max(1, len(paths) // CANDIDATES)][:CANDIDATES]
    ]
