"""The size that a WebP file claims, read before libwebp sees it: opening one already allocates its
whole canvas.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Canvas:
    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height


def webp_canvas(content: bytes) -> Canvas | None:
    """None where this is no WebP; a WebP whose first chunk is unknown has no size to trust."""
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        return None
    chunk, body = content[12:16], content[20:30]
    if len(body) < 10:
        raise ValueError("cut off in its header")
    if chunk == b"VP8X":
        return Canvas(_number(body[4:7]) + 1, _number(body[7:10]) + 1)
    if chunk == b"VP8L":
        sizes = _number(body[1:5])
        return Canvas((sizes & 0x3FFF) + 1, (sizes >> 14 & 0x3FFF) + 1)
    if chunk == b"VP8 ":
        return Canvas(_number(body[6:8]) & 0x3FFF, _number(body[8:10]) & 0x3FFF)
    raise ValueError("an unknown kind of WebP")


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")
