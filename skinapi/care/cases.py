"""The use cases of doctors' cases: take one, give it back, ask a colleague for a second opinion.

All of it stands in the finding itself, and ends with the care of its doctor (`set_doctor` and
`end_work` of records/submissions.py).
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from skinapi.audit import AuditTrail
from skinapi.auth.accounts import Account, Accounts
from skinapi.auth.emails import normalise_email
from skinapi.care.queue import doctors_of
from skinapi.domain.field_types import ID
from skinapi.domain.subject import Subject
from skinapi.errors import Conflict, Forbidden, NotFound
from skinapi.notices.outbox import Kind, Outbox
from skinapi.records.review_queue import TAKEN_FOR, in_care, is_asked, is_free
from skinapi.records.service import RecordsService
from skinapi.records.submission import Submission
from skinapi.records.submissions import NONE_CAME, NOT_TAKEN, Submissions
from skinapi.storage.ids import now

# Errors about doctors' cases.


class CaseTaken(Conflict):
    """`hours`: how long a doctor has a case."""

    code, sentence = "case_taken", "Another doctor has taken this case"

    def __init__(self, hours: int) -> None:
        super().__init__(f"{self.sentence}; {hours} hours after that you may take it over.")


class OpinionAsked(Conflict):
    code = "opinion_asked"
    sentence = "Another colleague is asked about this finding; withdraw that first"


NOT_IN_CHARGE = "Only the doctor in charge asks for a second opinion, and answers one"
NOT_TO_REVIEW = "Only who may review a finding can take it"
NO_COLLEAGUE = "There is no active doctor with this e-mail or id"
ONESELF = "A second opinion is that of another doctor; name a colleague"
Case = tuple[Submission, Mapping[str, Account]]


class CasesService:
    def __init__(
        self,
        *,
        accounts: Accounts,
        submissions: Submissions,
        records: RecordsService,
        trail: AuditTrail,
        outbox: Outbox,
    ) -> None:
        self._accounts = accounts
        self._submissions = submissions
        self._records = records
        self._trail = trail
        self._outbox = outbox

    def get_case(self, *, number: str, by: Subject) -> Case:
        """A finding that the caller may review, and the accounts of who works on it. Raises
        NotFound, Forbidden.
        """
        return self._with_doctors(self._get(number, by))

    def take_case(self, *, number: str, by: Subject) -> Case:
        """Take a finding, or over from who has had it too long; again, to have it longer. Raises
        NotFound, Forbidden, CaseTaken.
        """

        found = self._get(number, by)

        def take() -> Submission:
            submission = self._get(number, by)
            # Who is suspended at the same time would have it otherwise.
            if not self._accounts.hold(by.id).active_doctor:
                raise Forbidden
            if not is_free(submission, by.id):
                raise CaseTaken(round(TAKEN_FOR / timedelta(hours=1)))
            return self._set_work(submission, taken_by=by.id, taken_at=now())

        return self._change(found, take, "case.take", by=by)

    def give_back_case(self, *, number: str, by: Subject) -> Case:
        """Nothing changes where the caller does not have it. Raises NotFound, Forbidden."""

        found = self._get(number, by)

        def give_back() -> Submission:
            submission = self._get(number, by)
            mine = submission.taken_by == by.id
            return self._set_work(submission, **NOT_TAKEN) if mine else submission

        if found.taken_by != by.id:
            return self._with_doctors(found)
        return self._change(found, give_back, "case.give_back", by=by)

    def ask_colleague(self, *, number: str, colleague: str, by: Subject) -> Case:
        """Ask another active doctor, by e-mail or id. Raises NotFound, Forbidden, OpinionAsked, and
        Conflict where that is the caller.
        """
        found = self._get_in_charge(number, by)
        asked = self._find_colleague(colleague)
        if asked.id == by.id:
            raise Conflict(ONESELF)

        def ask() -> Submission:
            submission = self._get_in_charge(number, by)
            if not self._accounts.hold(asked.id).active_doctor:
                raise NotFound(NO_COLLEAGUE)
            if submission.opinion_of not in (None, asked.id):
                raise OpinionAsked
            self._outbox.add(Kind.OPINION, to=asked.id, about=_place_of(submission))
            # A row names one account, so the colleague has a second one, with the same request id.
            self._trail.record("doctor.ask_opinion", by=by.id, target=asked.id)
            return self._set_work(submission, opinion_of=asked.id, opinion_at=now())

        if found.opinion_of == asked.id:
            return self._with_doctors(found)
        return self._change(found, ask, "case.ask_opinion", by=by)

    def withdraw_request(self, *, number: str, by: Subject) -> None:
        """The colleague does not see the finding any more. Raises NotFound, Forbidden."""
        found = self._get(number, by)

        def withdraw() -> None:
            current = self._get(number, by)
            if current.opinion_of:
                about = _place_of(current)
                self._outbox.withdraw(Kind.OPINION, to=current.opinion_of, about=about)
                self._submissions.end_work_of(current, current.opinion_of)

        if found.opinion_of:
            self._trail.change(withdraw, "case.withdraw_opinion", by=by.id, target=found.id)

    def close_opinion(self, *, number: str, by: Subject) -> Case:
        """The second opinion that has come changes nothing. Raises NotFound, Forbidden."""
        found = self._get_in_charge(number, by)

        def close() -> Submission:
            submission = self._get_in_charge(number, by)
            return self._set_work(submission, **NONE_CAME)

        if found.opinion_key is None:
            return self._with_doctors(found)
        return self._change(found, close, "case.close_opinion", by=by)

    def _change(
        self, found: Submission, act: Callable[[], Submission], action: str, *, by: Subject
    ) -> Case:
        return self._with_doctors(self._trail.change(act, action, by=by.id, target=found.id))

    def _set_work(self, submission: Submission, **fields: Any) -> Submission:
        self._submissions.set_work(submission.id, **fields)
        return submission.model_copy(update=fields)

    def _with_doctors(self, submission: Submission) -> Case:
        return submission, self._accounts.by_ids(doctors_of(submission))

    def _get(self, number: str, by: Subject) -> Submission:
        submission, owner = self._records.get(number=number, to=by)
        if not in_care(owner, by) and not is_asked(submission, owner, by):
            raise Forbidden(NOT_TO_REVIEW)
        return submission

    def _get_in_charge(self, number: str, by: Subject) -> Submission:
        submission, owner = self._records.get(number=number, to=by)
        if not in_care(owner, by):
            raise Forbidden(NOT_IN_CHARGE)
        return submission

    def _find_colleague(self, named: str) -> Account:
        found = None
        with suppress(ValueError):
            found = (
                self._accounts.by_ids({named}).get(named)
                if ID.fullmatch(named)
                else (self._accounts.find_by_email(normalise_email(named)))
            )
        if found is None or not found.active_doctor:
            raise NotFound(NO_COLLEAGUE)
        return found


def _place_of(submission: Submission) -> str:
    """Where the console shows the case."""
    return f"case/{submission.number}"
