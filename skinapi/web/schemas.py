"""Lists in pages: the query `?limit&after`, and a Link header to the next page.

The body stays a bare JSON array, because that is what existing clients read.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, ClassVar, Generic, TypeVar
from urllib.parse import urlencode

from flask import Request
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StringConstraints,
)
from pydantic_core import CoreSchema, core_schema

from skinapi.storage.ids import ID

# What of a text can be seen, and how far it reaches beyond its line.


# More than any script stacks on one letter; the marks above and below it stay near their line.
MOST_MARKS = 4
# Letters and symbols without a picture: fillers of Hangul, the empty cell of Braille.
BLANK = "\u115f\u1160\u3164\uffa0\u2800"
# Embeddings, overrides and isolates of direction, whose effect would go on behind the text, and
# separators of lines, which would end it. Marks that act on their neighbours alone (U+200E, U+200F)
# belong to names. https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
REACHING = re.compile("[\u202a-\u202e\u2066-\u2069\u2028\u2029]")

# Characters that no program draws (Default_Ignorable_Code_Point), and blanks that count as letters:
# https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
UNDRAWN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def has_undrawn(text: str) -> bool:
    """Whether two texts that look the same could differ in a character of this one."""
    return UNDRAWN.search(text) is not None


def is_visible(text: str) -> bool:
    """Whether at least one letter, digit, sign or symbol would be printed."""
    return any(map(_is_drawn, text))


def count_visible(text: str) -> int:
    """How many letters, digits, signs and symbols would be printed."""
    return sum(map(_is_drawn, text))


def _is_drawn(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNPS" and character not in BLANK


def reaches_beyond(text: str) -> bool:
    """Whether the text could reorder or part what stands after it."""
    return REACHING.search(text) is not None


def cap_marks(text: str) -> str:
    """The text with at most MOST_MARKS combining marks on each letter.

    Dozens of them on one letter would be drawn over the lines above and below.
    """
    kept, marks = [], 0
    for character in text:
        kind = unicodedata.category(character)
        if kind in ("Mn", "Me"):
            marks += 1
        elif kind != "Cf":  # invisible characters between two marks do not part them
            marks = 0
        if marks <= MOST_MARKS:
            kept.append(character)
    return "".join(kept)


# Base classes of the request and answer schemas, and the types of texts and files in them.


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


T = TypeVar("T")
U = TypeVar("U")
LARGEST_PAGE = 1000


class PageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = LARGEST_PAGE
    after: Identifier | None = None


class ContractPageQuery(PageQuery):
    """The query of a list that existing clients use: unknown parameters are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Page(Generic[T]):
    """One page of a list, and where the next one begins; `next_after` is None on the last page.

    `items` are built when they are first read, not before: building a large page takes so long that
    only one caller at a time may do it (list_concurrency.py).
    """

    def __init__(self, records: Iterable[T], next_after: str | None = None) -> None:
        self._records = records
        self.next_after = next_after

    @cached_property
    def items(self) -> list[T]:
        return list(self._records)

    def headers(self, request: Request) -> dict[str, str]:
        if self.next_after is None:
            return {}
        query = urlencode({**request.args.to_dict(), "after": self.next_after})
        # A relative link, because the Host header cannot be trusted to name this server. Format:
        # https://www.rfc-editor.org/rfc/rfc8288
        return {"Link": f'<{request.path}?{query}>; rel="next"'}

    def map(self, view: Callable[[T], U]) -> "Page[U]":
        # A generator, so that reading `items` of the new page is what builds those of this one.
        return Page((view(item) for item in self._each()), self.next_after)

    def _each(self) -> Iterator[T]:
        yield from self.items


def page_of(found: Sequence[T], limit: int) -> Page[T]:
    """A page of at most `limit` records.

    Ask the store for `limit` + 1 of them: one more than fits tells that another page follows.
    """
    records = list(found[:limit])
    return Page(records, _id(records[-1]) if len(found) > limit else None)


def read_pages(read: Callable[[str | None], Page[T]]) -> Iterator[Page[T]]:
    """All pages; `read(after)` reads the one behind that record."""
    page = read(None)
    yield page
    while page.next_after is not None:
        page = read(page.next_after)
        yield page


def _id(record: Any) -> str:
    return str(record["id"] if isinstance(record, dict) else record.id)
