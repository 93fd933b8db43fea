"""The use cases of stored findings: store, show, delete."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Literal

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import BEING_DELETED, Accounts
from skinapi.base.errors import (
    Duplicate,
    Forbidden,
    IdempotencyKeyReused,
    InvalidToken,
    NotFound,
    SkinAPIError,
    StoreBusy,
    StoreUnavailable,
)
from skinapi.base.pages import Page, PageRequest, batched
from skinapi.base.subject import KeyUse
from skinapi.findings.errors import (
    NOT_YOURS,
    FindingErased,
    JudgedMeanwhile,
    PatientJoined,
    TooManyVersions,
)
from skinapi.findings.records.events import (
    FindingDeleted,
    FindingDiscarded,
    FindingFiled,
    FindingJudgedAgain,
    FindingsChanged,
    PhotosRemoved,
)
from skinapi.findings.records.findings_by_lesion import FindingRecords
from skinapi.findings.records.new_findings import NewFinding, NewVersion
from skinapi.findings.records.photos import KeptPhotos
from skinapi.findings.records.read_access import (
    BreakGlass,
    BreakGlasses,
    PatientChannel,
    ReadNotes,
    in_care,
    is_asked,
    reader_of,
    way_to,
)
from skinapi.findings.records.record_retention import MedicalRecord, RecordRetention
from skinapi.findings.records.review_queue import ExpectedReviewer, ReviewQueue, UnassignedPatients
from skinapi.findings.records.stored_finding import MOST_VERSIONS, StoredFinding, hash_of_request
from skinapi.findings.records.stored_findings import EncodedFinding
from skinapi.findings.records.visible_findings import (
    VisibleFinding,
    VisibleFindingSummary,
    see_alone,
)
from skinapi.findings.status.lesion_status import Audience
from skinapi.model.conditions import Band
from skinapi.model.heat_map_overlay import draw_kept_overlay
from skinapi.model.registry.version_service import ModelsService
from skinapi.platform.backups.erased_ids import ErasedIds
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

ATTEMPTS = 3
JUST_FILED = timedelta(hours=1)
NOT_TO_CORRECT = "Only the doctor in charge or an admin can say that it was entered in error"
NO_PATIENT = "There is no such patient, or this caller may not file for them"

# A deletion of so many findings is one transaction.
DELETED_AT_ONCE = 20
# What of a finding an admin reads who has broken its glass.
Reading = Literal["finding", "report", "reviews", "letters"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingAccess:
    """Decides who may see a finding, shows it, and notes who has read it."""

    work: UnitOfWork
    submissions: FindingRecords
    accounts: Accounts
    photos: KeptPhotos
    notes: ReadNotes
    break_glass: BreakGlasses
    unassigned: UnassignedPatients
    models: ModelsService

    def list_own(
        self,
        *,
        to: Subject,
        unsorted: bool = False,
        newest_first: bool = False,
        paging: PageRequest,
    ) -> Page[tuple[VisibleFindingSummary, Account]]:
        """A program with a clinic-wide key has every patient's. Each comes with its owner."""
        wide = to.key is not None and to.key.clinic_wide
        stored = self.submissions.page_owned(
            None if wide else to.id, paging, unsorted=unsorted, newest_first=newest_first
        )
        reader = Audience.PROGRAM if wide else Audience.PATIENT
        found = self.submissions.see(stored.items, reader)
        if not wide:
            return Page([(record, to.account) for record in found], stored.next_after)
        owners = self.accounts.by_ids({record.owner for record in found})
        seen = {name: item for name, item in owners.items() if in_care(item, to)}
        self.note_read(seen, by=to)
        shown = [(record, seen[record.owner]) for record in found if record.owner in seen]
        return Page(shown, stored.next_after)

    def get(
        self, *, number: str, to: Subject, with_errors: bool = False
    ) -> tuple[VisibleFinding, Account]:
        """A submission and its owner: the caller, or a patient whom the caller cares for or is
        asked about. Everything else is NotFound, so that a caller cannot learn which numbers exist.
        """
        submission = self.submissions.get_by_number(number)
        if to.key and to.key.reads_what_it_filed:
            _require_just_filed(submission, to.key)
        if submission.owner == to.id and to.account:
            own = self.submissions.see_one(submission, Audience.PATIENT, with_errors=with_errors)
            return own, to.account
        try:
            owner = self.accounts.get(submission.owner)
        except NotFound as error:
            raise NotFound(NOT_YOURS) from error
        if owner.id != to.id and not (
            is_asked(submission, owner, to) or self.may_see(owner, to, case=submission.case)
        ):
            raise NotFound(NOT_YOURS)
        self.note_read([owner.id], by=to)
        reader = reader_of(owner.id, to)
        return self.submissions.see_one(submission, reader, with_errors=with_errors), owner

    def get_to_read(
        self, *, number: str, to: Subject, reading: Reading | None = None
    ) -> tuple[VisibleFinding, Account]:
        """The same, also for an admin who has broken the glass of this finding. For what shows a
        finding and changes nothing. The audit trail gets a row of what such an admin is `reading`.
        """
        grant = None
        if to.role == "admin":
            asked = self.submissions.get_by_number(number)
            grant = self.break_glass.find_in_force(finding=asked.id, to=to)
        if grant is None:
            found, owner = self.get(number=number, to=to)
            if reading in ("finding", "report") and owner.id == to.id and to.key is None:
                self._note_opened(found)
            return found, owner
        return self._read_by_break_glass(grant=grant, reading=reading)

    def _note_opened(self, submission: VisibleFinding) -> None:
        """Note that its owner has opened what a doctor has decided: once for each decision. Where
        the store takes nothing now, the finding is shown all the same.
        """
        if submission.decision_shown_at and not submission.decision_opened_at:
            with suppress(StoreUnavailable):
                self.submissions.change(submission.id, opened_at=now())

    def get_in_charge(
        self, *, number: str, by: Subject, refusal: str, or_asked: bool = False
    ) -> tuple[VisibleFinding, Account]:
        submission, owner = self.get(number=number, to=by)
        if in_care(owner, by) or (or_asked and is_asked(submission, owner, by)):
            return submission, owner
        raise Forbidden(refusal)

    def get_to_correct(self, *, number: str, by: Subject) -> tuple[StoredFinding, Account]:
        """A finding as it is stored, for the doctor in charge, an admin, who reads nothing of it,
        or a program that has filed it or has a clinic-wide key.
        """
        submission = self.submissions.get_by_number(number)
        owner = self.accounts.find_by_id(submission.owner)
        if owner is None or owner.status == "deleting":
            raise NotFound(NOT_YOURS)
        filed = by.key is not None and submission.filed_by == by.id
        if filed or in_care(owner, by) or (by.role == "admin" and by.key is None):
            return submission, owner
        self.get(number=number, to=by, with_errors=True)
        raise Forbidden(NOT_TO_CORRECT)

    @atomic
    def _read_by_break_glass(
        self, unit: Unit, *, grant: BreakGlass, reading: Reading | None
    ) -> tuple[VisibleFinding, Account]:
        submission = self.submissions.find(grant.finding or "")
        owner = self.accounts.find_by_id(grant.owner)
        if submission is None or owner is None or owner.status == "deleting":
            raise NotFound(NOT_YOURS)
        read_at = max(now(), grant.read_at or grant.created_at)
        if self.break_glass.change(grant, read_at=read_at) is None:
            raise NotFound(NOT_YOURS)
        if reading:
            by, about = grant.admin, submission.id
            unit.audit("breakglass.read", by=by, target=about, owner=owner.id, detail=reading)
        return self.submissions.see_one(submission, Audience.DOCTOR), owner

    def note_read(self, owners: Iterable[str], *, by: Subject) -> None:
        self.notes.note(owners, by=by, action="record.read")

    def find_owner(
        self, *, patient: str | None, by: Subject, or_in_charge: bool = False
    ) -> Account:
        """The account that the caller files a finding for: the caller's own, with a clinic-wide key
        that of any patient, and with `or_in_charge` that of a patient in the care of a doctor who
        is logged in.
        """
        if patient is None or patient == by.id:
            return by.account
        found = self.accounts.find_staying(patient)
        may = by.key.clinic_wide if by.key else or_in_charge and by.role == "doctor"
        if not may or not found or not in_care(found, by) or not found.approved or found.machine:
            raise NotFound(NO_PATIENT)
        return found

    def is_filed_for_owner(self, submission: StoredFinding) -> bool:
        """Whether somebody else has filed it; on a clinic's page the owner takes the photo."""
        return submission.filed_by is not None and submission.session_of is None

    def find_who_looks(self, submission: VisibleFinding, owner: Account) -> ExpectedReviewer | None:
        """None where a doctor has answered, as far as the reader of this copy may know."""
        return None if submission.reviewed else self.unassigned.find_who_looks(owner)

    def find_way(self, owner_id: str) -> PatientChannel | None:
        """How this patient hears of what is shown; None where nobody reads for them any more."""
        owner = self.accounts.find_by_id(owner_id)
        if owner is None or owner.record_kept_until_at:
            return None
        return way_to(owner, mails=self.unassigned.outbox.enabled)

    def may_see(self, owner: Account, to: Subject, *, case: str) -> bool:
        """Whether the caller may see a spot of this patient, or a finding of none."""
        if in_care(owner, to) or case in self.unassigned.list_cases(owner, to):
            return True
        stays = owner.status != "deleting" and not owner.is_record
        asked = to.role == "doctor" and stays
        return asked and self.submissions.is_asked_about(case, to.id)

    def may_see_patient(self, owner: Account, to: Subject) -> bool:
        """Whether the caller may see who this is."""
        return in_care(owner, to) or bool(self.unassigned.list_cases(owner, to))

    def read_kept_photo(self, *, number: str, picture: int | None, to: Subject) -> bytes:
        submission = self._get_picture(number, picture, to)
        return self.photos.read(submission=submission, to=to)

    def draw_heatmap(self, *, number: str, picture: int | None, to: Subject) -> bytes:
        submission = self._get_picture(number, picture, to)
        photo = self.photos.read(submission=submission, to=to)
        return draw_kept_overlay(photo, submission.finding.heat)

    def _get_picture(self, number: str, picture: int | None, to: Subject) -> VisibleFinding:
        submission, _ = self.get_to_read(number=number, to=to)
        return submission.of_picture(picture) if picture else submission

    def read_thumbnail(self, *, number: str, to: Subject) -> bytes:
        submission, _ = self.get_to_read(number=number, to=to)
        return self.photos.read_thumbnail(submission=submission, to=to)

    def rely_on(self, submission: StoredFinding) -> None:
        """Call it in a transaction that stores data about a finding."""
        if not self.submissions.touch(submission.id):
            raise NotFound(NOT_YOURS)


