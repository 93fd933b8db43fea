"""Parses multipart forms into validated schemas, in memory only: no photo is written to disk."""

from typing import Any, TypeVar, get_args

from flask import Request
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MultiDict

from skinapi.errors import InvalidBody, UnsupportedMediaType
from skinapi.web.bodies.multipart import read_parts
from skinapi.web.bodies.request_parsing import client_stream, sentence_of
from skinapi.web.request_context import largest_body, oversize
from skinapi.web.schemas.schema_types import Form, Upload

F = TypeVar("F", bound=Form)
MULTIPART = "multipart/form-data"
# The room that a form has for its texts and boundaries, besides its file.
FORM_OVERHEAD = 64 * 1024
MOST_PARTS = 64
# Werkzeug also counts what it has read but not parsed yet, so this must exceed the 64 KiB that it
# reads at a time.
MOST_TEXT = 512 * 1024


def read_form(schema: type[F], request: Request) -> F:
    """The validated form. Raises InvalidBody, UnsupportedMediaType, BadRequest, PayloadTooLarge.

    An empty text counts as a missing field, because browsers send it for an empty input.
    """
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
    """The texts and the files of the form. Raises BadRequest, PayloadTooLarge."""
    boundary = request.mimetype_params.get("boundary", "").encode("latin-1", "replace")
    texts: list[tuple[str, str]] = []
    files: list[tuple[str, Upload]] = []
    with client_stream(request, "The form could not be read"):
        for head, content in read_parts(
            request.stream, boundary, most=MOST_PARTS, most_text=MOST_TEXT
        ):
            if head.filename is None:
                texts.append((head.name, content.decode(head.charset, "replace")))
            else:
                files.append((head.name, Upload(head.filename, content)))
    return MultiDict(texts), MultiDict(files)


def _value(
    name: str,
    schema: type[BaseModel],
    texts: MultiDict[str, str],
    files: MultiDict[str, Upload],
) -> Any:
    """The value of one field: a file or a text, or a list where the schema wants several; None
    where it is missing.

    Raises InvalidBody where one value is wanted and several were sent, and where a text was sent as
    a file: left out, it would count as not told, also a checklist that demands a referral.
    """
    known = schema.model_fields.get(name)
    wanted = known.annotation if known else None
    if Upload in (wanted, *get_args(wanted)):
        found: list[Any] = files.getlist(name)
    elif known and name in files:
        raise InvalidBody(f"{name}: must be sent as text, not as a file")
    else:
        found = [text for text in texts.getlist(name) if text]
    if _is_list(wanted):
        return found or None
    if known and len(found) > 1:
        raise InvalidBody(f"{name}: given more than once")
    return found[0] if found else None


def _is_list(wanted: Any) -> bool:
    return any(getattr(part, "__origin__", None) is tuple for part in (wanted, *get_args(wanted)))
