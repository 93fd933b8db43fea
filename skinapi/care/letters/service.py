"""The use cases of letters: draft one, edit it, sign it. Before it is signed only its doctor sees
it.
"""

from collections.abc import Callable
from typing import TypeVar

from skinapi.audit import AuditTrail
from skinapi.auth.accounts.accounts import Account
from skinapi.care.letters.drafting import draft_letter
from skinapi.errors import Forbidden, NotFound
from skinapi.languages import Language
from skinapi.records.errors import LetterSigned
from skinapi.records.findings.review_queue import in_care
from skinapi.records.findings.submissions import Submission
from skinapi.records.review_service import ReviewsService
from skinapi.records.reviews.letters import Letter, Letters, Reader
from skinapi.records.service import RecordsService
from skinapi.storage.ids import now
from skinapi.web.access import Subject

NOT_IN_CHARGE = "Only the doctor in charge can write letters"
NO_LETTER = "There is no such letter"
T = TypeVar("T")


class LettersService:
    def __init__(
        self,
        *,
        letters: Letters,
        records: RecordsService,
        reviews: ReviewsService,
        trail: AuditTrail,
    ) -> None:
        self._letters = letters
        self._records = records
        self._reviews = reviews
        self._trail = trail

    def draft_letter(
        self, *, number: str, by: Subject, reader: Reader, language: Language | None
    ) -> Letter:
        """Begin a letter of the doctor in whose care the owner is. Raises NotFound, Forbidden,
        TooManyLetters.
        """
        submission, owner = self._get_in_care(number, by)
        chosen = language or submission.language
        _, decision = self._reviews.find_decision(submission) or (None, None)
        text = draft_letter(
            submission,
            decision,
            reader=reader,
            language=chosen,
            patient=owner.name,
            doctor=by.account.name,
        )

        def draft() -> Letter:
            current, _ = self._get_in_care(number, by)
            self._records.rely_on(current)
            return self._letters.add(
                submission=current.id, doctor=by.id, reader=reader, language=chosen, text=text
            )

        return self._trail.change(draft, "letter.draft", by=by.id, target=submission.id)

    def list_letters(self, *, number: str, to: Subject) -> list[Letter]:
        """The signed letters about a finding that the caller may see, and the caller's drafts.
        Raises NotFound.
        """
        submission, _ = self._records.get(number=number, to=to)
        letters = self._letters.list_of(submission.id)
        return [letter for letter in letters if letter.signed_at or letter.doctor == to.id]

    def change_letter(self, *, letter: str, text: str, version: int, by: Subject) -> Letter:
        """Store another text of the caller's draft. Raises NotFound, Forbidden, LetterSigned,
        LetterChanged.
        """

        def change() -> Letter:
            return self._letters.change_draft(letter, version, {"text": text})

        return self._change(letter, change, "letter.change", by=by)

    def sign_letter(self, *, letter: str, text: str, version: int, by: Subject) -> Letter:
        """Sign the caller's draft with this text, the one that the doctor sees. Raises NotFound,
        also where the finding was deleted meanwhile, Forbidden, LetterSigned, LetterChanged.
        """

        def sign() -> Letter:
            signed = {"text": text, "signed_at": now(), "signature": by.account.name}
            return self._letters.change_draft(letter, version, signed)

        return self._change(letter, sign, "letter.sign", by=by)

    def delete_draft(self, *, letter: str, by: Subject) -> None:
        """Raises NotFound, Forbidden, LetterSigned."""

        def delete() -> None:
            self._letters.remove_draft(letter)

        self._change(letter, delete, "letter.delete", by=by)

    def _change(self, letter: str, act: Callable[[], T], action: str, *, by: Subject) -> T:
        """Change the caller's draft. Whether it still is one, and the patient still in care, is
        asked again in the transaction.
        """
        about = self._find_subject(letter, by)

        def change() -> T:
            self._records.rely_on(self._find_subject(letter, by))
            return act()

        return self._trail.change(change, action, by=by.id, target=about.id)

    def _find_subject(self, identifier: str, by: Subject) -> Submission:
        """What the caller's draft is about. Raises NotFound, Forbidden, LetterSigned."""
        letter = self._letters.find(identifier)
        submission = self._records.find(letter.submission) if letter else None
        if letter is None or submission is None or letter.doctor != by.id:
            raise NotFound(NO_LETTER)
        self._get_in_care(str(submission.number), by)
        if letter.signed_at:
            raise LetterSigned
        return submission

    def _get_in_care(self, number: str, doctor: Subject) -> tuple[Submission, Account]:
        submission, owner = self._records.get(number=number, to=doctor)
        if not in_care(owner, doctor):
            raise Forbidden(NOT_IN_CHARGE)
        return submission, owner
