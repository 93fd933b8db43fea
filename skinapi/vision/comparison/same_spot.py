"""Whether pictures that were sent as those of one spot may show different ones."""

from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image

from skinapi.vision.comparison.alignment import find_fit
from skinapi.vision.comparison.comparison import LEAST_CORRELATION
from skinapi.vision.context import Modality


class KnownPicture(NamedTuple):
    """`kind` is UNKNOWN where nobody knows it."""

    pixels: Image.Image
    kind: Modality

    def may_fit(self, other: "KnownPicture") -> bool:
        """A close-up and a dermoscope picture of one spot hardly ever fit, so that says nothing."""
        return Modality.UNKNOWN in (self.kind, other.kind) or self.kind is other.kind


def find_apart(pictures: Sequence[KnownPicture]) -> tuple[int, int] | None:
    """The places of two pictures that may show different spots: the later one fits none of those
    before it, of which one at least is not known to be of another kind. None if there are none.
    """
    for place, picture in enumerate(pictures):
        before = [other for other in range(place) if picture.may_fit(pictures[other])]
        if before and not any(_fits(pictures[other], picture) for other in before):
            return before[0], place
    return None


def _fits(first: KnownPicture, second: KnownPicture) -> bool:
    return find_fit(first.pixels, second.pixels).correlation >= LEAST_CORRELATION
