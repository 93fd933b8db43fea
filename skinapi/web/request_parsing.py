"""From the bytes of a request to checked values: bodies, queries, paths."""

from typing import TypeVar

from flask import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import HTTPException

from skinapi.errors import (
    BadRequest,
    InvalidBody,
    InvalidQuery,
    UnsupportedMediaType,
)
from skinapi.json_bounds import holds_more_values
from skinapi.web.request_context import oversize
from skinapi.web.schema_types import Body

B = TypeVar("B", bound=Body)
Q = TypeVar("Q", bound=BaseModel)
LONGEST_ECHO = 60
# No body has more than twenty; what a client sends besides is ignored. Lists and objects lie no
# deeper than the parser's own limit of 200.
MOST_VALUES = 1000
NO_SCHEMA = {
    "json_invalid": "The body is not valid JSON",
    "model_type": "The body must be a JSON object",
}


def read_body(schema: type[B], request: Request) -> B:
    """The JSON body; none at all counts as an empty object."""
    data = _read(request)
    if data and request.mimetype != "application/json":
        raise UnsupportedMediaType
    if holds_more_values(data, MOST_VALUES):
        raise InvalidBody(f"The body holds more than {MOST_VALUES} values")
    try:
        return schema.model_validate_json(data or b"{}")
    except ValidationError as error:
        raise InvalidBody(sentence_of(error, missing=schema.missing)) from error


def _read(request: Request) -> bytes:
    """The body's bytes. Each server has errors of its own for a stream that breaks off or whose
    chunks are no chunks; all of them are the client's."""
    try:
        data = request.get_data(cache=False)
    except HTTPException:
        raise
    except Exception as error:
        raise BadRequest("The request body could not be read") from error
    if request.content_length is None and len(data) == request.max_content_length:
        raise oversize()  # of an unannounced length, it was cut off here
    return data


def read_query(schema: type[Q], request: Request) -> Q:
    for name in schema.model_fields:
        if len(request.args.getlist(name)) > 1:
            raise InvalidQuery(f"{name}: given more than once")
    try:
        return schema.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise InvalidQuery(sentence_of(error, missing=None)) from error


def refuse_unreadable_path(request: Request) -> None:
    """A path that is not UTF-8, or that hides control characters, names nothing here."""
    raw = request.environ.get("PATH_INFO", "").encode("latin-1")
    try:
        path = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("The address is not valid UTF-8") from error
    if any(ord(character) < 32 or ord(character) == 127 for character in path):
        raise BadRequest("The address holds control characters")


def sentence_of(error: ValidationError, *, missing: str | None) -> str:
    """One sentence for a person: the client's own about missing fields, else the first fault."""
    faults = error.errors(include_url=False, include_context=False)
    if missing and any(_is_absent(fault) for fault in faults):
        return missing
    first = faults[0]
    if first["type"] in NO_SCHEMA:
        return NO_SCHEMA[first["type"]]
    field = ".".join(str(part) for part in first["loc"])[:LONGEST_ECHO]
    said = first["msg"].removeprefix("Value error, ")
    return f"{field}: {said}" if field else said


def _is_absent(fault: ErrorDetails) -> bool:
    return fault["type"] == "missing" or fault["input"] in (None, "")