@dataclass(frozen=True, slots=True)
class PatientRegistration:
    """`add` stores a new account in the transaction of its first finding; `find` finds the one that
    another request has stored for the same person in the meantime.
    """

    add: Callable[[Unit], None]
    find: Callable[[], Account | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingsService:
    """Stores findings and their versions, and deletes them. Who may see them: `access`."""

    work: UnitOfWork
    access: FindingAccess
    submissions: FindingRecords
    accounts: Accounts
    queue: ReviewQueue
    photos: KeptPhotos
    retention: RecordRetention
    erased: ErasedIds

    def find_answered(
        self, *, owner: str, key: str | None, request_hash: str, by: str | None = None
    ) -> VisibleFinding | None:
        """What the same request created before; `by` has filed it."""
        found = self._find_keyed(owner, key, by)
        if found is None:
            if self._is_erased(owner, key, by):
                raise FindingErased
            return None
        if found.owner != owner or found.request_hash != request_hash:
            raise IdempotencyKeyReused
        return self.submissions.see_one(found, Audience.PATIENT)

    def is_used(self, key: str, *, owner: str, by: str) -> bool:
        """Also by what is deleted."""
        return self._find_keyed(owner, key, by) is not None or self._is_erased(owner, key, by)

    def _is_erased(self, owner: str, key: str | None, by: str | None) -> bool:
        if not key or not by or by == owner:
            return False
        return self.erased.has_request(hash_of_request(by, key))

    def _find_keyed(self, owner: str, key: str | None, by: str | None) -> StoredFinding | None:
        found = self.submissions.find_by_key(owner, key)
        if found is None and by and by != owner:
            found = self.submissions.find_filed(by, key)
        return found

    def file_finding(
        self, new: NewFinding, newcomer: PatientRegistration | None = None
    ) -> VisibleFinding:
        """Store a finding, and its photos where `photos.may_keep` allows it; answer it as its owner
        may know it. A retry gets what the first request has stored. `newcomer` stores the owner in
        the same transaction.
        """
        new = replace(new, blobs=tuple(map(self.photos.blobs.put, new.photos)))
        try:
            filed = self._file_once(new, newcomer)
        except SkinAPIError as error:
            # Without an answer from the store, the finding may be there: `check` finds a photo of
            # none.
            if isinstance(error, StoreBusy) or not isinstance(error, StoreUnavailable):
                self.photos.delete(*new.blobs)
            raise
        if filed.id != new.id or not filed.photo_blob:
            self.photos.delete(*new.blobs)
        return filed

    def _file_once(self, new: NewFinding, newcomer: PatientRegistration | None) -> VisibleFinding:
        for _ in range(ATTEMPTS):
            number = self.submissions.take_number()
            prepared = self.submissions.prepare(new, number=number)
            with suppress(Duplicate):
                return self.file(new, prepared, newcomer)
            if newcomer and (stored_since := newcomer.find()):
                new, newcomer = replace(new, owner=stored_since.id), None
                continue
            # A retry of this request has stored it in the meantime, or the number is in use.
            if stored := self.find_answered(
                owner=new.owner, key=new.key, request_hash=new.request_hash, by=new.by
            ):
                return stored
            self.submissions.skip_used_numbers()
        raise StoreBusy

    @atomic
    def file(
        self,
        unit: Unit,
        new: NewFinding,
        prepared: EncodedFinding,
        newcomer: PatientRegistration | None = None,
    ) -> VisibleFinding:
        number = prepared.submission.number
        if newcomer:
            newcomer.add(unit)
        if new.before_commit:
            new.before_commit(unit)
        unit.audit("submission.create", by=new.by or new.owner, target=new.id, owner=new.owner)
        account = self.accounts.add_findings(new.owner, 1)
        if account is None:
            raise self._why_gone(new)
        blobs = new.blobs if self.photos.may_still_keep(account, new.choice) else ()
        if (blobs, account.doctor_id) != (new.blobs, new.doctor):
            new = replace(new, blobs=blobs, doctor=account.doctor_id)
            prepared = self.submissions.prepare(new, number=number)
        if new.choice:
            self.photos.note_choice(new.choice, account, kept=bool(new.blobs), finding=new.id)
        self.submissions.add(prepared)
        filed = prepared.submission
        self.queue.enqueue(filed, account)
        unit.publish(FindingFiled(filed))
        changed = self.submissions.renew([filed.lesion]) if filed.lesion else [filed]
        unit.publish(FindingsChanged(changed))
        if filed.band is Band.URGENT_REFERRAL:
            self.access.unassigned.tell_of_urgent(account)
        if filed.lesion is None:
            return see_alone(filed, Audience.PATIENT)
        return self.submissions.see_one(filed, Audience.PATIENT)

    def _why_gone(self, new: NewFinding) -> SkinAPIError:
        """What has become of the owner meanwhile, for whoever files it."""
        if new.by in (None, new.owner):  # nobody is logged in there any more
            return InvalidToken()
        owner = self.accounts.find_by_id(new.owner)
        return PatientJoined() if owner and owner.joined_to else NotFound(BEING_DELETED)

    @atomic
    def add_version(self, unit: Unit, *, before: StoredFinding, new: NewVersion) -> None:
        """Let another judgement of its photo count from now on. The patient is told of what
        somebody else has had judged, the doctor in charge of what became urgent.
        """
        stored = self.submissions.find(before.id)
        # Since it was read, its owner may have been joined to another account.
        owner = stored.owner if stored else before.owner
        account = self.accounts.find_by_id(owner)
        if stored is None or account is None or account.status == "deleting":
            raise NotFound(NOT_YOURS)
        seen = self.submissions.see_one(stored, Audience.DOCTOR)
        if stored.version >= MOST_VERSIONS:
            raise TooManyVersions
        unit.audit("submission.judge_again", by=new.by, target=stored.id, owner=stored.owner)
        after = new.after(stored)
        if stored.version != before.version or not self.submissions.add_version(stored, after):
            raise JudgedMeanwhile
        if after.photo_blob != stored.photo_blob:  # another of its pictures is shown
            self.submissions.change(stored.id, thumbnail_blob=None)
            unit.erase(set(filter(None, [stored.thumbnail_blob])))
        alone = [] if stored.lesion else [stored.id]
        changed = self.submissions.renew([stored.lesion], ids=alone)
        self.queue.update_owner_key(account)
        after = self.submissions.see_one(after, Audience.DOCTOR)
        unit.publish(FindingJudgedAgain(after))
        unit.publish(FindingsChanged(changed))
        if new.by != stored.owner:
            about = f"finding/{stored.number}"
            self.access.unassigned.outbox.add(Kind.JUDGED_AGAIN, to=stored.owner, about=about)
        counts, counted = after.instruction.counts.band, seen.instruction.counts.band
        if counts is Band.URGENT_REFERRAL and counts is not counted:
            self.access.unassigned.tell_of_urgent(account)

    @atomic
    def delete_submission(self, unit: Unit, *, number: str, by: str) -> None:
        found = self.submissions.get_by_number(number)
        if found.owner != by:
            raise NotFound(NOT_YOURS)
        unit.audit("submission.delete", by=by, target=found.id, owner=found.owner)
        self.retention.refuse_deletion(owner=by, finding=found.id)
        if not found.error:
            unit.publish(FindingDiscarded(found))
        self.remove_one(unit, found)

    @atomic
    def erase_again(self, unit: Unit, *, identifier: str, by: str) -> bool:
        """Delete a finding that a restore brought back; whether there was one."""
        found = self.submissions.find(identifier)
        if found:
            unit.audit("submission.erase_again", by=by, target=found.id, owner=found.owner)
            self.remove_one(unit, found)
        return found is not None

    def remove_one(self, unit: Unit, found: StoredFinding) -> None:
        """Delete a finding of an account that stays, in the caller's transaction."""
        if found.error:  # it is not counted any more
            self._remove(unit, found)
            return
        owner = self.accounts.add_findings(found.owner, -1)
        self._remove(unit, found)
        if owner:  # else it is being deleted
            self.queue.dequeue(found, owner)

    def remove_photos(self, unit: Unit, found: StoredFinding) -> None:
        """Delete the kept photos of a finding that stays, in the caller's transaction."""
        self.submissions.erase_photo(found)
        unit.publish(PhotosRemoved(found))
        unit.erase(_photos_of(found))

    def forget(self, owner_id: str) -> None:
        """Delete all findings of this owner, but not a medical record that is kept. Idempotent."""
        kept = self.find_kept_record(owner_id)
        stays = kept.finding_ids if kept else frozenset[str]()
        others = (item.id for item in self.submissions.walk_owned(owner_id) if item.id not in stays)
        for identifiers in batched(others, DELETED_AT_ONCE):
            self._remove_all(identifiers)
        if kept:
            self._count_kept(owner_id)

    def find_kept_record(self, owner_id: str) -> MedicalRecord | None:
        """What is kept of an account that is being deleted."""
        account = self.accounts.find_by_id(owner_id)
        kept = account is not None and account.record_kept_until_at is not None
        return self.retention.find_signed(owner_id) if kept else None

    @atomic
    def _count_kept(self, _: Unit, owner_id: str) -> None:
        self.queue.recount(owner_id)

    @atomic
    def _remove_all(self, unit: Unit, identifiers: Sequence[str]) -> None:
        for identifier in identifiers:
            if submission := self.submissions.find(identifier):  # else another process deletes, too
                self._remove(unit, submission)

    def check_integrity(self) -> Iterator[Fault]:
        """Findings of deleted accounts, and what stands in a wrong place of the doctors' lists."""
        owners = sorted(self.submissions.owners())  # first: an account comes before its findings
        for owner in owners:
            if not self.accounts.list_where({"id": owner}):
                text = f"submissions of account {owner}, which is gone"
                yield Fault(text, partial(self.forget, owner))
        yield from self.queue.check_integrity()

    def _remove(self, unit: Unit, submission: StoredFinding) -> None:
        self.submissions.remove(submission.id)
        unit.publish(FindingDeleted(submission))
        unit.publish(FindingsChanged(self.submissions.renew([submission.lesion])))
        unit.erase(_photos_of(submission))


def _photos_of(submission: StoredFinding) -> set[str]:
    blobs = {submission.photo_blob, submission.thumbnail_blob, *submission.picture_blobs}
    return set(filter(None, blobs))


def _require_just_filed(submission: StoredFinding, key: KeyUse) -> None:
    # The key at hand may be the next one of the same page, for the same patient.
    if submission.session_of != key.session_of or submission.created_at < now() - JUST_FILED:
        raise NotFound(NOT_YOURS)
