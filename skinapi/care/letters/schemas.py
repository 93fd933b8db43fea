"""What crosses the wire about letters."""

from typing import Annotated

from pydantic import Field, StringConstraints

from skinapi.languages import Language
from skinapi.records.reviews.letters import Reader
from skinapi.web.schemas.schema_types import Body, Contained, PrintableLines

LONGEST_LETTER = 5000
MOST_VERSIONS = 2**31
LetterText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_LETTER, strip_whitespace=True),
    PrintableLines,
    Contained,
]


class NewLetter(Body):
    reader: Reader
    language: Language | None = Field(default=None, description="the submission's unless given")


class LetterChange(Body):
    text: LetterText
    version: int = Field(ge=1, le=MOST_VERSIONS, description="the one that the text was made from")
