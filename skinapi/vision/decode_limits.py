"""How large a picture may be, and how much memory all decoding together: told from headers, before
a byte is decoded.

The bounds lie beyond what cameras make: 48 megapixels are 8064 x 6048, and a photo of 108, whose
sides are 12000 x 9000, does not fit into an upload of 10 MB. A PNG may have 17 megapixels, a WebP,
which no camera writes, 5.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from skinapi.vision.headers import Header
from skinapi.vision.refusals import Reason, refuse

Size = tuple[int, int]

SMALLEST_SIDE = 128
LONGEST_SIDE = 12_000
# Of a JPEG of many more pixels little memory is needed, but a second of time.
MOST_PIXELS = 64_000_000
# A progressive JPEG of 12 megapixels at full colour needs 86 MB, the most of all that cameras and
# their programs write.
MOST_BYTES = 88_000_000
# Each scan is one more walk over the whole picture, for a few bytes of file.
MOST_SCANS = 64
RGB = 4  # bytes that Pillow takes for a pixel


class DecodingMemory:
    """All decoding of a process takes from it; who needs more than is left waits, in turn."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._left = most
        self._changed = threading.Condition()
        self._next = threading.Lock()

    @contextmanager
    def taken(self, size: int) -> Iterator[None]:
        with self._next, self._changed:  # nobody overtakes who waits for much
            self._changed.wait_for(lambda: size <= self._left)
            self._left -= size
        try:
            yield
        finally:
            with self._changed:
                self._left += size
                self._changed.notify_all()


def spare_factor(size: Size, needed: Size) -> int:
    """The largest of 8, 4, 2 and 1 by which both sides can be divided and no less than is needed is
    left: the rule of JPEG's draft mode, so that every format ends at the same size.
    """
    spare = min(size[0] // needed[0], size[1] // needed[1])
    return next(factor for factor in (8, 4, 2, 1) if spare >= factor or factor == 1)


def bytes_needed(header: Header, needed: Size) -> int:
    """To decode it to RGB at the smallest scale that has no less than `needed`."""
    pixels = header.width * header.height
    small = pixels / spare_factor((header.width, header.height), needed) ** 2
    decoded = header.decoded * (small if header.scaled else pixels)
    # What the decoder holds it lets go of before the colours are converted.
    return round(decoded + max(header.held * pixels, RGB * small))


def refuse_oversize(header: Header, needed: tuple[Size, ...]) -> None:
    """Raises Refused, with the bound that is exceeded, if one is; `needed` are all sizes at which
    it may have to be decoded.
    """
    size = {"width": header.width, "height": header.height}
    if (
        max(header.width, header.height) > LONGEST_SIDE
        or header.width * header.height > MOST_PIXELS
    ):
        bounds = {"least": SMALLEST_SIDE, "most": LONGEST_SIDE, "millions": MOST_PIXELS // 10**6}
        raise refuse(Reason.TOO_LARGE, **size, **bounds)
    if header.moving:
        raise refuse(Reason.MOVING)
    if header.scans > MOST_SCANS:
        raise refuse(Reason.TOO_MANY_SCANS, scans=header.scans, most=MOST_SCANS)
    bytes_ = max(bytes_needed(header, each) for each in needed)
    if bytes_ > MOST_BYTES:
        megabytes = {"takes": -(-bytes_ // 10**6), "most": MOST_BYTES // 10**6}
        raise refuse(Reason.TOO_MUCH_MEMORY, **size, **megabytes)
