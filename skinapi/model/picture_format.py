from collections.abc import Callable
from dataclasses import dataclass

from skinapi.model.context import Context


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """`suffix` is the file name's, in lower case; `largest` is in bytes. `missing` says what to
    install if its `library` is missing.

    `open` returns the photo in a file, up to this size, and its facts; None for a file of another
    format. Raises Refused.
    """

    suffix: bytes
    largest: int
    library: str
    missing: str
    open: Callable[[bytes, int], tuple[bytes, Context] | None]
