"""The routes of letters."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from skinapi.care.letters.marks import Contradicts, Mark
from skinapi.care.letters.service import MARK_ID, LettersService, id_of
from skinapi.care.queue_routes import DOCTORS
from skinapi.domain.field_types import Contained, PrintableLines
from skinapi.domain.subject import Subject
from skinapi.errors import Forbidden, NotFound
from skinapi.languages import Language
from skinapi.records.errors import (
    LetterChanged,
    LetterMarked,
    LetterSigned,
    LetterUnreviewed,
    LetterUrgency,
    LetterWithdrawn,
    TooManyLetters,
)
from skinapi.records.letters import LONGEST_LETTER, Reader
from skinapi.records.review_schemas import LetterView
from skinapi.records.reviewed_finding import ShownLetter
from skinapi.records.schemas import NarrativeSource
from skinapi.web.access import Signed
from skinapi.web.declaration import Routes
from skinapi.web.rate_limits import Rate
from skinapi.web.schemas import Answer, Body, Message

# What crosses the wire about letters.


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
        said = asdict(mark)
        said.pop("blocks")
        return cls(id=id_of(mark), acceptable=mark.acceptable, **said)


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
    language: Language | None = Field(
        default=None,
        description="unless given, to the patient that of their account, else the finding's",
    )


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


routes: Routes[LettersService] = Routes("letters")


@routes.route(
    "POST",
    "/submissions/<number>/letters",
    access=DOCTORS,
    rate=Rate.WRITE,
    status=201,
    raises=(NotFound, Forbidden, TooManyLetters),
)
def draft_letter(
    letters: LettersService, *, number: str, body: NewLetter, subject: Subject
) -> WrittenLetter:
    """Begin a letter about a finding of a patient in care, written by an LLM where the patient
    consents to that, else by the template. Nobody else sees it until it is signed.
    """
    return WrittenLetter.with_marks(
        *letters.draft_letter(number=number, by=subject, reader=body.reader, language=body.language)
    )


@routes.route(
    "GET",
    "/submissions/<number>/letters",
    access=Signed(scopes=("findings:read",)),
    rate=Rate.READ,
    raises=(NotFound,),
)
def list_letters(letters: LettersService, *, number: str, subject: Subject) -> list[WrittenLetter]:
    """The signed letters about a finding, and the caller's own drafts, the oldest first."""
    return [
        WrittenLetter.with_marks(*one) for one in letters.list_letters(number=number, to=subject)
    ]


@routes.route(
    "GET",
    "/lesions/<lesion>/letters",
    access=Signed(scopes=("findings:read",)),
    rate=Rate.READ,
    raises=(NotFound,),
)
def list_spot_letters(
    letters: LettersService, *, lesion: str, subject: Subject
) -> list[LetterView]:
    """The signed letters about all findings of a spot, the oldest first."""
    return [LetterView.of(one) for one in letters.list_of_spot(lesion=lesion, to=subject)]


@routes.route(
    "PUT",
    "/letters/<letter>",
    access=DOCTORS,
    rate=Rate.WRITE,
    raises=(NotFound, Forbidden, LetterSigned, LetterChanged),
)
def change_letter(
    letters: LettersService, *, letter: str, body: LetterChange, subject: Subject
) -> WrittenLetter:
    """Store another text of one's own draft. 409 where it was changed or signed meanwhile."""
    return WrittenLetter.with_marks(
        *letters.change_letter(letter=letter, text=body.text, version=body.version, by=subject)
    )


@routes.route(
    "POST",
    "/letters/<letter>/sign",
    access=DOCTORS,
    rate=Rate.WRITE,
    raises=(
        NotFound,
        Forbidden,
        LetterSigned,
        LetterChanged,
        LetterUnreviewed,
        LetterUrgency,
        LetterMarked,
    ),
)
def sign_letter(
    letters: LettersService, *, letter: str, body: Signature, subject: Subject
) -> WrittenLetter:
    """Sign one's own draft with this text, after a review of the finding: it is part of the report
    from then on, and never changes.
    """
    return WrittenLetter.with_marks(
        *letters.sign_letter(
            letter=letter,
            text=body.text,
            version=body.version,
            accepted_marks=body.accepted_marks,
            by=subject,
        )
    )


@routes.route(
    "POST",
    "/letters/<letter>/withdrawal",
    access=DOCTORS,
    rate=Rate.WRITE,
    raises=(NotFound, Forbidden, LetterWithdrawn),
)
def withdraw_letter(
    letters: LettersService, *, letter: str, body: NewWithdrawal, subject: Subject
) -> WrittenLetter:
    """Take a signed letter back, as the doctor in charge: it stays, struck through, with the date
    and the reason, and the patient is told. The same request again changes nothing.
    """
    return WrittenLetter.with_marks(
        *letters.withdraw_letter(letter=letter, reason=body.reason, by=subject)
    )


@routes.route(
    "DELETE",
    "/letters/<letter>",
    access=DOCTORS,
    rate=Rate.WRITE,
    raises=(NotFound, Forbidden, LetterSigned),
)
def delete_letter(letters: LettersService, *, letter: str, subject: Subject) -> Message:
    """Delete one's own draft. A signed letter stays."""
    letters.delete_draft(letter=letter, by=subject)
    return Message(message="Draft deleted")
