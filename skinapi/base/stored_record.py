from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field


def optional(description: str | None = None, *, default: Any = None) -> Any:
    """Declare a field that is omitted from answers and stored documents if it has its default."""
    return Field(
        default=default, exclude_if=lambda value: bool(value == default), description=description
    )


class FromRecord(BaseModel):
    @classmethod
    def from_record(cls, *records: object, **told: Any) -> Self:
        """Fill each field from `told`, or else from the first record with a field of that name."""
        for name in cls.model_fields.keys() - told.keys():
            for record in records:
                if hasattr(record, name):
                    told[name] = getattr(record, name)
                    break
        return cls(**told)


# `defer_build`, here and in `values`: a start need not build what no request has asked for yet.
class Frozen(BaseModel):
    """Base class for values read from our own files. Unknown fields are rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


class StoredRecord(FromRecord):
    """Base class of stored records, and of records inside one.

    Unknown fields are ignored: in a rolling upgrade, servers of the previous version read records
    stored by the next one.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    def stored(self) -> dict[str, Any]:
        fields: dict[str, Any] = _plain(self.model_dump())
        return fields


def _plain(value: Any) -> Any:
    if isinstance(value, (str, float, int)):  # the common case first: a Mapping check is slow
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    return value
