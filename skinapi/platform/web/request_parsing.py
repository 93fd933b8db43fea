"""Parses and validates requests: JSON bodies, queries, paths, and multipart forms.

Forms are parsed in memory only: no photo is written to disk.
"""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, Generic, TypeVar, get_args

from flask import Request
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.http import parse_date, parse_if_range_header, parse_options_header
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

from skinapi.base.errors import (
    BadRequest,
    InvalidBody,
    InvalidQuery,
    RequestTimeout,
    UnsupportedMediaType,
)
from skinapi.base.size_limits import holds_more_values
from skinapi.base.values import PartHead
from skinapi.platform.web.request_context import is_oversize, largest_body, oversize
from skinapi.platform.web.schemas import Body, Form, Upload

B = TypeVar("B", bound=Body)
Q = TypeVar("Q", bound=BaseModel)
LONGEST_ECHO = 60
# Against slow parsing. Our bodies have at most twenty values; the others are for clients that send
# fields which are ignored. The parser itself limits the depth of lists and objects to 200.
MOST_VALUES = 1000
# The headers whose parser in werkzeug raises errors that are no HTTPException: for a date with a
# time zone 10**17 hours off, an OverflowError. A test tries all headers.
FRAGILE_HEADERS: dict[str, Callable[[str], object]] = {
    "HTTP_DATE": parse_date,
    "HTTP_IF_MODIFIED_SINCE": parse_date,
    "HTTP_IF_UNMODIFIED_SINCE": parse_date,
    "HTTP_IF_RANGE": parse_if_range_header,
}
# An absent body is read as this.
NO_FIELDS = b"{}"
NOT_AN_OBJECT = {
    "json_invalid": "The body is not valid JSON",
    "model_type": "The body must be a JSON object",
}


def read_body(schema: type[B], request: Request) -> B:
    with client_stream(request, "The request body could not be read"):
        data = request.get_data(cache=False)
    if data and request.mimetype != "application/json":
        raise UnsupportedMediaType
    if holds_more_values(data, MOST_VALUES):
        raise InvalidBody(f"The body holds more than {MOST_VALUES} values")
    try:
        return schema.model_validate_json(data or NO_FIELDS)
    except ValidationError as error:
        raise InvalidBody(sentence_of(error, missing=schema.missing)) from error


def may_be_absent(schema: type[Body]) -> bool:
    try:
        schema.model_validate_json(NO_FIELDS)
    except ValidationError:
        return False
    return True


@contextmanager
def client_stream(request: Request, unreadable: str) -> Iterator[None]:
    """Wrap reading of the body. Servers raise various errors if the stream breaks off or a chunk is
    invalid, so every error counts as the client's.
    """
    try:
        yield
    except HTTPException as error:
        if isinstance(error.__context__, TimeoutError):  # the client fell silent
            raise RequestTimeout from error
        raise
    except Exception as error:
        if is_oversize(request, request.stream.tell()):  # cut off at its limit
            raise oversize() from error
        raise BadRequest(unreadable) from error
    if is_oversize(request, request.stream.tell()):
        raise oversize()


def read_query(schema: type[Q], request: Request) -> Q:
    for name in schema.model_fields:
        if len(request.args.getlist(name)) > 1:
            raise InvalidQuery(f"{name}: given more than once")
    try:
        return schema.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise InvalidQuery(sentence_of(error, missing=None)) from error


def ignore_unreadable_headers(request: Request) -> None:
    """Remove the headers that werkzeug would fail to parse, as the standard requires.
    https://www.rfc-editor.org/rfc/rfc9110#section-13.1.3
    """
    for name, parse in FRAGILE_HEADERS.items():
        sent = request.environ.get(name)
        try:
            if sent is not None:
                parse(sent)
        except Exception:  # noqa: BLE001 (the parsers name no errors)
            del request.environ[name]


def refuse_unreadable_path(request: Request) -> None:
    # WSGI passes the path's bytes as Latin-1: https://peps.python.org/pep-3333/#unicode-issues
    raw = request.environ.get("PATH_INFO", "").encode("latin-1")
    try:
        path = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("The address is not valid UTF-8") from error
    if any(ord(character) < 32 or ord(character) == 127 for character in path):
        raise BadRequest("The address holds control characters")


def sentence_of(error: ValidationError, *, missing: str | None) -> str:
    """Describe the first error. `missing` replaces it if a required field is absent or empty."""
    faults = error.errors(include_url=False, include_context=False)
    if missing and any(
        fault["type"] == "missing" or fault["input"] in (None, "") for fault in faults
    ):
        return missing
    first = faults[0]
    if first["type"] in NOT_AN_OBJECT:
        return NOT_AN_OBJECT[first["type"]]
    # The name of an unknown field is the client's own text, so it is cut.
    field = ".".join(str(part) for part in first["loc"])[:LONGEST_ECHO]
    message = first["msg"].removeprefix("Value error, ")
    return f"{field}: {message}" if field else message


