"""ICC profiles of colours, made here."""

import struct
from collections.abc import Sequence

# https://www.color.org/chardata/rgb/DisplayP3.xalter: red, green and blue, adapted to D50.
DISPLAY_P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
WHITE = (0.9642, 1.0, 0.8249)
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def fixed(*numbers: float) -> bytes:
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


def profile_of(tags: dict[bytes, bytes], *, space: bytes = b"RGB ") -> bytes:
    start, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    size = start + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"test", 0x02400000, b"mntr", space, b"XYZ ")
    return head + bytes(12) + b"acsp" + bytes(28) + fixed(*WHITE) + bytes(48) + table + body


def xyz(numbers: Sequence[float]) -> bytes:
    return b"XYZ " + bytes(4) + fixed(*numbers)


def matrix_profile(primaries: Sequence[Sequence[float]] = DISPLAY_P3) -> bytes:
    """A profile of three primaries and the curve of sRGB, as cameras write them."""
    curve = b"para" + bytes(4) + struct.pack(">HH", 3, 0) + fixed(*_SRGB_CURVE)
    tags = {b"wtpt": xyz(WHITE)}
    for name, primary in zip((b"r", b"g", b"b"), primaries, strict=True):
        tags |= {name + b"XYZ": xyz(primary), name + b"TRC": curve}
    return profile_of(tags)


def grey_profile(gamma: float) -> bytes:
    curve = b"curv" + bytes(4) + struct.pack(">IHH", 1, round(gamma * 256), 0)
    return profile_of({b"wtpt": xyz(WHITE), b"kTRC": curve}, space=b"GRAY")
