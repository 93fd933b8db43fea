"""The routes of letters."""

from skinapi.care.letters.schemas import (
    LetterChange,
    NewLetter,
    NewWithdrawal,
    Signature,
    WrittenLetter,
)
from skinapi.care.letters.service import LettersService
from skinapi.care.queue.routes import DOCTORS
from skinapi.errors import Forbidden, NotFound
from skinapi.records.errors import (
    LetterChanged,
    LetterMarked,
    LetterSigned,
    LetterUnreviewed,
    LetterUrgency,
    LetterWithdrawn,
    TooManyLetters,
)
from skinapi.web.access import Signed, Subject
from skinapi.web.limits.rate_limits import Rate
from skinapi.web.routing.declaration import Routes
from skinapi.web.schemas.schema_types import Message

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
    "GET", "/submissions/<number>/letters", access=Signed(), rate=Rate.READ, raises=(NotFound,)
)
def list_letters(letters: LettersService, *, number: str, subject: Subject) -> list[WrittenLetter]:
    """The signed letters about a finding, and the caller's own drafts, the oldest first."""
    return [
        WrittenLetter.with_marks(*one) for one in letters.list_letters(number=number, to=subject)
    ]


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
