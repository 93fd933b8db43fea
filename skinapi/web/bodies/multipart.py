"""Reads the parts of a multipart form: in memory, or as a stream.

Werkzeug's own loop over its decoder puts no limit on the headers of a part, and a form of 10 MB
with headers of 100,000 lines takes seconds of Python and 90 MB. So this loop checks their size
before they are parsed. https://www.rfc-editor.org/rfc/rfc7578
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import (
    Data,
    Epilogue,
    Event,
    Field,
    File,
    MultipartDecoder,
    NeedData,
    State,
)

READ_BYTES = 64 * 1024
# Browsers and HTTP libraries write two or three headers, of 300 bytes together. A name of a file
# may have 255 characters, which are up to 12 bytes each where they are escaped.
LARGEST_HEADERS = 8 * 1024
CHARSETS = ("ascii", "us-ascii", "utf-8", "iso-8859-1")
_BLANK_LINE = re.compile(rb"\r\n\r\n|\r\r|\n\n")


@dataclass(frozen=True, slots=True)
class PartHead:
    """Of a text field, or of a file where `filename` is set."""

    name: str
    filename: str | None
    charset: str


def read_parts(
    stream: IO[bytes], boundary: bytes, *, most: int, most_text: int
) -> Iterator[tuple[PartHead, bytes]]:
    """Yield the head and the bytes of each part. Raises RequestEntityTooLarge for more parts than
    `most`, for more bytes of text, and for larger headers; ValueError for a form that is broken.
    """
    head: PartHead | None = None
    content = io.BytesIO()
    for event in stream_parts(stream, boundary, most=most, most_text=most_text):
        if isinstance(event, bytes):
            content.write(event)
            continue
        if head:
            # `getvalue` returns the bytes that were written; `read` would copy them.
            yield head, content.getvalue()
        head, content = event, io.BytesIO()
    if head:
        yield head, content.getvalue()


def stream_parts(
    stream: IO[bytes], boundary: bytes, *, most: int, most_text: int
) -> Iterator[PartHead | bytes]:
    """Yield the head of each part, then its bytes in pieces. Raises as `read_parts`.

    The last part may be cut off: then ValueError is raised after its pieces.
    """
    if not boundary:
        raise ValueError("a form without a boundary")
    decoder = MultipartDecoder(boundary, most_text, max_parts=most)
    part: Field | File | None = None
    text_bytes = 0
    for event in _events(stream, decoder):
        if isinstance(event, (Field, File)):
            part = event
            yield _begun(part)
        elif isinstance(event, Data) and part is not None:
            if isinstance(part, Field):
                text_bytes += len(event.data)
                if text_bytes > most_text:
                    raise RequestEntityTooLarge
            if event.data:
                yield bytes(event.data)


def _events(stream: IO[bytes], decoder: MultipartDecoder) -> Iterator[Event]:
    while True:
        data = stream.read(READ_BYTES)
        decoder.receive_data(data or None)
        event = _next(decoder)
        while not isinstance(event, (NeedData, Epilogue)):
            yield event
            event = _next(decoder)
        if isinstance(event, Epilogue) or not data:
            return


def _next(decoder: MultipartDecoder) -> Event:
    """The next event. Raises RequestEntityTooLarge if the headers before it are too large."""
    if (
        decoder.state is State.PART
        and len(decoder.buffer) > LARGEST_HEADERS
        and not _BLANK_LINE.search(decoder.buffer, 0, LARGEST_HEADERS)
    ):
        raise RequestEntityTooLarge
    return decoder.next_event()


def _begun(part: Field | File) -> PartHead:
    _, options = parse_options_header(part.headers.get("content-type", ""))
    charset = options.get("charset", "").lower()
    return PartHead(
        name=part.name,
        filename=part.filename if isinstance(part, File) else None,
        charset=charset if charset in CHARSETS else "utf-8",
    )
