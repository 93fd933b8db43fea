"""What crosses the wire about letters."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from skinapi.care.letters.accepting import MARK_ID, OF_URGENCY, id_of
from skinapi.care.letters.marks import Contradicts, Mark
from skinapi.languages import Language
from skinapi.records.review_schemas import LetterView
from skinapi.records.reviews.letters import LONGEST_LETTER, Reader
from skinapi.records.reviews.reviewed_finding import ShownLetter
from skinapi.records.schemas import NarrativeSource
from skinapi.web.schemas.schema_types import Answer, Body, Contained, PrintableLines

MOST_VERSIONS = 2**31
LONGEST_REASON = 500
LetterText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_LETTER, strip_whitespace=True),
    PrintableLines,
    Contained,
]


MarkId = Annotated[str, StringConstraints(max_length=MARK_ID)]
Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_REASON, strip_whitespace=True),
    PrintableLines,
    Contained,
]


class MarkView(Answer):
    id: str = Field(description="names the mark in `accepted_marks`")
    acceptable: bool = Field(description="false: the letter cannot be signed with it")
    sentence: str = Field(description="of the text; empty where something is not said")
    contradicts: Contradicts
    said: str = Field(description="what the sentence names")
    facts: str = Field(description="what the facts say of it, in the letter's language")

    @classmethod
    def of(cls, mark: Mark) -> Self:
        return cls(id=id_of(mark), acceptable=mark.contradicts not in OF_URGENCY, **asdict(mark))


class WrittenLetter(LetterView):
    version: int = Field(description="counts the texts that were stored")
    source: NarrativeSource = Field(description="who wrote the first text")
    marks: list[MarkView] = Field(description="of a draft: sentences that the facts do not support")

    @classmethod
    def with_marks(cls, shown: ShownLetter, marks: Sequence[Mark]) -> Self:
        letter = shown.letter
        return cls(
            **LetterView.of(shown).model_dump(),
            version=letter.version,
            source=NarrativeSource.model_validate(letter.source or {"writer": "template"}),
            marks=[MarkView.of(mark) for mark in marks],
        )


class NewLetter(Body):
    reader: Reader
    language: Language | None = Field(default=None, description="the submission's unless given")


class LetterChange(Body):
    text: LetterText
    version: int = Field(ge=1, le=MOST_VERSIONS, description="the one that the text was made from")


class Signature(LetterChange):
    accepted_marks: list[MarkId] = Field(
        default=[],
        max_length=LONGEST_LETTER,
        description="the ids of the marks that were read and are signed in spite of: all of them, "
        "409 `letter_marked` else",
    )
    despite_marks: bool = Field(
        default=False, description="accepts no mark any more: name each in `accepted_marks`"
    )


class NewWithdrawal(Body):
    reason: Reason
