"""The use cases of reviews: sign one as the doctor in charge, and list them."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from pydantic import ValidationError

from skinapi.audit import AuditTrail
from skinapi.auth.accounts import Accounts
from skinapi.errors import Duplicate, Forbidden, IdempotencyKeyReused, NotFound
from skinapi.records.errors import ContradictoryReview
from skinapi.records.reviews import Agreement, Histology, Review, Reviews
from skinapi.records.service import NOT_YOURS, RecordsService, in_care
from skinapi.records.submissions import Submission
from skinapi.storage.faults import Fault
from skinapi.storage.migration import Chunk
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
        label: str,
        agreement: Agreement,
        histology: Histology | None,
        note: str | None,
        key: str | None,
    ) -> Review:
        """Store the review of the doctor in whose care the owner is.

        The same request with the same idempotency key gets the review of the first one. Raises
        NotFound, Forbidden, IdempotencyKeyReused for another request with that key, and
        ContradictoryReview where it agrees with the finding and names another condition.
        """
        submission, owner = self._records.show(number=number, to=by)
        if not in_care(owner, by):
            raise Forbidden(NOT_IN_CHARGE)
        fields = {"label": label, "agreement": agreement, "histology": histology, "note": note}
        request_hash = _hash(submission.id, *fields.values())
        if signed := self._find_signed(by.id, key, request_hash):
            # Again, because a crash may have followed the first request's write.
            self._mark_reviewed(submission)
            return signed
        if agreement is Agreement.AGREE and label != submission.finding.stated:
            raise ContradictoryReview(submission.finding.stated)
        with self._trail.act("review.create", by=by.id, target=submission.id):
            try:
                review = self._reviews.add(
                    submission=submission.id,
                    doctor=by.id,
                    signature=self._accounts.get(by.id).name,
                    idempotency_key=key,
                    request_hash=request_hash,
                    **fields,
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
            self._on_review(submission.finding.model_version, agreement is Agreement.DISAGREE)
            return review

    def _mark_reviewed(self, submission: Submission) -> None:
        """Mark the finding with what its deciding review says."""
        decides = self._reviews.deciding(submission.id)
        while decides:
            self._records.mark_reviewed(submission, label=decides.label)
            marked = decides
            # Read again: another doctor's review may have been signed before this one was marked.
            decides = self._reviews.deciding(submission.id)
            if decides and decides.id == marked.id:
                return

    def mark_next(self, after: str | None) -> Chunk | None:
        """Mark the findings of the next reviews behind this id as their deciding reviews say; None
        where there are none. Earlier code did not store what a review says with its finding, nor
        sort the finding by it.
        """
        found = self._reviews.next(after, limit=MARKED_AT_ONCE)
        if not found:
            return None
        identifiers = sorted({review["submission"] for review in found})
        return Chunk(found[-1]["id"], sum(map(self.repair_mark, identifiers)))

    def repair_mark(self, submission_id: str) -> bool:
        """Mark the finding as its deciding review says; False where it is marked so already."""
        with suppress(ValidationError):  # `check` names a damaged finding
            submission = self._records.find_by_id(submission_id)
            decides = self._reviews.deciding(submission_id)
            if submission is None or decides is None:
                return False
            if decides.label != submission.reviewed_as or not submission.has_current_keys:
                self._mark_reviewed(submission)
                return True
        return False

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

    def deciding(self, *, submission_id: str) -> Review | None:
        """The review that counts for a report."""
        return self._reviews.deciding(submission_id)

    def faults(self) -> Iterator[Fault]:
        """Reviews of deleted submissions, and submissions that are not marked as their deciding
        review says.
        """
        for identifier in sorted(self._reviews.submissions()):
            submission = self._records.find_by_id(identifier)
            decides = self._reviews.deciding(identifier)
            if submission is None:
                says = f"reviews of submission {identifier}, which is gone"
                yield Fault(says, partial(self._reviews.forget, identifier))
            elif not submission.reviewed:
                says = f"submission {identifier} was reviewed and still waits for it"
                yield Fault(says, partial(self._mark_reviewed, submission))
            elif decides and decides.label != submission.reviewed_as:
                says = f"submission {identifier} is not marked with what its review says"
                yield Fault(says, partial(self._mark_reviewed, submission))


def _hash(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
