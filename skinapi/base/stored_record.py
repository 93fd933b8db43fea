"""The bases of values that never change: of stored records, and of what is read from our files."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field


def optional(description: str | None = None, *, default: Any = None) -> Any:
    """Declare a field that is left out of what is answered or stored where it has its default."""
    return Field(
        default=default, exclude_if=lambda value: bool(value == default), description=description
    )


class FromRecord(BaseModel):
    @classmethod
    def from_record(cls, *records: object, **told: Any) -> Self:
        """Fill each field from what is told, else from the first record that has its name."""
        for name in cls.model_fields.keys() - told.keys():
            for record in records:
                if hasattr(record, name):
                    told[name] = getattr(record, name)
                    break
        return cls(**told)


# `defer_build`, here and in `values`: a start need not build what no request has asked for yet.
class Frozen(BaseModel):
    """The base of what is read from files that we write, where an unknown field is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


class StoredRecord(FromRecord):
    """The base of each record that the store keeps, and of each record inside one.

    Fields that it does not know are left out: in a rolling upgrade, servers of the version before
    read what the next one has stored.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    def stored(self) -> dict[str, Any]:
        """Return the fields, and those of the records in it, as the store keeps them: lists instead
        of tuples.
        """
        fields: dict[str, Any] = _plain(self.model_dump())
        return fields


def _plain(value: Any) -> Any:
    if isinstance(value, (str, float, int)):  # most are, and Mapping takes long to ask for
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    return value
