"""Converts a document to the JSON text that SQLite stores, and back."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from skinapi.storage.documents.projection import build_document
from skinapi.storage.ports import Document
from skinapi.storage.sqlite.filter_to_sql import sql_value

LARGEST_DOCUMENT = 16 * 2**20


def to_json(document: Document) -> str:
    """The document as JSON. Raises ValueError if it is larger than 16 Mi characters."""
    text = json.dumps(document, default=sql_value, ensure_ascii=False, separators=(",", ":"))
    if len(text) > LARGEST_DOCUMENT:
        raise ValueError("a document is at most 16 MiB, as in MongoDB; larger things are blobs")
    return text


def from_json(text: str) -> Document:
    document: Document = _loads(text)
    return document


def from_selected(text: str, fields: Sequence[str]) -> Document:
    """A document from what the expression of `sql_selection` gives."""
    if not fields:
        return {"id": text}
    identifier, *values = _loads(text)
    for at in _times_in(tuple(fields)):
        if values[at] is not None:
            values[at] = _read_time(values[at])
    return build_document(identifier, fields, values)


@cache
def _times_in(fields: tuple[str, ...]) -> tuple[int, ...]:
    """The places of the times among these fields. Cached, because the code has few selections."""
    return tuple(at for at, path in enumerate(fields) if path.endswith("_at"))


def _loads(text: str) -> Any:
    # The hook is called for each dict in the text. Without times it would take most of the time.
    return json.loads(text, object_hook=_with_times if '_at":' in text else None)


def _with_times(fields: dict[str, Any]) -> dict[str, Any]:
    for name, value in fields.items():
        if name.endswith("_at") and value is not None:
            fields[name] = _read_time(value)
    return fields


def _read_time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
