"""Base classes of the request and answer schemas, and the types of texts and files in them."""

import unicodedata
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, core_schema

from skinapi.storage.ids import ID
from skinapi.web.schemas.visible_text import MOST_MARKS, cap_marks, is_visible, reaches_beyond

LONGEST_NAME = 200


def _printable(text: str) -> str:
    # Cc are control characters, Cs halves of surrogate pairs, which no UTF-8 text can hold.
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("Control characters are not allowed")
    return text


def _printable_lines(text: str) -> str:
    """The text with Unix line ends. Raises ValueError for other control characters."""
    lines = text.replace("\r\n", "\n")
    _printable(lines.replace("\n", ""))
    return lines


def _contained(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)
    if reaches_beyond(text):
        raise ValueError("Characters that change the direction of the text are not allowed")
    if cap_marks(composed) != composed:
        raise ValueError(f"A letter may carry at most {MOST_MARKS} combining marks")
    return text


def _legible(text: str) -> str:
    if not is_visible(unicodedata.normalize("NFC", text)):
        raise ValueError("At least one visible character is needed")
    return _contained(text)


Printable = AfterValidator(_printable)
PrintableLines = AfterValidator(_printable_lines)
# It changes nothing beside it where it is shown.
Contained = AfterValidator(_contained)
Legible = AfterValidator(_legible)
Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_NAME, strip_whitespace=True),
    Printable,
    Legible,
]
SearchText = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME), Printable]
Identifier = Annotated[str, StringConstraints(pattern=f"^{ID.pattern}$")]


class Body(BaseModel):
    """A request body of our own routes. An unknown field is an error that names the field."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    missing: ClassVar[str | None] = None


class ContractBody(Body):
    """A request body of an existing client. Unknown fields are ignored.

    `missing` is the sentence that the client shows when a required field is absent or empty.
    """

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a form, as it was sent. The name is chosen by the client and never used as a
    path.
    """

    filename: str = field(repr=False)
    content: bytes = field(repr=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.is_instance_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, _: CoreSchema, __: Any) -> dict[str, Any]:
        return {"type": "string", "format": "binary"}


class Form(Body):
    """A multipart form of our own routes. Its fields arrive as text, so they are converted."""

    model_config = ConfigDict(extra="forbid", strict=False, frozen=True)


class ContractForm(Form):
    """A multipart form of an existing client. Unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", strict=False, frozen=True)


class Answer(BaseModel):
    """The JSON that a route answers with."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class Message(Answer):
    message: str