# Reads the parts of a multipart form: in memory, or as a stream.
#
# Werkzeug's own loop over its decoder puts no limit on the headers of a part, and a form of 10 MB
# with headers of 100,000 lines takes seconds of Python and 90 MB. So this loop checks their size
# before they are parsed. https://www.rfc-editor.org/rfc/rfc7578


READ_BYTES = 64 * 1024
# Browsers and HTTP libraries write two or three headers, of 300 bytes together. A name of a file
# may have 255 characters, which are up to 12 bytes each where they are escaped.
LARGEST_HEADERS = 8 * 1024
CHARSETS = ("ascii", "us-ascii", "utf-8", "iso-8859-1")
_BLANK_LINE = re.compile(rb"\r\n\r\n|\r\r|\n\n")


def stream_parts(
    stream: IO[bytes], boundary: bytes, *, most: int, most_text: int
) -> Iterator[PartHead | bytes]:
    """Yield the head of each part, then its bytes in pieces. Raises ValueError if the form is
    malformed or truncated.
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


F = TypeVar("F", bound=Form)
MULTIPART = "multipart/form-data"
# The room that a form has for its texts and boundaries, besides its file.
FORM_OVERHEAD = 64 * 1024
MOST_PARTS = 64
# Werkzeug also counts what it has read but not parsed yet, so this must exceed the 64 KiB that it
# reads at a time.
MOST_TEXT = 512 * 1024


def read_form(schema: type[F], request: Request) -> F:
    """An empty text counts as missing, because browsers send it for an empty input."""
    if request.mimetype != MULTIPART:
        if schema.missing:
            raise InvalidBody(schema.missing)
        raise UnsupportedMediaType(f"Send the body as {MULTIPART}")
    texts, files = _parse(request)
    largest = largest_body() - FORM_OVERHEAD
    if any(len(file.content) > largest for file in files.values()):
        raise oversize()
    fields = {name: _value(name, schema, texts, files) for name in {*texts, *files}}
    try:
        return schema.model_validate({name: v for name, v in fields.items() if v is not None})
    except ValidationError as error:
        raise InvalidBody(sentence_of(error, missing=schema.missing)) from error


def _parse(request: Request) -> tuple[MultiDict[str, str], MultiDict[str, Upload]]:
    boundary = request.mimetype_params.get("boundary", "").encode("latin-1", "replace")
    parts: list[tuple[PartHead, io.BytesIO]] = []
    with client_stream(request, "The form could not be read"):
        for event in stream_parts(request.stream, boundary, most=MOST_PARTS, most_text=MOST_TEXT):
            if isinstance(event, PartHead):
                parts.append((event, io.BytesIO()))
            else:
                parts[-1][1].write(event)
    texts: MultiDict[str, str] = MultiDict()
    files: MultiDict[str, Upload] = MultiDict()
    for head, content in parts:
        # `getvalue` returns the bytes that were written; `read` would copy them.
        if head.filename is None:
            texts.add(head.name, content.getvalue().decode(head.charset, "replace"))
        else:
            files.add(head.name, Upload(head.filename, content.getvalue()))
    return texts, files


def _value(
    name: str,
    schema: type[BaseModel],
    texts: MultiDict[str, str],
    files: MultiDict[str, Upload],
) -> Any:
    """The value of one field, or a list if the schema wants several. A text sent as a file is
    refused. If it were ignored, it would count as not entered, even if it is a checklist that
    requires a referral.
    """
    known = schema.model_fields.get(name)
    wanted = known.annotation if known else None
    if Upload in (wanted, *get_args(wanted)):
        found: list[Any] = files.getlist(name)
    elif known and name in files:
        raise InvalidBody(f"{name}: must be sent as text, not as a file")
    else:
        found = [text for text in texts.getlist(name) if text]
    if any(getattr(part, "__origin__", None) is tuple for part in (wanted, *get_args(wanted))):
        return found or None
    if known and len(found) > 1:
        raise InvalidBody(f"{name}: given more than once")
    return found[0] if found else None


MOST_STREAMED_PARTS = 20_000
UNREADABLE = "The body could not be read"


class FormStream(Generic[F]):
    """A multipart form that may exceed memory: the head of each part, then its bytes. `F` describes
    it for OpenAPI.
    """

    def __init__(self, request: Request) -> None:
        if request.mimetype != MULTIPART:
            raise UnsupportedMediaType(f"Send the body as {MULTIPART}")
        self._request = request

    def __iter__(self) -> Iterator[PartHead | bytes]:
        request = self._request
        boundary = request.mimetype_params.get("boundary", "").encode("latin-1", "replace")
        found = stream_parts(
            request.stream, boundary, most=MOST_STREAMED_PARTS, most_text=MOST_TEXT
        )
        event: PartHead | bytes | None
        while True:
            with client_stream(request, UNREADABLE):
                event = next(found, None)
            if event is None:
                return
            yield event


class BodyStream:
    def __init__(self, request: Request) -> None:
        self._request = request
        self.media_type = request.mimetype
        self.parameters = request.mimetype_params

    def read(self, size: int) -> bytes:
        with client_stream(self._request, UNREADABLE):
            return self._request.stream.read(size)
