"""From a multipart body to a checked form, held in memory alone: no photo touches the disk."""

import io
from typing import Any, TypeVar, cast, get_args

from flask import Request
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import FormDataParser

from skinapi.errors import BadRequest, InvalidBody, UnsupportedMediaType
from skinapi.web.request_context import oversize
from skinapi.web.request_parsing import sentence_of
from skinapi.web.schema_types import Form, Upload

F = TypeVar("F", bound=Form)
MULTIPART = "multipart/form-data"
# Beside its file a form has room for its texts and boundaries.
ROOM = 64 * 1024
MOST_PARTS = 64
# Counts what is not parsed yet too, so it must exceed the 64 KiB that are read at a time.
MOST_TEXT = 512 * 1024


def read_form(schema: type[F], request: Request) -> F:
    """An empty text counts as a field that was left out: so browsers send it."""
    if request.mimetype != MULTIPART:
        if schema.missing:
            raise InvalidBody(schema.missing)
        raise UnsupportedMediaType(f"Send the body as {MULTIPART}")
    texts, files = _parse(request)
    largest = (request.max_content_length or 0) - ROOM
    if any(len(file.content) > largest for file in files.values()):
        raise oversize()
    fields = {name: _value(name, schema, texts, files) for name in {*texts, *files}}
    try:
        return schema.model_validate({name: v for name, v in fields.items() if v is not None})
    except ValidationError as error:
        raise InvalidBody(sentence_of(error, missing=schema.missing)) from error


def _parse(request: Request) -> tuple[MultiDict[str, str], MultiDict[str, Upload]]:
    """Each server has errors of its own for a stream that breaks off; all are the client's."""
    parser = FormDataParser(
        stream_factory=lambda *_, **__: io.BytesIO(),
        max_form_memory_size=MOST_TEXT,
        max_form_parts=MOST_PARTS,
        silent=False,
    )
    stream, length = request.stream, request.content_length
    try:
        _, texts, files = parser.parse(stream, MULTIPART, length, request.mimetype_params)
    except HTTPException:
        raise
    except Exception as error:
        if length is None and stream.tell() == request.max_content_length:
            raise oversize() from error  # of an unannounced length, it was cut off here
        raise BadRequest("The form could not be read") from error
    return texts, MultiDict([(name, _upload(file)) for name, file in files.items(multi=True)])


def _upload(file: FileStorage) -> Upload:
    """`getvalue` hands out the very bytes that were read; `read` would copy them."""
    return Upload(file.filename or "", cast("io.BytesIO", file.stream).getvalue())


def _value(
    name: str,
    schema: type[BaseModel],
    texts: MultiDict[str, str],
    files: MultiDict[str, Upload],
) -> Any:
    """A file where a file is wanted, a list where several are, else the one text."""
    known = schema.model_fields.get(name)
    wanted = known.annotation if known else None
    if Upload in (wanted, *get_args(wanted)):
        found: list[Any] = files.getlist(name)
    else:
        found = [text for text in texts.getlist(name) if text]
    if _is_list(wanted):
        return found or None
    if known and len(found) > 1:
        raise InvalidBody(f"{name}: given more than once")
    return found[0] if found else None


def _is_list(wanted: Any) -> bool:
    return any(getattr(part, "__origin__", None) is tuple for part in (wanted, *get_args(wanted)))
