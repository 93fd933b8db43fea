"""A frozen record as the store keeps it: lists instead of tuples."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel


def stored_fields(record: BaseModel) -> dict[str, Any]:
    """The fields of this record, with those of the records in it."""
    return {name: _plain(value) for name, value in record.model_dump().items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value
