"""The use cases of reviews: sign one as the doctor in charge, and list them."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from pydantic import ValidationError

from skinapi.audit import AuditTrail
from skinapi.auth.accounts import Accounts
from skinapi.errors import Duplicate, Forbidden, IdempotencyKeyReused, NotFound
from skinapi.records.decisions import Decision
from skinapi.records.opinions import Agreement, Opinion, Statement
from skinapi.records.reviews import Review, Reviews
from skinapi.records.service import NOT_YOURS, RecordsService, in_care
from skinapi.records.submissions import Submission
from skinapi.storage.faults import Fault
from skinapi.storage.migration import Chunk
from skinapi.vision.conditions import conditions_table
from skinapi.web.access import Subject
from skinapi.web.pagination import Page

MARKED_AT_ONCE = 20
NOT_IN_CHARGE = "Only the doctor in charge can review"


class ReviewsService:
    def __init__(
        self,
        *,
        reviews: Reviews,
        records: RecordsService,
        accounts: Accounts,
        trail: AuditTrail,
        on_review: Callable[[str, bool], None],
    ) -> None:
        """`on_review(model_version, disagrees)` is called after each new review."""
        self._reviews = reviews
        self._records = records
        self._accounts = accounts
        self._trail = trail
        self._on_review = on_review

    def add_review(
        self,
        *,
        number: str,
        by: Subject,
        said: Statement,
        note: str | None,
        key: str | None,
    ) -> Review:
        """Store the review of the doctor in whose care the owner is.

        The same request with the same idempotency key gets the review of the first one. Raises
        NotFound, Forbidden, IdempotencyKeyReused for another request with that key,
        ContradictoryReview, and TooManyReviews.
        """
        submission, owner = self._records.show(number=number, to=by)
        if not in_care(owner, by):
            raise Forbidden(NOT_IN_CHARGE)
        request_hash = _hash(submission.id, *said.of_version_3, note, *said.newer)
        if signed := self._find_signed(by.id, key, request_hash):
            # Again, because a crash may have followed the first request's write.
            self._mark_reviewed(submission)
            return signed
        finding = submission.finding
        opinion = said.resolve(stated=finding.stated, band=finding.band)
        with self._trail.act("review.create", by=by.id, target=submission.id):
            try:
                review = self._reviews.add(
                    submission=submission.id,
                    doctor=by.id,
                    signature=self._accounts.get(by.id).name,
                    idempotency_key=key,
                    request_hash=request_hash,
                    opinion=opinion,
                    stated=finding.stated,
                    note=note,
                )
            except Duplicate:  # a retry of this request has stored it in the meantime
                signed = self._find_signed(by.id, key, request_hash)
                if signed is None:
                    raise
                # Again: that request may have crashed, or may not have marked the finding yet.
                self._mark_reviewed(submission)
                return signed
            self._remove_review_of_deleted(submission.id)
            self._mark_reviewed(submission)
            if opinion.condition is not None:
                self._on_review(finding.model_version, _disagrees(opinion, finding.stated))
            return review

    def _decision(self, submission: Submission) -> Decision | None:
        return Decision.of(self._reviews.of(submission.id), submission.finding)

    def _mark_reviewed(self, submission: Submission) -> None:
        """Mark the finding with what its reviews say."""
        decision = self._decision(submission)
        while decision:
            self._records.mark_reviewed(submission, decision=decision)
            marked = decision
            # Read again: another doctor's review may have been signed before this one was marked.
            decision = self._decision(submission)
            if decision == marked:
                return

    def mark_next(self, after: str | None) -> Chunk | None:
        """Mark the findings of the next reviews behind this id as their reviews say; None where
        there are none. Earlier code stored less of it with the finding, by another rule.
        """
        found = self._reviews.next(after, limit=MARKED_AT_ONCE)
        if not found:
            return None
        identifiers = sorted({review["submission"] for review in found})
        return Chunk(found[-1]["id"], sum(map(self.repair_mark, identifiers)))

    def repair_mark(self, submission_id: str) -> bool:
        """Mark the finding as its reviews say; False where it is marked so already."""
        with suppress(ValidationError):  # `check` names a damaged finding
            submission = self._records.find_by_id(submission_id)
            if submission is None or self._decision(submission) is None:
                return False
            if not (self._is_marked(submission) and submission.has_current_keys):
                self._mark_reviewed(submission)
                return True
        return False

    def _is_marked(self, submission: Submission) -> bool:
        decision = self._decision(submission)
        if decision is None:
            return True
        reviewed_as = decision.reviewed_as(stated=submission.finding.stated)
        return (submission.decision, submission.reviewed_as) == (decision, reviewed_as)

    def _find_signed(self, doctor: str, key: str | None, request_hash: str) -> Review | None:
        found = self._reviews.by_key(doctor, key)
        if found and found.request_hash != request_hash:
            raise IdempotencyKeyReused
        return found

    def _remove_review_of_deleted(self, submission_id: str) -> None:
        """Remove the review again where the finding was deleted while the review was written.

        Raises NotFound in that case.
        """
        if not self._records.has(submission_id):
            self._reviews.forget(submission_id)
            raise NotFound(NOT_YOURS)

    def list_reviews(
        self, *, number: str, to: Subject, after: str | None, limit: int
    ) -> Page[Review]:
        """The reviews of a finding that the caller may see. Raises NotFound."""
        submission, _ = self._records.show(number=number, to=to)
        return self._reviews.page(submission.id, after=after, limit=limit)

    def decide(self, submission: Submission) -> tuple[Review, Decision] | None:
        """The review that counts, and what is decided; None without any review."""
        reviews = self._reviews.of(submission.id)
        decision = Decision.of(reviews, submission.finding)
        if decision is None:
            return None
        return next(one for one in reviews if one.id == decision.review), decision

    def faults(self) -> Iterator[Fault]:
        """Reviews of deleted submissions, and submissions that are not marked as their reviews
        say.
        """
        for identifier in sorted(self._reviews.submissions()):
            submission = self._records.find_by_id(identifier)
            if submission is None:
                says = f"reviews of submission {identifier}, which is gone"
                yield Fault(says, partial(self._reviews.forget, identifier))
            elif not submission.reviewed:
                says = f"submission {identifier} was reviewed and still waits for it"
                yield Fault(says, partial(self._mark_reviewed, submission))
            elif not self._is_marked(submission):
                says = f"submission {identifier} is not marked with what its review says"
                yield Fault(says, partial(self._mark_reviewed, submission))


def _disagrees(opinion: Opinion, stated: str) -> bool:
    """Whether it counts as a disagreement: not where the model counts the named condition within
    the stated one, as squamous cell carcinoma within actinic keratosis.
    """
    named = opinion.condition or ""
    within = named != stated and conditions_table().counted_as(named) == stated
    return opinion.agreement is Agreement.DISAGREE and not within


def _hash(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
