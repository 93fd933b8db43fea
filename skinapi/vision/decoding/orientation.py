"""Reads from a picture's metadata how the camera was held, and nothing else of it.

Pillow would read every tag of the Exif data, of which 64 KB hold thousands.
Formats: Exif https://www.cipa.jp/std/documents/e/DC-008-2012_E.pdf (section 4.6), the values
https://exiftool.org/TagNames/EXIF.html (0x0112).
"""

import re
import struct

_TAG = 0x0112
_SHORT, _LONG = 3, 4
# Cameras write some dozens of tags.
MOST_TAGS = 1000
_EXIF = b"Exif\x00\x00"
_BYTE_ORDERS = {b"II*\x00": "<", b"MM\x00*": ">"}
_IN_XMP = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')


def orientation_in_exif(exif: bytes) -> int | None:
    """The orientation that Exif data name, 1 to 8. None if they name none or are damaged: the
    pixels may still be good, so such a picture is used without turning it.
    """
    data = exif.removeprefix(_EXIF)
    order = _BYTE_ORDERS.get(data[:4])
    if order is None:
        return None
    try:
        (first,) = struct.unpack_from(f"{order}I", data, 4)
        (tags,) = struct.unpack_from(f"{order}H", data, first)
        for number in range(min(tags, MOST_TAGS)):
            at = first + 2 + 12 * number
            tag, kind = struct.unpack_from(f"{order}HH", data, at)
            if tag == _TAG and kind in (_SHORT, _LONG):
                size = "H" if kind == _SHORT else "I"
                (value,) = struct.unpack_from(f"{order}{size}", data, at + 8)
                return int(value) if 1 <= value <= 8 else None
    except struct.error:
        return None
    return None


def orientation_in_xmp(xmp: bytes) -> int | None:
    """The orientation that an XMP packet names, 1 to 8; None if it names none."""
    found = _IN_XMP.search(xmp)
    return int(found[1]) if found else None
