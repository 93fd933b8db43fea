"""multipart/related (RFC 2387), as it is sent here and answered, and what a client accepts.

The decoder of forms in platform/web is of no use for it: it demands a name of each part.
https://www.rfc-editor.org/rfc/rfc2046#section-5.1
"""

import re
from collections.abc import Callable, Iterable, Iterator
from email.parser import BytesHeaderParser
from secrets import token_hex
from typing import IO, NamedTuple

from skinapi.base.errors import BadRequest, PayloadTooLarge, SkinAPIError

READ_BYTES = 64 * 1024
LONGEST_BOUNDARY = 200  # RFC 2046 allows 70; Orthanc writes 73
LARGEST_HEADERS = 8 * 1024
CUT_OFF = "The body ends before its last boundary; nothing was stored"
NO_BOUNDARY = "Send multipart/related with a boundary"


class Part(NamedTuple):
    """The bytes from `start` to `end` of the file are its content."""

    media_type: str
    start: int
    end: int


def spool_parts(
    read: Callable[[int], bytes], boundary: str, into: IO[bytes], *, most: int
) -> list[Part]:
    """Write the contents of all parts into a file."""
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
    """What was read, and not yet used. A first boundary needs no line before it."""

    def __init__(self, read: Callable[[int], bytes], delimiter: bytes) -> None:
        self._read, self._delimiter = read, delimiter
        self._buffer = bytearray(b"\r\n")

    def copy_to_boundary(self, into: IO[bytes] | None) -> None:
        """Use up all to the end of the next boundary."""
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
        """Whether the boundary was the last; else its line is used up."""
        while len(self._buffer) < 2:
            self._read_more()
        if self._buffer.startswith(b"--"):
            while self._read(READ_BYTES):  # an epilogue says nothing
                pass
            return True
        line = self._take_to(b"\r\n")
        if line.strip(b" \t"):
            raise BadRequest("A boundary is followed by other characters")
        # Where a part has no headers, one empty line ends them: this looks as the others do.
        self._buffer[:0] = b"\r\n"
        return False

    def read_headers(self) -> str:
        """The media type of the part, in small letters, without parameters."""
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


OBJECTS, OBJECT, FRAME = "multipart/related", "application/dicom", "image/jpeg"
# https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.7.3.5.2
UNCOMPRESSED = "1.2.840.10008.1.2.1"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
SYNTAXES = (UNCOMPRESSED, JPEG_BASELINE, "*")

WISH = re.compile(r'(?:[^,"]+|"[^"]*"?)+')
QUALITY = re.compile(r"[01](?:\.\d{0,3})?")


class NotAcceptable(SkinAPIError):
    status, code = 406, "not_acceptable"
    sentence = "What the Accept header asks for is not given here"


def choose_syntax(accept: str | None) -> str:
    """In which transfer syntax the objects are sent, by the first of the client's wishes that can
    be granted: UNCOMPRESSED where none is named, as the standard asks; `*` as they are kept.
    """
    for kind, parameters in _wishes(accept):
        syntax = parameters.get("transfer-syntax", UNCOMPRESSED)
        if kind == "*/*":
            return UNCOMPRESSED
        if kind == OBJECTS and parameters.get("type", OBJECT) == OBJECT and syntax in SYNTAXES:
            return syntax
    raise NotAcceptable(
        f'Accept {OBJECTS}; type="{OBJECT}" with one of the transfer syntaxes {", ".join(SYNTAXES)}'
    )


def refuse_other_types(accept: str | None, *offered: str) -> None:
    """Refuse a client that takes none of these; without a header it takes any."""
    groups = {f"{media_type.partition('/')[0]}/*" for media_type in offered}
    for kind, parameters in _wishes(accept):
        wanted = parameters.get("type", kind) if kind == OBJECTS else kind
        if wanted in {"*/*", *groups, *offered}:
            return
    raise NotAcceptable(f"Accept {' or '.join(offered)}")


def _wishes(accept: str | None) -> list[tuple[str, dict[str, str]]]:
    """The media types of the header with their parameters, the most wanted first. Many clients
    leave out the quotation marks around `application/dicom`, which werkzeug does not read.
    """
    wishes = []
    for text in WISH.findall(accept or "*/*"):
        kind, *rest = (part.strip() for part in text.split(";"))
        pairs = (parameter.partition("=") for parameter in rest)
        parameters = {name.strip().lower(): value.strip(' "') for name, _, value in pairs}
        wishes.append((kind.lower(), parameters))
    return sorted(wishes, key=_quality, reverse=True)


def _quality(wish: tuple[str, dict[str, str]]) -> float:
    text = wish[1].get("q", "1")
    return float(text) if QUALITY.fullmatch(text) else 0.0


def stream_parts(parts: Iterable[bytes], kind: str) -> tuple[str, Iterator[bytes]]:
    """The media type of the answer, and its body, one part after the other."""
    boundary = token_hex(16)

    def body() -> Iterator[bytes]:
        for part in parts:
            head = f"--{boundary}\r\nContent-Type: {kind}\r\nContent-Length: {len(part)}\r\n\r\n"
            yield head.encode()
            yield part
            yield b"\r\n"
        yield f"--{boundary}--\r\n".encode()

    quoted = kind.partition(";")[0]
    return f'{OBJECTS}; type="{quoted}"; boundary={boundary}', body()
