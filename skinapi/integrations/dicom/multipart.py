"""Parses multipart/related (RFC 2387). The form decoder in platform/web requires a name for each
part. https://www.rfc-editor.org/rfc/rfc2046#section-5.1
"""

from collections.abc import Callable
from email.parser import BytesHeaderParser
from typing import IO, NamedTuple

from skinapi.base.errors import BadRequest, PayloadTooLarge

OBJECTS, OBJECT = "multipart/related", "application/dicom"
READ_BYTES = 64 * 1024
LONGEST_BOUNDARY = 200  # RFC 2046 allows 70; Orthanc writes 73
LARGEST_HEADERS = 8 * 1024
CUT_OFF = "The body ends before its last boundary; nothing was stored"
NO_BOUNDARY = "Send multipart/related with a boundary"


class Part(NamedTuple):
    media_type: str
    start: int
    end: int


def spool_parts(
    read: Callable[[int], bytes], boundary: str, into: IO[bytes], *, most: int
) -> list[Part]:
    if not 0 < len(boundary) <= LONGEST_BOUNDARY or not boundary.isascii():
        raise BadRequest(NO_BOUNDARY)
    body = _Body(read, b"\r\n--" + boundary.encode())
    body.copy_to_boundary(None)
    parts: list[Part] = []
    while not body.is_end():
        if len(parts) == most:
            raise PayloadTooLarge(f"Send at most {most} objects at a time")
        media_type = body.read_headers()
        start = into.tell()
        body.copy_to_boundary(into)
        parts.append(Part(media_type, start, into.tell()))
    return parts


class _Body:
    """The bytes read but not used yet. The first boundary needs no preceding line."""

    def __init__(self, read: Callable[[int], bytes], delimiter: bytes) -> None:
        self._read, self._delimiter = read, delimiter
        self._buffer = bytearray(b"\r\n")

    def copy_to_boundary(self, into: IO[bytes] | None) -> None:
        kept = len(self._delimiter) - 1  # a boundary may have begun in them
        while (place := self._buffer.find(self._delimiter)) < 0:
            if into and len(self._buffer) > kept:
                into.write(self._buffer[:-kept])
            del self._buffer[:-kept]
            self._read_more()
        if into:
            into.write(self._buffer[:place])
        del self._buffer[: place + len(self._delimiter)]

    def is_end(self) -> bool:
        while len(self._buffer) < 2:
            self._read_more()
        if self._buffer.startswith(b"--"):
            while self._read(READ_BYTES):  # ignore the epilogue
                pass
            return True
        line = self._take_to(b"\r\n")
        if line.strip(b" \t"):
            raise BadRequest("A boundary is followed by other characters")
        # Where a part has no headers, one empty line ends them: this looks as the others do.
        self._buffer[:0] = b"\r\n"
        return False

    def read_headers(self) -> str:
        head = self._take_to(b"\r\n\r\n")
        return BytesHeaderParser().parsebytes(head.lstrip(b"\r\n")).get_content_type()

    def _take_to(self, end: bytes) -> bytes:
        while (place := self._buffer.find(end, 0, LARGEST_HEADERS)) < 0:
            if len(self._buffer) >= LARGEST_HEADERS:
                raise BadRequest("A part has larger headers than any program writes")
            self._read_more()
        taken = bytes(self._buffer[:place])
        del self._buffer[: place + len(end)]
        return taken

    def _read_more(self) -> None:
        data = self._read(READ_BYTES)
        if not data:
            raise BadRequest(CUT_OFF)
        self._buffer += data
