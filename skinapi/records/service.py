"""The use cases of stored findings: store, show, delete."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
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
    StoreBusy,
    StoreUnavailable,
)
from skinapi.languages import Language
from skinapi.notices.outbox import Kind, Outbox
from skinapi.records.instructions import Instruction, reconcile
from skinapi.records.lesion_findings import LesionFindings
from skinapi.records.photos import KeptPhotos, Thumbnails
from skinapi.records.review_queue import ReviewQueue, in_care, is_asked
from skinapi.records.reviews import Decision, Withheld
from skinapi.records.submissions import (
    NONE_CAME,
    NOT_ASKED,
    NOT_TAKEN,
    Submission,
    Submissions,
    SubmissionSummary,
)
from skinapi.registry.version_service import ModelsService, Standing
from skinapi.storage.background import Erasures
from skinapi.storage.faults import Fault
from skinapi.storage.ids import new_id, now
from skinapi.storage.migration import Chunk
from skinapi.storage.ports import Store
from skinapi.vision.conditions import Band
from skinapi.vision.context import Context
from skinapi.vision.finding.finding import Finding
from skinapi.vision.heat_map_overlay import draw_kept_overlay
from skinapi.web.access import Subject
from skinapi.web.schemas import Page

ATTEMPTS = 3
NOT_YOURS = "Not found or unauthorized"

# A deletion of so many findings is one transaction.
DELETED_AT_ONCE = 20


@dataclass(frozen=True)
class Again:
    """The finding whose photo is judged again, and the doctor who lets it be."""

    original: Submission
    by: str


ForgetSubmission = Callable[[Submission], Iterable[str] | None]


class RecordsService:
    """Stores findings and decides who may see them.

    Another package that stores data about a submission passes a function in `forget`. It is called
    in the transaction that deletes the submission, after it is deleted; it deletes these data, and
    returns the keys of their blobs, which are deleted after it. `on_finding` is called after each
    new finding. `enter_lesion` is called in the transaction that files a finding of a spot, and
    raises what refuses it; `update_lesion` in that which reviews one.
    """

    def __init__(
        self,
        *,
        store: Store,
        submissions: Submissions,
        findings: LesionFindings,
        accounts: Accounts,
        trail: AuditTrail,
        photos: KeptPhotos,
        on_finding: Callable[[Finding], None],
        enter_lesion: Callable[[Submission], None],
        update_lesion: Callable[[Submission], None],
        outbox: Outbox,
        models: ModelsService,
        forget: Sequence[ForgetSubmission] = (),
    ) -> None:
        self._submissions, self._findings = submissions, findings
        self._queue = ReviewQueue(store=store, submissions=submissions, accounts=accounts)
        self._forget = forget
        self._erasures = Erasures(store)
        self._store = store
        self._accounts = accounts
        self._trail = trail
        self.photos = photos
        self._on_finding = on_finding
        self._enter_lesion = enter_lesion
        self._update_lesion = update_lesion
        self._outbox = outbox
        self._models = models
        self._thumbnails = Thumbnails(
            submissions=submissions, photos=photos, blobs=store.blobs, trail=trail
        )

    def find_answered(self, *, owner: str, key: str | None, request_hash: str) -> Submission | None:
        """The submission that the same request created before, if any.

        Raises IdempotencyKeyReused where the key was used for another request.
        """
        found = self._submissions.find_by_key(owner, key)
        if found is None:
            return None
        if found.request_hash != request_hash:
            raise IdempotencyKeyReused
        return found.for_owner()

    def file_finding(
        self,
        *,
        owner: Account,
        finding: Finding,
        photos: Sequence[bytes],
        context: Context,
        language: Language,
        sections: dict[str, str],
        narrative_source: dict[str, str | None],
        lesion: str | None,
        key: str | None,
        request_hash: str,
        again: Again | None = None,
    ) -> Submission:
        """Store a finding, and its photos if there are any. Where a retry of the same request has
        stored it in the meantime, the result is the retry's submission. `again`: its photos are
        those of another finding, which a doctor lets the model in service judge.

        Pass photos only where `photos.may_keep` allows it. Raises InvalidToken where the account
        was deleted in the meantime, NotFound where the finding was that it is made `again` of, and
        what its spot refuses it with; then nothing is stored.
        """
        blobs = tuple(map(self.photos.keep, photos))
        identifier = new_id()
        fields = {
            "finding": finding,
            "context": context,
            "language": language,
            "sections": sections,
            "narrative_source": narrative_source,
            "photo_blob": blobs[finding.shown_picture] if blobs else None,
            "picture_blobs": blobs if finding.pictures else (),
            "picture_count": max(1, len(finding.pictures)),
            "lesion": lesion,
            "idempotency_key": key,
            "request_hash": request_hash,
        }
        try:
            filed = self._file_once(identifier=identifier, owner=owner.id, again=again, **fields)
        except SkinAPIError as error:
            # Without an answer from the store, the finding may be there: `check` finds a photo of
            # none.
            if isinstance(error, StoreBusy) or not isinstance(error, StoreUnavailable):
                self.photos.delete(*blobs)
            raise
        if filed.id == identifier:
            self._on_finding(filed.finding)
        else:
            self.photos.delete(*blobs)
        return filed

    def _file_once(
        self, *, identifier: str, owner: str, again: Again | None, **fields: Any
    ) -> Submission:
        key, request_hash = fields["idempotency_key"], fields["request_hash"]
        action, by = ("submission.judge_again", again.by) if again else ("submission.create", owner)
        original = again.original if again else None
        for _ in range(ATTEMPTS):
            number = self._submissions.take_number()
            file = partial(
                self._file,
                identifier=identifier,
                owner=owner,
                original=original,
                number=number,
                **fields,
            )
            with suppress(Duplicate):
                return self._trail.change(file, action, by=by, target=identifier)
            # A retry of this request has stored it in the meantime, or the number is in use.
            if stored := self.find_answered(owner=owner, key=key, request_hash=request_hash):
                return stored
            self._submissions.skip_used_numbers()
        raise StoreBusy

    def _file(
        self, *, identifier: str, owner: str, original: Submission | None = None, **fields: Any
    ) -> Submission:
        account = self._accounts.add_findings(owner, 1)
        if account is None:
            try:
                account = self._accounts.get(owner)
            except NotFound as error:
                raise InvalidToken from error
            if account.status == "deleting":
                raise InvalidToken
        if original:
            self.rely_on(original)
            self._submissions.link_again(original, fields["number"])
            fields["again_of"], fields["photo_sent_at"] = original.number, original.photographed_at
        filed = self._submissions.add(
            identifier=identifier, owner=owner, doctor=account.doctor_id, **fields
        )
        if account.findings is None:
            self._queue.recount(owner)
        self._queue.join(filed, account)
        if filed.lesion:
            self._enter_lesion(filed)
        if account.doctor_id and filed.finding.band is Band.URGENT_REFERRAL:
            self._outbox.add(Kind.URGENT, to=account.doctor_id, about="queue")
        return filed

    def count_kept(self, owner: Account) -> int:
        """How many findings an account has, counted one by one: the count of the account may be
        wrong by those that servers of the version before have stored or deleted.
        """
        return self._store.transaction(partial(self._queue.recount, owner.id))

    def list_own(
        self,
        *,
        owner: str,
        unsorted: bool = False,
        newest_first: bool = False,
        after: str | None,
        limit: int,
    ) -> Page[SubmissionSummary]:
        """One page of the owner's findings, or of those that belong to no spot, in the order of
        time.
        """
        page = self._submissions.page_owned(
            owner, unsorted=unsorted, newest_first=newest_first, after=after, limit=limit
        )
        return page.map(SubmissionSummary.for_owner)

    def get(self, *, number: str, to: Subject) -> tuple[Submission, Account]:
        """A submission and its owner, who is the caller or a patient in the caller's care; or the
        caller is asked for a second opinion about it, or about another finding of its spot. Its
        owner gets it without what a doctor holds back.

        Raises NotFound, also where the caller may not see it: so a caller cannot learn which
        numbers exist.
        """
        submission = self._find(number)
        if submission.owner == to.id and to.account:
            return submission.for_owner(), to.account
        try:
            owner = self._accounts.get(submission.owner)
        except NotFound as error:
            raise NotFound(NOT_YOURS) from error
        if owner.id != to.id and not (
            is_asked(submission, owner, to) or self.may_see(owner, to, lesion=submission.lesion)
        ):
            raise NotFound(NOT_YOURS)
        return submission, owner

    def find_standing(self, submission: Submission) -> Standing:
        """What has become of the model version that made this finding."""
        return self._models.find_standing(submission.finding.model_version)

    def instruct(self, submission: Submission) -> Instruction | None:
        """What is to be done about the spot of this finding, as the reader of this copy may know;
        about the finding alone where it belongs to none.
        """
        if submission.lesion is None:
            return reconcile([submission.advised])
        return self._findings.instruct_all(
            [submission.lesion], for_owner=submission.as_owner_sees
        ).get(submission.lesion)

    def may_see(self, owner: Account, to: Subject, *, lesion: str | None) -> bool:
        """Whether the caller may see the findings of a spot of this patient; without a spot, those
        of none.
        """
        if in_care(owner, to):
            return True
        asked = lesion and to.role == "doctor" and owner.status != "deleting"
        return bool(asked) and self._submissions.is_asked_about(lesion or "", to.id)

    def read_kept_photo(self, *, number: str, picture: int | None, to: Subject) -> bytes:
        """The kept photo, of several the one at this place. Raises NotFound, with the reason where
        it was not kept or is damaged.
        """
        submission = self._get_picture(number, picture, to)
        return self.photos.read(submission=submission, to=to)

    def draw_heatmap(self, *, number: str, picture: int | None, to: Subject) -> bytes:
        """The heat map over the kept photo, as JPEG. Raises NotFound."""
        submission = self._get_picture(number, picture, to)
        photo = self.photos.read(submission=submission, to=to)
        return draw_kept_overlay(photo, submission.finding.heat)

    def _get_picture(self, number: str, picture: int | None, to: Subject) -> Submission:
        submission, _ = self.get(number=number, to=to)
        return submission.of_picture(picture) if picture else submission

    def read_thumbnail(self, *, number: str, to: Subject) -> bytes:
        """The kept photo as a small JPEG. Raises NotFound, as `read_kept_photo` does."""
        submission, _ = self.get(number=number, to=to)
        return self._thumbnails.read(submission=submission, to=to)

    def delete_submission(self, *, number: str, by: str) -> None:
        """Delete a finding of the caller. Raises NotFound, also for those of other accounts."""
        found = self._find(number)
        if found.owner != by:
            raise NotFound(NOT_YOURS)

        def delete() -> list[str]:
            owner = self._accounts.add_findings(by, -1)
            submission, blobs = self._remove(found.id)
            if owner is None:
                self._queue.recount(by)
                owner = self._accounts.get(by)
            self._queue.leave(submission, owner)
            return blobs

        blobs = self._trail.change(delete, "submission.delete", by=by, target=found.id)
        self._erasures.finish(blobs)

    def mark_reviewed(
        self,
        submission: Submission,
        owner: Account,
        *,
        decision: Decision,
        withheld: Sequence[Withheld],
    ) -> None:
        """Mark a finding with what its reviews say, in the transaction that signs one."""
        self._submissions.mark_reviewed(submission, decision=decision, withheld=withheld)
        self._queue.leave(submission, owner)
        self._update_lesion(submission)

    def end_work_on(self, submission: Submission, doctor: str) -> None:
        """Let this doctor leave a case, in the caller's transaction: what the doctor has taken is
        given back, and the request for the doctor's second opinion ends.
        """
        taken = NOT_TAKEN if submission.taken_by == doctor else {}
        asked = NOT_ASKED if submission.opinion_of == doctor else {}
        if taken or asked:
            self._submissions.set_work(submission.id, **taken, **asked)

    def note_opinion(self, submission: Submission, *, urgency: Band) -> None:
        """Let the doctor in charge see that a second opinion has come, which asks for this urgency,
        in the caller's transaction.
        """
        came_at = now()
        key = submission.make_opinion_key(urgency, came_at)
        self._submissions.set_work(submission.id, opinion_key=key, opinion_came_at=came_at)

    def close_opinion(self, submission: Submission) -> None:
        """The doctor in charge has answered what came, in the caller's transaction."""
        if submission.opinion_key:
            self._submissions.set_work(submission.id, **NONE_CAME)

    def rely_on(self, submission: Submission) -> None:
        """Call it in a transaction that stores data about a finding. Raises NotFound where the
        finding is deleted.
        """
        if not self._submissions.touch(submission.id):
            raise NotFound(NOT_YOURS)

    def has(self, submission_id: str) -> bool:
        return self._submissions.has(submission_id)

    def find(self, submission_id: str) -> Submission | None:
        return self._submissions.find(submission_id)

    def forget(self, owner_id: str) -> None:
        """Delete all findings of this owner. Idempotent."""
        while page := self._submissions.page_owned(
            owner_id, after=None, limit=DELETED_AT_ONCE
        ).items:
            remove = partial(self._remove_all, [listed.id for listed in page])
            self._erasures.finish(self._store.transaction(remove))

    def _remove_all(self, identifiers: Sequence[str]) -> list[str]:
        blobs: list[str] = []
        for identifier in identifiers:
            with suppress(NotFound):  # another process deletes the account, too
                blobs += self._remove(identifier)[1]
        return blobs

    def renew_keys(self, after: str | None) -> Chunk | None:
        """See Migration: the keys of the doctors' lists."""
        return self._queue.renew_keys(after)

    def faults(self) -> Iterator[Fault]:
        """Findings of deleted accounts, and what stands in a wrong place of the doctors' lists."""
        owners = sorted(self._submissions.owners())  # first: an account comes before its findings
        for owner in owners:
            if not self._accounts.list_where({"id": owner}):
                says = f"submissions of account {owner}, which is gone"
                yield Fault(says, partial(self.forget, owner))
        yield from self._queue.faults()

    def _find(self, number: str) -> Submission:
        # Numbers have at most 16 digits (see queue_keys.py); a longer one might not fit into the
        # stores' 64-bit integers.
        if not (number.isascii() and number.isdigit()) or len(number) > 16:
            raise NotFound(NOT_YOURS)
        found = self._submissions.find_by_number(int(number))
        if found is None:
            raise NotFound(NOT_YOURS)
        return found

    def _remove(self, identifier: str) -> tuple[Submission, list[str]]:
        """Delete a submission and all data about it, in the caller's transaction. The keys in the
        result are for `Erasures.finish`, after that. Raises NotFound.
        """
        submission = self._submissions.find(identifier)
        if submission is None:
            raise NotFound(NOT_YOURS)
        self._submissions.remove(identifier)
        self._submissions.unlink_again(submission)
        own = {submission.photo_blob, submission.thumbnail_blob, *submission.picture_blobs}
        blobs = [*self._remove_beside(submission), *filter(None, own)]
        self._erasures.note(blobs)
        return submission, blobs

    def forget_beside(self, submission: Submission) -> None:
        """Delete what was stored about a submission after it was deleted."""

        def remove() -> list[str]:
            blobs = self._remove_beside(submission)
            self._erasures.note(blobs)
            return blobs

        self._erasures.finish(self._store.transaction(remove))

    def _remove_beside(self, submission: Submission) -> list[str]:
        return [key for forget in self._forget for key in forget(submission) or ()]
