"""Limits on the size of a picture and on the memory that all decoding may use together. They are
checked by the file's header, before a byte is decoded.

The limits lie beyond what cameras make: 48 megapixels are 8064 x 6048, and a photo of 108
megapixels (12000 x 9000) does not fit into an upload of 10 MB. By memory, a PNG may have 17
megapixels, and a WebP, which no camera writes, 5 (3 where it is lossless).
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from skinapi.vision.decoding.file_header import MOST_SCANS, Header
from skinapi.vision.refusals import Reason, refuse

Size = tuple[int, int]

SMALLEST_SIDE = 128
LONGEST_SIDE = 12_000
# A JPEG with many more pixels would still need little memory, but a second of time.
MOST_PIXELS = 64_000_000
# A progressive JPEG of 12 megapixels at full colour needs 86 MB, the most of all files that
# cameras and their programs write.
MOST_BYTES = 88_000_000
RGB_BYTES = 4  # Pillow stores an RGB pixel in four bytes, not three


class DecodingMemory:
    """The memory that all decoding of a process may use together. A decoding that needs more than
    is left waits until enough is free, and none overtakes it.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._left = most
        self._changed = threading.Condition()
        self._queue = threading.Lock()

    @contextmanager
    def reserved(self, size: int) -> Iterator[None]:
        # Only one thread waits for memory, all others for this lock. Otherwise small pictures
        # could overtake a large one again and again, and it would never start.
        with self._queue, self._changed:
            self._changed.wait_for(lambda: size <= self._left)
            self._left -= size
        try:
            yield
        finally:
            with self._changed:
                self._left += size
                self._changed.notify_all()


def reduction_factor(size: Size, needed: Size) -> int:
    """The largest of 8, 4, 2 and 1 by which both sides can be divided while each keeps the length
    that is needed.

    This is the rule of JPEG's draft mode, so that every format ends at the same size.
    """
    spare = min(size[0] // needed[0], size[1] // needed[1])
    return next(factor for factor in (8, 4, 2, 1) if spare >= factor or factor == 1)


def bytes_needed(header: Header, needed: Size) -> int:
    """The memory, in bytes, that decoding to RGB takes at the smallest scale that has at least the
    `needed` size.
    """
    pixels = header.width * header.height
    small = pixels / reduction_factor(header.size, needed) ** 2
    decoded = header.decoded * (small if header.scaled else pixels)
    # The decoder frees its own buffers before the colours are converted, so only the larger of the
    # two counts.
    return round(header.fixed + decoded + max(header.held * pixels, RGB_BYTES * small))


def refuse_oversize(header: Header, needed: tuple[Size, ...]) -> None:
    """Raises Refused, with the limit that is exceeded, for a picture that must not be decoded.

    `needed` are all sizes at which it may have to be decoded.
    """
    size = {"width": header.width, "height": header.height}
    if max(header.size) > LONGEST_SIDE or header.width * header.height > MOST_PIXELS:
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
