from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import ChangedMeanwhile, Forbidden, NotFound, SpotChanged
from skinapi.base.field_types import Contained, PrintableLines
from skinapi.base.languages import Language
from skinapi.base.stored_record import optional
from skinapi.care.letter_check import MarkedSentence
from skinapi.care.letters import Draft, EditedDraft, LettersService
from skinapi.care.queue_routes import DOCTORS
from skinapi.findings.errors import (
    LetterSigned,
    LetterUnconfirmed,
    LetterUnreviewed,
    LetterWithdrawn,
    TooManyLetters,
)
from skinapi.findings.records.letters import LONGEST_LETTER, Addressee
from skinapi.findings.records.schemas.finding_answer import StatedReason
from skinapi.findings.records.schemas.review import LetterView
from skinapi.findings.reports.report import Unwritten
from skinapi.platform.web.declaration import Authenticated, Routes
from skinapi.platform.web.schemas import Body, Message

MOST_VERSIONS = 2**31
KeyWords = Annotated[
    str, StringConstraints(max_length=500, strip_whitespace=True), PrintableLines, Contained
]
LetterText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_LETTER, strip_whitespace=True),
    PrintableLines,
    Contained,
]


class WrittenLetter(LetterView):
    version: int = Field(description="counts the texts that were stored")
    marked: tuple[MarkedSentence, ...] = optional(
        "of a draft: the sentences that differ from what was decided, as a second language model "
        "has read them, else by lists of words. Show each to its doctor, who confirms it or "
        "changes it",
        default=(),
    )
    spot_version: int | None = optional(
        "of a draft: the present version of the spot; send it with a change and with the signature"
    )
    unwritten: Unwritten | None = optional(
        "of a draft: why no language model has drafted it; absent where one has"
    )

    @classmethod
    def of_draft(cls, draft: Draft, **more: Any) -> Self:
        shown, letter = draft.shown, draft.shown.letter
        return cls.from_record(shown, draft, letter, signed_by=letter.signature, **more)


class NewLetter(Body):
    reader: Addressee
    language: Language | None = Field(
        default=None,
        description="unless given, to the patient that of their account, else the finding's",
    )
    key_words: KeyWords = Field(
        default="",
        description="what the doctor wants said: for the language model that drafts it, else in "
        "the draft as they are",
    )


class LetterChange(Body):
    text: LetterText
    version: int = Field(ge=1, le=MOST_VERSIONS, description="the one that the text was made from")
    spot_version: int | None = Field(
        default=None,
        description="the version of the spot that the doctor has seen: 409 `spot_changed` if it "
        "has another one now. Without it, that of the draft counts",
    )


class Signature(LetterChange):
    confirmed: list[Annotated[str, StringConstraints(max_length=LONGEST_LETTER)]] = Field(
        default=[],
        max_length=200,
        description="each sentence of `marked` that its doctor has looked at: 409 "
        "`letter_unconfirmed` where one is missing",
    )


routes: Routes[LettersService] = Routes(access=DOCTORS)


@routes.route(
    "POST",
    "/submissions/<number>/letters",
    status=201,
    raises=(NotFound, Forbidden, TooManyLetters),
)
def draft_letter(
    letters: LettersService, *, number: str, body: NewLetter, subject: Subject
) -> WrittenLetter:
    """Begin a letter about a finding of a patient in care. Nobody else sees it unsigned. With the
    operator's key and the patient's consent a language model drafts it, else the software does.
    """
    return WrittenLetter.of_draft(
        letters.draft_letter(number=number, by=subject, **body.model_dump())
    )


@routes.route(
    "GET",
    "/submissions/<number>/letters",
    access=Authenticated(scopes=("findings:read",)),
    raises=(NotFound,),
)
def list_letters(letters: LettersService, *, number: str, subject: Subject) -> list[WrittenLetter]:
    """The signed letters about a finding, and the caller's own drafts, the oldest first."""
    return [
        WrittenLetter.of_draft(letter) for letter in letters.list_letters(number=number, to=subject)
    ]


@routes.route(
    "GET",
    "/lesions/<lesion>/letters",
    access=Authenticated(scopes=("findings:read",)),
    raises=(NotFound,),
)
def list_spot_letters(
    letters: LettersService, *, lesion: str, subject: Subject
) -> list[LetterView]:
    """The signed letters about all findings of a spot, the oldest first."""
    return [
        LetterView.from_letter(letter) for letter in letters.list_of_spot(lesion=lesion, to=subject)
    ]


@routes.route(
    "PUT",
    "/letters/<letter>",
    raises=(NotFound, Forbidden, LetterSigned, ChangedMeanwhile, SpotChanged),
)
def change_letter(
    letters: LettersService, *, letter: str, body: LetterChange, subject: Subject
) -> WrittenLetter:
    """Store another text of one's own draft, which is then written of what holds now. 409 where the
    draft was changed or signed meanwhile, or something else holds than its doctor has seen.
    """
    return WrittenLetter.of_draft(
        letters.change_letter(letter=letter, edited=EditedDraft(**body.model_dump()), by=subject)
    )


@routes.route(
    "POST",
    "/letters/<letter>/sign",
    raises=(
        NotFound,
        Forbidden,
        LetterSigned,
        ChangedMeanwhile,
        LetterUnreviewed,
        SpotChanged,
        LetterUnconfirmed,
    ),
)
def sign_letter(
    letters: LettersService, *, letter: str, body: Signature, subject: Subject
) -> WrittenLetter:
    """Sign one's own draft with this text, after a review of the finding: it begins with what was
    decided, is part of the report from then on, and never changes. The patient can read it at once.
    """
    edited = EditedDraft(**body.model_dump())
    signed = letters.sign_letter(letter=letter, edited=edited, by=subject)
    return WrittenLetter.of_draft(Draft(signed))


@routes.route("POST", "/letters/<letter>/withdrawal", raises=(NotFound, Forbidden, LetterWithdrawn))
def withdraw_letter(
    letters: LettersService, *, letter: str, body: StatedReason, subject: Subject
) -> WrittenLetter:
    """Take a signed letter back, as the doctor in charge: it stays, struck through, with the date
    and the reason, and the patient is told. The same request again changes nothing.
    """
    return WrittenLetter.of_draft(
        Draft(letters.withdraw_letter(letter=letter, reason=body.reason, by=subject))
    )


@routes.route("DELETE", "/letters/<letter>", raises=(NotFound, Forbidden, LetterSigned))
def delete_letter(letters: LettersService, *, letter: str, subject: Subject) -> Message:
    """Delete one's own draft. A signed letter stays."""
    letters.delete_draft(letter=letter, by=subject)
    return Message(message="Draft deleted")
