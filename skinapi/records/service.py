"""The use cases of stored findings: store, show, delete."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from skinapi.audit import AuditTrail
from skinapi.auth.accounts import Account, Accounts
from skinapi.errors import (
    Duplicate,
    IdempotencyKeyReused,
    InvalidToken,
    NotFound,
    SkinAPIError,
    StoreUnavailable,
)
from skinapi.records.decisions import Decision
from skinapi.records.finding_counts import FindingCounts
from skinapi.records.kept_photos import KeptPhotos
from skinapi.records.review_queue import ReviewQueue
from skinapi.records.submissions import Submission, Submissions, SubmissionSummary
from skinapi.records.thumbnails import Thumbnails
from skinapi.storage.faults import Fault
from skinapi.storage.ids import new_id
from skinapi.storage.ports import Store
from skinapi.vision.conditions import Language
from skinapi.vision.context import Context
from skinapi.vision.finding import Finding
from skinapi.vision.overlay import draw_kept_overlay
from skinapi.web.access import Subject
from skinapi.web.pagination import Page

ATTEMPTS = 3
NOT_YOURS = "Not found or unauthorized"

ForgetSubmission = Callable[[Submission], None]


class RecordsService:
    """Stores findings and decides who may see them.

    Another package that stores data about a submission passes a function in `forget` that deletes
    it. Such a function must be idempotent. `on_finding` is called after each new finding.
    """

    def __init__(
        self,
        *,
        store: Store,
        submissions: Submissions,
        counts: FindingCounts,
        accounts: Accounts,
        trail: AuditTrail,
        photos: KeptPhotos,
        on_finding: Callable[[Finding], None],
        forget: Sequence[ForgetSubmission] = (),
    ) -> None:
        self._submissions = submissions
        self._queue = ReviewQueue(submissions=submissions, accounts=accounts)
        self._counts = counts
        self._forget = forget
        self._store = store
        self._accounts = accounts
        self._trail = trail
        self.photos = photos
        self._on_finding = on_finding
        self._thumbnails = Thumbnails(
            submissions=submissions, photos=photos, blobs=store.blobs, trail=trail
        )

    def find_answered(self, *, owner: str, key: str | None, request_hash: str) -> Submission | None:
        """The submission that the same request created before, if any.

        Raises IdempotencyKeyReused where the key was used for another request.
        """
        found = self._submissions.by_key(owner, key)
        if found is None:
            return None
        if found.request_hash != request_hash:
            raise IdempotencyKeyReused
        return found

    def file_finding(
        self,
        *,
        owner: Account,
        finding: Finding,
        photo: bytes | None,
        context: Context,
        language: Language,
        sections: dict[str, str],
        narrative_source: dict[str, str | None],
        key: str | None,
        request_hash: str,
    ) -> Submission:
        """Store a finding, and its photo if there is one. Where a retry of the same request has
        stored it in the meantime, the result is the retry's submission.

        Pass a photo only where `photos.may_keep` allows it. Raises InvalidToken where the account
        was deleted in the meantime; then nothing is stored.
        """
        blob = self.photos.keep(photo) if photo else None
        identifier = new_id()
        file = partial(
            self._file,
            identifier=identifier,
            owner=owner.id,
            finding=finding,
            context=context,
            language=language,
            sections=sections,
            narrative_source=narrative_source,
            photo_blob=blob,
            idempotency_key=key,
            request_hash=request_hash,
        )
        for _ in range(ATTEMPTS):
            number = self._submissions.take_number()
            try:
                filed = self._trail.change(
                    partial(file, number=number),
                    "submission.create",
                    by=owner.id,
                    target=identifier,
                )
            except StoreUnavailable:
                raise  # without an answer, the finding may be stored: `check` finds a photo of none
            except Duplicate:
                # A retry of this request has stored it in the meantime, or the number is in use.
                stored = self.find_answered(owner=owner.id, key=key, request_hash=request_hash)
                if stored:
                    self.photos.delete(blob)
                    return stored
                self._submissions.catch_up()
            except SkinAPIError:
                self.photos.delete(blob)
                raise
            else:
                self._on_finding(filed.finding)
                return filed
        raise StoreUnavailable

    def _file(self, *, identifier: str, owner: str, **fields: Any) -> Submission:
        try:
            current = self._accounts.get(owner)
        except NotFound as error:
            raise InvalidToken from error
        if current.status == "deleting":
            raise InvalidToken
        filed = self._submissions.add(
            identifier=identifier, owner=owner, doctor=current.doctor_id, **fields
        )
        self._queue.join(filed, current)
        return filed

    def list_own(self, *, owner: str, after: str | None, limit: int) -> Page[SubmissionSummary]:
        """One page of the owner's findings, oldest first."""
        return self._submissions.page(owner, after=after, limit=limit)

    def show(self, *, number: str, to: Subject) -> tuple[Submission, Account]:
        """A submission and its owner, who is the caller or a patient in the caller's care.

        Raises NotFound, also where the caller may not see it: so a caller cannot learn which
        numbers exist.
        """
        submission = self._find(number)
        if submission.owner == to.id and to.account:
            return submission, to.account
        try:
            owner = self._accounts.get(submission.owner)
        except NotFound as error:
            raise NotFound(NOT_YOURS) from error
        if owner.id != to.id and not in_care(owner, to):
            raise NotFound(NOT_YOURS)
        return submission, owner

    def read_kept_photo(self, *, number: str, to: Subject) -> bytes:
        """The kept photo. Raises NotFound, with the reason where it was not kept or is damaged."""
        submission, _ = self.show(number=number, to=to)
        return self.photos.read(submission=submission, to=to)

    def draw_heatmap(self, *, number: str, to: Subject) -> bytes:
        """The heat map over the kept photo, as JPEG. Raises NotFound."""
        submission, _ = self.show(number=number, to=to)
        photo = self.photos.read(submission=submission, to=to)
        return draw_kept_overlay(photo, submission.finding.heat)

    def read_thumbnail(self, *, number: str, to: Subject) -> bytes:
        """The kept photo as a small JPEG. Raises NotFound, as `read_kept_photo` does."""
        submission, _ = self.show(number=number, to=to)
        return self._thumbnails.read(submission=submission, to=to)

    def has(self, submission_id: str) -> bool:
        return self._submissions.has(submission_id)

    def delete_submission(self, *, number: str, by: str) -> None:
        """Delete a finding of the caller. Raises NotFound, also for those of other accounts."""
        try:
            self._delete_own(number, by)
        except NotFound:
            # The same request may have deleted it before, and have been interrupted there.
            self._queue.update_owner_key(by)
            raise

    def _delete_own(self, number: str, by: str) -> None:
        submission = self._find(number)
        if submission.owner != by:
            raise NotFound(NOT_YOURS)
        with self._trail.act("submission.delete", by=by, target=submission.id):
            if not self._remove(submission):
                raise NotFound(NOT_YOURS)
            self._queue.update_owner_key(by)

    def follow_care(self, owner_id: str) -> None:
        """Move the account's findings to its doctor's queue. Call it after the doctor changed."""
        self._queue.follow_care(owner_id)

    def repair_places(self, owner_id: str) -> None:
        """Put all findings of this account in their places in the doctors' lists. Idempotent."""
        self._queue.repair(owner_id)

    def mark_reviewed(self, submission: Submission, *, decision: Decision) -> None:
        """Mark a finding with what its reviews say. Idempotent."""
        self._queue.leave(submission, decision=decision)

    def find_by_id(self, submission_id: str) -> Submission | None:
        return self._submissions.by_id(submission_id)

    def forget(self, owner_id: str) -> None:
        """Delete all findings of this owner. Idempotent."""
        while page := self._submissions.page(owner_id, after=None, limit=100).items:
            for listed in page:
                if submission := self._submissions.by_id(listed.id):
                    self._remove(submission)
        self._counts.forget(owner_id)

    def faults(self) -> Iterator[Fault]:
        """Findings of deleted accounts, wrong counts, and wrong places in the doctors' queues."""
        kept = self._submissions.count_by_owner()
        for owner in sorted(kept.keys() | self._counts.owners()):
            if self._accounts.find({"id": owner}):
                yield from self._counts.faults(owner, kept.get(owner, 0))
            else:
                says = f"submissions of account {owner}, which is gone"
                yield Fault(says, partial(self.forget, owner))
        yield from self._queue.faults()

    def _find(self, number: str) -> Submission:
        # Numbers have at most 16 digits (see `make_queue_key`); a longer one might not fit into the
        # stores' 64-bit integers.
        if not (number.isascii() and number.isdigit()) or len(number) > 16:
            raise NotFound(NOT_YOURS)
        found = self._submissions.by_number(int(number))
        if found is None:
            raise NotFound(NOT_YOURS)
        return found

    def _remove(self, submission: Submission) -> bool:
        """Delete a submission and all data about it; False where it was deleted already.

        The submission itself is deleted last, so that a crash in between leaves no data without
        their record. Data that were written in the meantime are deleted after it.
        """
        self.photos.delete(submission.photo_blob)
        self.forget_beside(submission)
        removed = self._remove_record(submission)
        self.forget_beside(submission)
        return removed

    def _remove_record(self, submission: Submission) -> bool:
        """Delete the record and its thumbnail, which a request may store at this moment."""
        current: Submission | None = submission
        while current:
            self.photos.delete(current.thumbnail_blob)
            if self._submissions.remove(current):
                return True
            current = self._submissions.by_id(current.id)
        return False

    def forget_beside(self, submission: Submission) -> None:
        """Delete the data that other packages store about this submission.

        Call it too after storing such data for a submission that was deleted in the meantime.
        """
        for forget in self._forget:
            forget(submission)


def in_care(owner: Account, doctor: Subject) -> bool:
    """Whether this account is a patient in the care of this doctor.

    Never where the account is a doctor itself: becoming a doctor ends care. That is checked here
    too, because accounts from before this rule may still hold a doctor.
    """
    return doctor.role == "doctor" and owner.role != "doctor" and owner.doctor_id == doctor.id
