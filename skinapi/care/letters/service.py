"""The use cases of letters: draft one, edit it, sign it. Before it is signed only its doctor sees
it.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from skinapi.audit import AuditTrail
from skinapi.auth.accounts.accounts import Account
from skinapi.care.letters.drafting import draft_letter
from skinapi.care.letters.letter_facts import LetterFacts
from skinapi.care.letters.marks import Mark, mark_sentences
from skinapi.errors import Forbidden, NotFound
from skinapi.languages import Language
from skinapi.notices.outbox import Kind, Outbox
from skinapi.records.errors import LetterMarked, LetterSigned
from skinapi.records.findings.lesion_findings import LesionFindings
from skinapi.records.findings.review_queue import in_care
from skinapi.records.findings.submissions import CourseEntry, Submission
from skinapi.records.review_service import ReviewsService
from skinapi.records.reviews.letters import Letter, Letters, Reader
from skinapi.records.service import RecordsService
from skinapi.reports.llm.openrouter import OpenRouterClient
from skinapi.storage.ids import now
from skinapi.web.access import Subject

NOT_IN_CHARGE = "Only the doctor in charge can write letters"
NO_LETTER = "There is no such letter"
MOST_EARLIER = 5  # findings of the same spot that a letter may speak of
T = TypeVar("T")
MarkedLetter = tuple[Letter, Sequence[Mark]]


class LettersService:
    def __init__(
        self,
        *,
        letters: Letters,
        records: RecordsService,
        reviews: ReviewsService,
        findings: LesionFindings,
        trail: AuditTrail,
        llm: OpenRouterClient | None,
        outbox: Outbox,
    ) -> None:
        self._letters = letters
        self._records = records
        self._reviews = reviews
        self._findings = findings
        self._trail = trail
        self._llm = llm
        self._outbox = outbox

    def draft_letter(
        self, *, number: str, by: Subject, reader: Reader, language: Language | None
    ) -> MarkedLetter:
        """Begin a letter of the doctor in whose care the owner is. Raises NotFound, Forbidden,
        TooManyLetters.
        """
        submission, owner = self._get_in_care(number, by)
        self._letters.refuse_more(submission.id, by.id)  # before an LLM is asked
        chosen, about = language or submission.language, self._facts_of(submission, owner, by)
        text, source = draft_letter(
            about, self._llm, reader=reader, language=chosen, consents=owner.consents
        )
        written = {"language": chosen, "text": text, "source": source.model_dump(mode="json")}

        def draft() -> Letter:
            current, _ = self._get_in_care(number, by)
            self._records.rely_on(current)
            return self._letters.add(submission=current.id, doctor=by.id, reader=reader, **written)

        drafted = self._trail.change(draft, "letter.draft", by=by.id, target=submission.id)
        return drafted, mark_sentences(text, about, chosen)

    def list_letters(self, *, number: str, to: Subject) -> list[MarkedLetter]:
        """The signed letters about a finding that the caller may see, and the caller's drafts.
        Raises NotFound.
        """
        submission, owner = self._records.get(number=number, to=to)
        letters = self._letters.list_of(submission.id)
        drafts = [one for one in letters if not one.signed_at and one.doctor == to.id]
        about = self._facts_of(submission, owner, to) if drafts else None
        return [
            (one, mark_sentences(one.text, about, one.language) if about and one in drafts else [])
            for one in letters
            if one.signed_at or one in drafts
        ]

    def change_letter(self, *, letter: str, text: str, version: int, by: Subject) -> MarkedLetter:
        """Store another text of the caller's draft. Raises NotFound, Forbidden, LetterSigned,
        LetterChanged.
        """
        draft, about = self._get_draft(letter, by)

        def change() -> Letter:
            return self._letters.change_draft(letter, version, {"text": text})

        changed = self._change(letter, change, "letter.change", by=by)
        return changed, mark_sentences(text, about, draft.language)

    def sign_letter(
        self, *, letter: str, text: str, version: int, despite_marks: bool, by: Subject
    ) -> MarkedLetter:
        """Sign the caller's draft with this text, the one that the doctor sees. Raises NotFound,
        also where the finding was deleted meanwhile, Forbidden, LetterSigned, LetterChanged, and
        LetterMarked unless its marks are accepted.
        """
        draft, about = self._get_draft(letter, by)
        if not despite_marks and mark_sentences(text, about, draft.language):
            raise LetterMarked

        def sign() -> Letter:
            if draft.reader == "patient":
                finding = about.submission
                self._outbox.add(Kind.REVIEWED, to=finding.owner, about=f"finding/{finding.number}")
            signed = {"text": text, "signed_at": now(), "signature": by.account.name}
            return self._letters.change_draft(letter, version, signed)

        return self._change(letter, sign, "letter.sign", by=by), []

    def delete_draft(self, *, letter: str, by: Subject) -> None:
        """Raises NotFound, Forbidden, LetterSigned."""

        def delete() -> None:
            self._letters.remove_draft(letter)

        self._change(letter, delete, "letter.delete", by=by)

    def _facts_of(self, submission: Submission, owner: Account, doctor: Subject) -> LetterFacts:
        _, decision = self._reviews.find_decision(submission) or (None, None)
        earlier: tuple[CourseEntry, ...] = ()
        if submission.lesion:
            page = self._findings.page(
                submission.lesion, newest_first=True, after=submission.id, limit=MOST_EARLIER
            )
            earlier = tuple(page.items)
        return LetterFacts(
            submission=submission,
            decision=decision,
            course=earlier,
            patient=owner.name,
            doctor=doctor.account.name,
        )

    def _change(self, letter: str, act: Callable[[], T], action: str, *, by: Subject) -> T:
        """Change the caller's draft. Whether it still is one, and the patient still in care, is
        asked again in the transaction.
        """
        _, about = self._get_draft(letter, by)

        def change() -> T:
            self._records.rely_on(self._get_draft(letter, by)[1].submission)
            return act()

        return self._trail.change(change, action, by=by.id, target=about.submission.id)

    def _get_draft(self, identifier: str, by: Subject) -> tuple[Letter, LetterFacts]:
        """The caller's draft and what it is about. Raises NotFound, Forbidden, LetterSigned."""
        letter = self._letters.find(identifier)
        submission = self._records.find(letter.submission) if letter else None
        if letter is None or submission is None or letter.doctor != by.id:
            raise NotFound(NO_LETTER)
        submission, owner = self._get_in_care(str(submission.number), by)
        if letter.signed_at:
            raise LetterSigned
        return letter, self._facts_of(submission, owner, by)

    def _get_in_care(self, number: str, doctor: Subject) -> tuple[Submission, Account]:
        submission, owner = self._records.get(number=number, to=doctor)
        if not in_care(owner, doctor):
            raise Forbidden(NOT_IN_CHARGE)
        return submission, owner
