"""The use cases of letters: draft one, edit it, sign it, withdraw it. Before it is signed only its
doctor sees it.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, TypeVar

from skinapi.audit import AuditTrail
from skinapi.auth.accounts import Account
from skinapi.care.letters.drafting import LetterFacts, draft_letter
from skinapi.care.letters.marks import Contradicts, Mark, mark_sentences
from skinapi.domain.subject import Subject
from skinapi.errors import Forbidden, NotFound
from skinapi.languages import Language
from skinapi.notices.outbox import Kind, Outbox
from skinapi.records.errors import (
    LetterMarked,
    LetterSigned,
    LetterUnreviewed,
    LetterUrgency,
    LetterWithdrawn,
)
from skinapi.records.lesion_findings import LesionFindings
from skinapi.records.letters import Letter, Letters, Reader, Withdrawal
from skinapi.records.review_queue import in_care
from skinapi.records.review_service import ReviewsService
from skinapi.records.reviewed_finding import ReviewedFinding, ShownLetter
from skinapi.records.service import RecordsService
from skinapi.records.submission import CourseEntry, Submission
from skinapi.reports.openrouter import OpenRouterClient
from skinapi.storage.ids import now

# Which marks a doctor may sign in spite of, and how a request names them.


# When to see a doctor is what a patient acts on, so no letter says another time than the decision.
# Vaguer words that put a visit off are marked too, also where nobody does ("bring nothing to the
# visit"), so a doctor may accept those.
OF_URGENCY = frozenset({Contradicts.URGENCY, Contradicts.UNSAID})
MARK_ID = 16


def id_of(mark: Mark) -> str:
    """Another one as soon as the sentence or what the facts say of it is another one."""
    said = "\n".join((mark.contradicts, mark.sentence, mark.said, mark.facts))
    return hashlib.sha256(said.encode()).hexdigest()[:MARK_ID]


def require_accepted(marks: Sequence[Mark], accepted: Collection[str]) -> tuple[str, ...]:
    """What the accepted marks contradict. Raises LetterUrgency, and LetterMarked where one of the
    marks is not among those accepted.
    """
    if any(mark.contradicts in OF_URGENCY for mark in marks):
        raise LetterUrgency
    if any(id_of(mark) not in accepted for mark in marks):
        raise LetterMarked
    return tuple(sorted({mark.contradicts for mark in marks}))


NOT_IN_CHARGE = "Only the doctor in charge can write or withdraw letters"
NO_LETTER = "There is no such letter"
NOT_SIGNED = "There is no such signed letter"
MOST_EARLIER = 5  # findings of the same spot that a letter may speak of
T = TypeVar("T")
MarkedLetter = tuple[ShownLetter, Sequence[Mark]]


class _Draft(NamedTuple):
    letter: Letter
    submission: Submission
    owner: Account


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
        return ShownLetter(drafted), mark_sentences(text, about, chosen)

    def list_letters(self, *, number: str, to: Subject) -> list[MarkedLetter]:
        """The signed letters about a finding that the caller may see, and the caller's drafts.
        Raises NotFound.
        """
        submission, owner = self._records.get(number=number, to=to)
        letters = [
            one
            for one in self._letters.list_of(submission.id)
            if (one.signed_at and submission.shows(one.signed_at)) or one.doctor == to.id
        ]
        if not letters:
            return []
        reviewed = self._reviews.get_reviewed(submission)
        drafts = not all(one.signed_at for one in letters)
        about = self._facts_of(submission, owner, to, reviewed) if drafts else None
        return [
            (ShownLetter(one), mark_sentences(one.text, about, one.language))
            if about and not one.signed_at
            else (reviewed.show(one), [])
            for one in letters
        ]

    def change_letter(self, *, letter: str, text: str, version: int, by: Subject) -> MarkedLetter:
        """Store another text of the caller's draft. Raises NotFound, Forbidden, LetterSigned,
        LetterChanged.
        """

        def change(draft: _Draft) -> Letter:
            return self._letters.change_draft(draft.letter.id, version, {"text": text})

        draft = self._get_draft(letter, by)
        about = self._facts_of(draft.submission, draft.owner, by)
        changed = self._change(letter, change, "letter.change", by=by)
        return ShownLetter(changed), mark_sentences(text, about, changed.language)

    def sign_letter(
        self, *, letter: str, text: str, version: int, accepted_marks: Collection[str], by: Subject
    ) -> MarkedLetter:
        """Sign the caller's draft with this text, the one that the doctor sees, after a review of
        the finding. Raises NotFound, also where the finding was deleted meanwhile, Forbidden,
        LetterSigned, LetterChanged, LetterUnreviewed, LetterUrgency, and LetterMarked unless all
        its marks are accepted.
        """

        def sign(draft: _Draft) -> Letter:
            found, finding, owner = draft
            reviewed = self._reviews.get_reviewed(finding)
            if reviewed.decision is None:
                raise LetterUnreviewed
            about = self._facts_of(finding, owner, by, reviewed)
            marks = mark_sentences(text, about, found.language)
            signed = {
                "text": text,
                "signed_at": now(),
                "signature": by.account.name,
                "last_review": reviewed.reviews[-1].id,
                "accepted": [*require_accepted(marks, accepted_marks)],
            }
            if found.reader == "patient":
                place, due_at = f"finding/{finding.number}", finding.held_until
                self._outbox.add(Kind.REVIEWED, to=owner.id, about=place, due_at=due_at)
            return self._letters.change_draft(letter, version, signed)

        signed = self._change(letter, sign, "letter.sign", by=by, detail=_say_accepted)
        return ShownLetter(signed), []

    def withdraw_letter(self, *, letter: str, reason: str, by: Subject) -> MarkedLetter:
        """Take a signed letter back, as the doctor in whose care the patient is. The same again
        changes nothing. Raises NotFound, also where the finding was deleted meanwhile, Forbidden,
        and LetterWithdrawn where another reason stands.
        """

        def withdraw() -> Letter:
            found, submission = self._get_signed(letter, by)
            self._records.rely_on(submission)
            if found.withdrawn:
                raise LetterWithdrawn
            about = f"finding/{submission.number}"
            if submission.for_owner().shows(found.signed_at):  # else the owner knows of none
                self._outbox.add(Kind.LETTER_WITHDRAWN, to=submission.owner, about=about)
            said = Withdrawal(withdrawn_at=now(), withdrawn_by=by.account.name, reason=reason)
            return self._letters.withdraw(letter, said)

        found, submission = self._get_signed(letter, by)
        if found.withdrawn is None:
            try:
                found = self._trail.change(
                    withdraw, "letter.withdraw", by=by.id, target=submission.id
                )
            except LetterWithdrawn:  # by another request at the same time
                found, _ = self._get_signed(letter, by)
        if found.withdrawn is None or found.withdrawn.reason != reason:
            raise LetterWithdrawn
        return self._reviews.get_reviewed(submission).show(found), []

    def delete_draft(self, *, letter: str, by: Subject) -> None:
        """Raises NotFound, Forbidden, LetterSigned."""

        def delete(draft: _Draft) -> None:
            self._letters.remove_draft(draft.letter.id)

        self._change(letter, delete, "letter.delete", by=by)

    def _facts_of(
        self,
        submission: Submission,
        owner: Account,
        doctor: Subject,
        reviewed: ReviewedFinding | None = None,
    ) -> LetterFacts:
        earlier: tuple[CourseEntry, ...] = ()
        if submission.lesion:
            page = self._findings.page(
                submission.lesion, newest_first=True, after=submission.id, limit=MOST_EARLIER
            )
            earlier = tuple(page.items)
        return LetterFacts(
            submission=submission,
            decision=(reviewed or self._reviews.get_reviewed(submission)).decision,
            course=earlier,
            patient=owner.name,
            doctor=doctor.account.name,
        )

    def _change(
        self,
        letter: str,
        act: Callable[[_Draft], T],
        action: str,
        *,
        by: Subject,
        detail: Callable[[T], str | None] | None = None,
    ) -> T:
        """Change the caller's draft. Whether it still is one, and the patient still in care, is
        asked again in the transaction.
        """

        def change() -> T:
            draft = self._get_draft(letter, by)
            self._records.rely_on(draft.submission)
            return act(draft)

        about = self._get_draft(letter, by).submission
        return self._trail.change(change, action, by=by.id, target=about.id, detail=detail)

    def _get_draft(self, identifier: str, by: Subject) -> _Draft:
        """The caller's draft, and what it is about. Raises NotFound, Forbidden, LetterSigned."""
        letter = self._letters.find(identifier)
        submission = self._records.find(letter.submission) if letter else None
        if letter is None or submission is None or letter.doctor != by.id:
            raise NotFound(NO_LETTER)
        submission, owner = self._get_in_care(str(submission.number), by)
        if letter.signed_at:
            raise LetterSigned
        return _Draft(letter, submission, owner)

    def _get_signed(self, identifier: str, by: Subject) -> tuple[Letter, Submission]:
        """A signed letter, whoever signed it, about a finding of a patient in care. Raises
        NotFound, Forbidden.
        """
        letter = self._letters.find(identifier)
        submission = self._records.find(letter.submission) if letter else None
        if letter is None or submission is None or letter.signed_at is None:
            raise NotFound(NOT_SIGNED)
        return letter, self._get_in_care(str(submission.number), by)[0]

    def _get_in_care(self, number: str, doctor: Subject) -> tuple[Submission, Account]:
        submission, owner = self._records.get(number=number, to=doctor)
        if not in_care(owner, doctor):
            raise Forbidden(NOT_IN_CHARGE)
        return submission, owner


def _say_accepted(letter: Letter) -> str | None:
    """For the audit trail: what the marks contradict that were accepted, and none of the text."""
    return f"marks: {', '.join(letter.accepted)}" if letter.accepted else None
