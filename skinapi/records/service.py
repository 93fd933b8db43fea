"""What is kept of a finding, who may see it, and how it goes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Literal

from skinapi.audit import AuditTrail
from skinapi.auth.accounts import Account, Accounts
from skinapi.errors import BlobDamaged, Duplicate, InvalidToken, NotFound
from skinapi.records.errors import IdempotencyKeyReused
from skinapi.records.finding_counts import FindingCounts
from skinapi.records.review_queue import ReviewQueue
from skinapi.records.submissions import Submission, Submissions, SubmissionSummary
from skinapi.storage.faults import Fault
from skinapi.storage.ids import new_id
from skinapi.storage.ports import Blobs, Store
from skinapi.vision.conditions import Language
from skinapi.vision.context import Context
from skinapi.vision.finding import Finding
from skinapi.vision.overlay import draw_kept_overlay
from skinapi.vision.photo import Photo, read_photo
from skinapi.web.access import Subject
from skinapi.web.logs import log
from skinapi.web.pagination import Page

NOT_YOURS = "Not found or unauthorized"
NOT_KEPT = "The photo of this submission was not kept"
DAMAGED = "The kept photo is damaged and cannot be shown; finding and report are not affected"

PhotoPolicy = Literal["never", "consent", "always"]
ForgetSubmission = Callable[[Submission], None]


class RecordsService:
    """Whatever keeps something of a submission elsewhere hands in an idempotent `forget`."""

    def __init__(
        self,
        *,
        store: Store,
        submissions: Submissions,
        counts: FindingCounts,
        accounts: Accounts,
        trail: AuditTrail,
        photos: PhotoPolicy,
        forget: Sequence[ForgetSubmission] = (),
    ) -> None:
        self._submissions = submissions
        self._queue = ReviewQueue(submissions=submissions, accounts=accounts)
        self._counts = counts
        self._forget = forget
        self._store = store
        self._blobs: Blobs = store.blobs
        self._accounts = accounts
        self._trail = trail
        self._photos = photos

    def find_answered(self, *, owner: str, key: str | None, request_hash: str) -> Submission | None:
        """What the same request was answered before. Raises IdempotencyKeyReused for another."""
        found = self._submissions.by_key(owner, key)
        if found and found.request_hash != request_hash:
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
        """Keep it, and the photo if there is one: hand one in only where `may_keep_photo`. If a
        retry was faster, its.
        """
        blob = self._blobs.put(photo) if photo else None
        # Of the trail's rows and the record none is told of before all are kept.
        return self._store.together(
            partial(
                self._file,
                identifier=new_id(),
                owner=owner.id,
                doctor=owner.doctor_id,
                finding=finding,
                context=context,
                language=language,
                sections=sections,
                narrative_source=narrative_source,
                photo_blob=blob,
                idempotency_key=key,
                request_hash=request_hash,
            )
        )

    def _file(self, *, identifier: str, owner: str, **fields: Any) -> Submission:
        with self._trail.act("submission.create", by=owner, target=identifier):
            try:
                filed = self._submissions.add(identifier=identifier, owner=owner, **fields)
            except Duplicate:
                self._drop(fields["photo_blob"])
                key, request_hash = fields["idempotency_key"], fields["request_hash"]
                faster = self.find_answered(owner=owner, key=key, request_hash=request_hash)
                if faster is None:
                    raise
                return faster
            self._queue.join(filed, self._living_owner(filed))
            return filed

    def may_keep_photo(self, owner: Account, keep_photo: bool | None) -> bool:
        """What the request says goes before what the account says; policy goes before both."""
        if self._photos != "consent":
            return self._photos == "always"
        return owner.consents.get("photos", False) if keep_photo is None else keep_photo

    def _living_owner(self, filed: Submission) -> Account:
        """The account may have been erased while the photo was judged: nothing of it stays."""
        with suppress(NotFound):
            owner = self._accounts.get(filed.owner)
            if owner.status != "deleting":
                return owner
        self._remove(filed)
        raise InvalidToken

    def list_own(
        self, *, owner: str, after: str | None, limit: int
    ) -> tuple[Page[SubmissionSummary], Account]:
        """One page, in the order they were made, and their owner."""
        page = self._submissions.page(owner, after=after, limit=limit)
        return page, self._accounts.get(owner)

    def show(self, *, number: str, to: Subject) -> tuple[Submission, Account]:
        """With its owner: the caller, or a patient in the caller's care. Raises NotFound."""
        submission = self._find(number)
        try:
            owner = self._accounts.get(submission.owner)
        except NotFound as error:
            raise NotFound(NOT_YOURS) from error
        if owner.id != to.id and not in_care(owner, to):
            raise NotFound(NOT_YOURS)
        return submission, owner

    def read_kept_photo(self, *, number: str, to: Subject) -> bytes:
        """Raises NotFound, with the reason where it was not kept."""
        submission, _ = self.show(number=number, to=to)
        return self._content_of(submission, to)

    def draw_heatmap(self, *, number: str, to: Subject) -> bytes:
        """The heat map over the kept photo, as JPEG. Raises NotFound."""
        submission, _ = self.show(number=number, to=to)
        return draw_kept_overlay(self._content_of(submission, to), submission.finding.heat)

    def open_photo(self, *, submission: Submission, to: Subject) -> Photo | None:
        """The kept photo at the size that the network works with; None where none was kept, or
        where its file is damaged: a report is worth having without it.
        """
        try:
            content = self._read_photo(submission)
        except BlobDamaged:
            return None
        if content is None:
            return None
        self.note_photo_read(submission=submission, by=to)
        return read_photo(content)

    def note_photo_read(self, *, submission: Submission, by: Subject) -> None:
        """Before a kept photo is shown, itself or printed on something: one row in the trail, but
        none for its owner, whose own reading tells nothing and would double what the trail holds.
        """
        if submission.photo_blob and by.id != submission.owner:
            self._trail.note("photo.read", by=by.id, target=submission.id)

    def has(self, submission_id: str) -> bool:
        return self._submissions.has(submission_id)

    def delete_submission(self, *, number: str, by: str) -> None:
        """One's own alone. Raises NotFound."""
        submission = self._find(number)
        if submission.owner != by:
            raise NotFound(NOT_YOURS)
        with self._trail.act("submission.delete", by=by, target=submission.id):
            if not self._remove(submission):
                raise NotFound(NOT_YOURS)
            self._queue.place_owner(by)

    def follow_care(self, owner_id: str) -> None:
        """After the doctor of this account was changed."""
        self._queue.follow_care(owner_id)

    def mark_reviewed(self, submission: Submission) -> None:
        """It waits for no review any more; again and again without harm."""
        self._queue.leave(submission)

    def find_by_id(self, submission_id: str) -> Submission | None:
        return self._submissions.by_id(submission_id)

    def forget(self, owner_id: str) -> None:
        """Everything of this owner; again and again without harm."""
        while page := self._submissions.page(owner_id, after=None, limit=100).items:
            for listed in page:
                if submission := self._submissions.by_id(listed.id):
                    self._remove(submission)
        self._counts.forget(owner_id)

    def faults(self) -> Iterator[Fault]:
        kept = self._submissions.count_by_owner()
        for owner in sorted(kept.keys() | self._counts.owners()):
            if self._accounts.find({"id": owner}):
                yield from self._counts.faults(owner, kept.get(owner, 0))
            else:
                says = f"submissions of account {owner}, which is gone"
                yield Fault(says, partial(self.forget, owner))
        yield from self._queue.faults()

    def _find(self, number: str) -> Submission:
        if not (number.isascii() and number.isdigit()) or len(number) > 16:
            raise NotFound(NOT_YOURS)
        found = self._submissions.by_number(int(number))
        if found is None:
            raise NotFound(NOT_YOURS)
        return found

    def _content_of(self, submission: Submission, to: Subject) -> bytes:
        try:
            content = self._read_photo(submission)
        except BlobDamaged as error:
            raise NotFound(DAMAGED) from error
        if content is None:
            raise NotFound(NOT_KEPT)
        self.note_photo_read(submission=submission, by=to)
        return content

    def _read_photo(self, submission: Submission) -> bytes | None:
        try:
            return self._blobs.get(submission.photo_blob) if submission.photo_blob else None
        except BlobDamaged:
            log.error("photo_damaged", submission=submission.id)
            raise

    def _remove(self, submission: Submission) -> bool:
        """The submission goes last: a crash in between must leave nothing behind without its
        record. What was written beside it meanwhile goes after it.
        """
        self._drop(submission.photo_blob)
        self.forget_beside(submission)
        removed = self._submissions.remove(submission)
        self.forget_beside(submission)
        return removed

    def forget_beside(self, submission: Submission) -> None:
        """What is kept of it elsewhere; also for whoever has just kept more of one that is gone."""
        for forget in self._forget:
            forget(submission)

    def _drop(self, blob: str | None) -> None:
        if blob:
            self._blobs.delete(blob)


def in_care(owner: Account, doctor: Subject) -> bool:
    """Never another doctor: a promotion ends care, also where it was recorded before that rule."""
    return doctor.role == "doctor" and owner.role != "doctor" and owner.doctor_id == doctor.id
