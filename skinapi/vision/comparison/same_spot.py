"""Whether pictures that were sent as those of one spot may show different ones."""

from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image

from skinapi.vision.comparison.alignment import LEAST_CORRELATION, find_fit
from skinapi.vision.context import Modality


class KnownPicture(NamedTuple):
    """`kind` is UNKNOWN where nobody knows it."""

    pixels: Image.Image
    kind: Modality

    def fits(self, other: "KnownPicture") -> bool:
        """A close-up and a dermoscope picture hardly ever fit, of one spot or of two: that is not
        tried, because nothing tells such pairs apart (docs/comparison.md).
        """
        if Modality.UNKNOWN not in (self.kind, other.kind) and self.kind is not other.kind:
            return False
        return find_fit(other.pixels, self.pixels).correlation >= LEAST_CORRELATION


def find_apart(pictures: Sequence[KnownPicture]) -> tuple[int, int] | None:
    """The places of two pictures that may show different spots: the later one fits none of those
    before it. None if there are none.
    """
    for place, picture in enumerate(pictures[1:], 1):
        if not any(picture.fits(other) for other in pictures[:place]):
            return 0, place
    return None
