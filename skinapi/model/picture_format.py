"""Files in which a picture lies that is no photo by itself, such as those of another system. An
area that reads some has a `PICTURES` of this kind, in the `pictures.py` of its folder.
"""

from collections.abc import Callable
from dataclasses import dataclass

from skinapi.model.context import Context


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """`suffix` is that of a file's name, in small letters; `largest` in bytes. `missing` says what
    to install where its `library` is not there.

    `open` gives the photo of a file, which may have so many bytes, and what the file tells of it;
    None where it is no such file. Raises Refused.
    """

    suffix: bytes
    largest: int
    library: str
    missing: str
    open: Callable[[bytes, int], tuple[bytes, Context] | None]
