"""Parses and validates JSON bodies, queries and paths of requests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from flask import Request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_date, parse_if_range_header

from skinapi.base.errors import (
    BadRequest,
    InvalidBody,
    InvalidQuery,
    RequestTimeout,
    UnsupportedMediaType,
)
from skinapi.base.json_bounds import holds_more_values
from skinapi.platform.web.request_context import is_oversize, oversize
from skinapi.platform.web.schemas import Body

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
NOT_AN_OBJECT = {
    "json_invalid": "The body is not valid JSON",
    "model_type": "The body must be a JSON object",
}


def read_body(schema: type[B], request: Request) -> B:
    """The validated JSON body; an empty body counts as an empty object.

    Raises InvalidBody, UnsupportedMediaType, BadRequest, PayloadTooLarge.
    """
    with client_stream(request, "The request body could not be read"):
        data = request.get_data(cache=False)
    if data and request.mimetype != "application/json":
        raise UnsupportedMediaType
    if holds_more_values(data, MOST_VALUES):
        raise InvalidBody(f"The body holds more than {MOST_VALUES} values")
    try:
        return schema.model_validate_json(data or b"{}")
    except ValidationError as error:
        raise InvalidBody(sentence_of(error, missing=schema.missing)) from error


@contextmanager
def client_stream(request: Request, unreadable: str) -> Iterator[None]:
    """Within it the body is read. Raises BadRequest with this sentence, RequestTimeout and
    PayloadTooLarge.

    Every server raises errors of its own when the stream breaks off or a chunk is invalid, so each
    error counts as the client's.
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
    """The validated query. Raises InvalidQuery, also for a parameter that is given twice."""
    for name in schema.model_fields:
        if len(request.args.getlist(name)) > 1:
            raise InvalidQuery(f"{name}: given more than once")
    try:
        return schema.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise InvalidQuery(sentence_of(error, missing=None)) from error


def ignore_unreadable_headers(request: Request) -> None:
    """Remove the headers that werkzeug would fail to parse, as if they had not been sent.

    So the standard asks: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.3
    """
    for name, parse in FRAGILE_HEADERS.items():
        sent = request.environ.get(name)
        try:
            if sent is not None:
                parse(sent)
        except Exception:  # noqa: BLE001 (the parsers name no errors)
            del request.environ[name]


def refuse_unreadable_path(request: Request) -> None:
    """Raises BadRequest where the path is not UTF-8 or holds control characters."""
    # WSGI passes the path's bytes as Latin-1: https://peps.python.org/pep-3333/#unicode-issues
    raw = request.environ.get("PATH_INFO", "").encode("latin-1")
    try:
        path = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("The address is not valid UTF-8") from error
    if any(ord(character) < 32 or ord(character) == 127 for character in path):
        raise BadRequest("The address holds control characters")


def sentence_of(error: ValidationError, *, missing: str | None) -> str:
    """The sentence that tells a person what is wrong with the input.

    It is about the first fault; `missing` replaces it where a required field is absent or empty.
    """
    faults = error.errors(include_url=False, include_context=False)
    if missing and any(one["type"] == "missing" or one["input"] in (None, "") for one in faults):
        return missing
    first = faults[0]
    if first["type"] in NOT_AN_OBJECT:
        return NOT_AN_OBJECT[first["type"]]
    # The name of an unknown field is the client's own text, so it is cut.
    field = ".".join(str(part) for part in first["loc"])[:LONGEST_ECHO]
    message = first["msg"].removeprefix("Value error, ")
    return f"{field}: {message}" if field else message
