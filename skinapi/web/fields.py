"""The base of every request schema, and the texts they are made of."""

import unicodedata
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

LONGEST_NAME = 200


def _printable(text: str) -> str:
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("Control characters are not allowed")
    return text


Printable = AfterValidator(_printable)
Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_NAME, strip_whitespace=True),
    Printable,
]
Identifier = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class Body(BaseModel):
    """A request body of our own routes: a field it does not know is an error that names it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    missing: ClassVar[str | None] = None


class ContractBody(Body):
    """A body that an existing client sends: unknown fields are ignored.

    `missing` is the sentence that client shows when a required field is absent or empty.
    """

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class Answer(BaseModel):
    """What a route answers."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class Message(Answer):
    message: str
