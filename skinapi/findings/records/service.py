from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import (
    ChangedMeanwhile,
    Duplicate,
    IdempotencyKeyReused,
    InvalidToken,
    NotFound,
    SkinAPIError,
    StoreBusy,
    StoreUnavailable,
)
from skinapi.base.pages import batched
from skinapi.findings.errors import (
    NOT_YOURS,
    FindingErased,
    TooManyCorrections,
    TooManyVersions,
)
from skinapi.findings.records.events import (
    AnswerChanged,
    FindingDeleted,
    FindingFiled,
    LesionDeleted,
    PhotosRemoved,
)
from skinapi.findings.records.finding_access import FindingAccess
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.lesions import Lesion, Lesions, place_told
from skinapi.findings.records.letters import Letters
from skinapi.findings.records.new_findings import NewFinding, NewVersion, amend
from skinapi.findings.records.photos import KeptPhotos
from skinapi.findings.records.record_retention import RecordRetention
from skinapi.findings.records.review_queue import ReviewQueue
from skinapi.findings.records.stored_finding import (
    MOST_AMENDMENTS,
    MOST_BY_PATIENT,
    MOST_VERSIONS,
    StoredFinding,
    hashes_of_request,
)
from skinapi.findings.records.stored_findings import EncodedFinding
from skinapi.findings.status.spot import Act, clear, delete, judge, note_change
from skinapi.model.conditions import Band
from skinapi.model.context import Context
from skinapi.platform.backups.erased_ids import ErasedIds
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

ATTEMPTS = 3

# Findings deleted in one transaction.
DELETED_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class PatientRegistration:
    """`find` returns the account if a concurrent request has stored it."""

    add: Callable[[Unit], None]
    find: Callable[[], Account | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingsService:
    work: UnitOfWork
    access: FindingAccess
    records: FindingRecords
    lesions: Lesions
    accounts: Accounts
    queue: ReviewQueue
    photos: KeptPhotos
    retention: RecordRetention
    erased: ErasedIds
    letters: Letters

    def find_answered(
        self,
        *,
        owner: str,
        key: str | None,
        request_hash: str,
        by: str | None = None,
    ) -> StoredFinding | None:
        finding = self._find_keyed(owner, key, by)
        if finding is None:
            if self._is_erased(owner, key, by):
                raise FindingErased
            return None
        if finding.owner != owner or finding.request_hash != request_hash:
            raise IdempotencyKeyReused
        return self.records.see_one(finding)

    def is_used(self, key: str, *, owner: str, by: str) -> bool:
        return self._find_keyed(owner, key, by) is not None or self._is_erased(owner, key, by)

    def _is_erased(self, owner: str, key: str | None, by: str | None) -> bool:
        if not key or not by or by == owner:
            return False
        return bool(self.erased.find_requests(*hashes_of_request(by, key)))

    def _find_keyed(self, owner: str, key: str | None, by: str | None) -> StoredFinding | None:
        finding = self.records.find_by_key(owner, key)
        if finding is None and by and by != owner:
            finding = self.records.find_filed(by, key)
        return finding

    def file_finding(
        self, new: NewFinding, newcomer: PatientRegistration | None = None
    ) -> StoredFinding:
        """A retry returns the stored finding. `newcomer` is stored in the same transaction."""
        new = replace(new, blobs=tuple(map(self.photos.blobs.put, new.photos)))
        try:
            filed = self._file_once(new, newcomer)
        except SkinAPIError as error:
            # Without an answer from the store, the finding may exist. `check` finds photos without
            # one.
            if isinstance(error, StoreBusy) or not isinstance(error, StoreUnavailable):
                self.photos.delete(*new.blobs)
            raise
        if filed.id != new.id or not filed.photo_blob:
            self.photos.delete(*new.blobs)
        return filed

    def _file_once(self, new: NewFinding, newcomer: PatientRegistration | None) -> StoredFinding:
        for _ in range(ATTEMPTS):
            number = self.records.take_number()
            prepared = self.records.prepare(new, number=number)
            with suppress(Duplicate):
                return self.file(new, prepared, newcomer)
            if newcomer and (stored_since := newcomer.find()):
                new, newcomer = replace(new, owner=stored_since.id), None
                continue
            # A retry of this request has stored the finding, or its number is in use.
            if stored := self.find_answered(
                owner=new.owner, key=new.key, request_hash=new.request_hash, by=new.by
            ):
                return stored
            self.records.skip_used_numbers()
        raise StoreBusy

    @atomic
    def file(
        self,
        unit: Unit,
        new: NewFinding,
        prepared: EncodedFinding,
        newcomer: PatientRegistration | None = None,
    ) -> StoredFinding:
        number = prepared.finding.number
        if newcomer:
            newcomer.add(unit)
        if new.before_commit:
            new.before_commit(unit, new.owner)
        unit.audit("submission.create", by=new.by or new.owner, target=new.id, owner=new.owner)
        account = self.accounts.lock_all({new.owner}).get(new.owner)
        if account is None or account.status == "closed":
            raise _find_reason(new, account)
        blobs = new.blobs if self.photos.may_still_keep(account, new.choice) else ()
        if blobs != new.blobs:
            new = replace(new, blobs=blobs)
            prepared = self.records.prepare(new, number=number)
        if new.choice:
            self.photos.note_choice(new.choice, account, kept=bool(new.blobs), finding=new.id)
        filed = prepared.finding
        self.records.add(prepared)
        unit.publish(FindingFiled(filed))
        if new.lesion:
            self.records.spots.add(filed)
            changed = self.records.renew([new.lesion])
            filed = filed.see_in(changed.views[new.lesion])
            unit.publish(changed)
        else:
            self.records.start_waiting(filed, account)
        if filed.band is Band.URGENT_REFERRAL:
            self.access.unassigned.tell_of_urgent(account)
        return filed

    @atomic
    def add_version(self, unit: Unit, *, before: StoredFinding, new: NewVersion) -> None:
        """Notify the patient of another person's change, and the doctor of a raised urgency."""
        stored, account = self._find_again(before)
        seen = self.records.see_one(stored)
        if stored.version >= MOST_VERSIONS:
            raise TooManyVersions
        if new.by == stored.owner and stored.version >= MOST_BY_PATIENT:
            raise TooManyCorrections
        unit.audit("submission.judge_again", by=new.by, target=stored.id, owner=stored.owner)
        after = new.after(stored)
        if not self.records.put_after(stored, after):
            raise ChangedMeanwhile
        if after.photo_blob != stored.photo_blob:  # another of its pictures is shown
            self.records.change(stored.id, thumbnail_blob=None)
            unit.erase(set(filter(None, [stored.thumbnail_blob])))
        act = Act.CORRECTED if new.corrected else Act.JUDGED
        at = after.newest.judged_at
        judged = partial(judge, finding=stored.id, judged=after.band, act=act, at=at)
        self.records.spots.change(stored.lesion, judged)
        self._publish_corrected(unit, seen, account, by=new.by)

    @atomic
    def amend(self, unit: Unit, *, before: StoredFinding, context: Context, by: str) -> None:
        stored, account = self._find_again(before)
        seen = self.records.see_one(stored)
        if len(stored.amendments) >= (MOST_BY_PATIENT if by == stored.owner else MOST_AMENDMENTS):
            raise TooManyCorrections
        unit.audit("submission.amend", by=by, target=stored.id, owner=stored.owner)
        if not self.records.put_after(stored, amend(stored, context, by=by)):
            raise ChangedMeanwhile
        amended = partial(note_change, act=Act.CORRECTED, at=now())
        self.records.spots.change(stored.lesion, amended)
        self._publish_corrected(unit, seen, account, by=by)

    def _publish_corrected(
        self,
        unit: Unit,
        seen: StoredFinding,
        account: Account,
        *,
        by: str,
    ) -> None:
        self._correct_place(seen, self.records.get(seen.id))
        changed = self.records.renew([seen.lesion])
        after = self.records.get(seen.id).see_in(changed.views[seen.lesion])
        unit.publish(AnswerChanged(after))
        unit.publish(changed)
        if by != seen.owner:
            about = f"finding/{seen.number}"
            self.access.unassigned.outbox.add(Kind.NEWS, to=seen.owner, about=about)
        counts, counted = after.instruction.band, seen.instruction.band
        if counts is Band.URGENT_REFERRAL and counts is not counted:
            self.access.unassigned.tell_of_urgent(account)

    def _correct_place(self, before: StoredFinding, after: StoredFinding) -> None:
        """Move a spot with only this finding to the corrected place."""
        spot, place = self.lesions.get(before.lesion), place_told(after.context)
        if spot.findings == 1 and spot.place == place_told(before.context) != place:
            self.lesions.change(spot.id, {"place": place.stored() if place else None})

    def _find_again(self, before: StoredFinding) -> tuple[StoredFinding, Account]:
        """Read it again with its owner, because accounts may have been joined since."""
        stored = self.records.find(before.id)
        account = self.accounts.find_by_id(stored.owner if stored else before.owner)
        if stored is None or account is None:
            raise NotFound(NOT_YOURS)
        if (stored.version, stored.context) != (before.version, before.context):
            raise ChangedMeanwhile
        return stored, account

    def delete_lesion(self, lesion: Lesion) -> None:
        """Use several transactions, because a thousand findings do not fit into one."""
        numbers = self.records.numbers_in_lesion(lesion.id)
        self.retention.refuse_deletion(owner=lesion.owner, findings={*numbers})
        for number in numbers.values():
            self.delete_finding(number=str(number), by=lesion.owner)
        self._delete_empty(lesion.id, by=lesion.owner)

    @atomic
    def _delete_empty(self, unit: Unit, lesion: str, *, by: str) -> None:
        if self.lesions.find(lesion):
            unit.audit("lesion.delete", by=by, target=lesion, owner=by)
            self._remove_empty(unit, lesion, by)

    def _remove_empty(self, unit: Unit, lesion: str, owner: str) -> None:
        """Keep a spot while one of its reviews covers a finding that was moved to another spot."""
        spot = self.records.spots.get(lesion)
        if not (spot.spot.findings or self.records.spots.list_covered(owner, spot.reviews)):
            self.lesions.remove(lesion)
            self.records.renew_waiting([lesion])
            unit.publish(LesionDeleted(lesion, owner))

    @atomic
    def delete_finding(self, unit: Unit, *, number: str, by: str) -> None:
        finding = self.records.get_by_number(number, known_to=lambda owner: owner == by)
        if finding.owner != by:
            raise NotFound(NOT_YOURS)
        unit.audit("submission.delete", by=by, target=finding.id, owner=finding.owner)
        self.retention.refuse_deletion(owner=by, findings={finding.id})
        self.remove_one(unit, finding)

    @atomic
    def erase_again(self, unit: Unit, *, identifier: str, by: str) -> bool:
        """Return False if the restore did not bring it back."""
        finding = self.records.find(identifier)
        if finding:
            unit.audit("submission.erase_again", by=by, target=finding.id, owner=finding.owner)
            self.remove_one(unit, finding)
        return finding is not None

    def expire_spot(self, unit: Unit, lesion: str, owner: str) -> None:
        """Call it in a transaction. It also deletes the stubs."""
        before = self.records.spots.get(lesion).spot
        self.records.spots.store(before, clear(before))
        for finding in self.records.list_with_errors(lesion):
            self._remove(unit, finding)
        self._remove_empty(unit, lesion, owner)

    def remove_one(self, unit: Unit, finding: StoredFinding) -> None:
        """Call it in a transaction. The finding leaves a stub if the rules require one."""
        if finding.error:  # it is in no spot any more
            self._remove(unit, finding)
            return
        before = self.records.spots.get(finding.lesion).spot
        self.records.remove(finding.id)
        self.records.spots.store(before, delete(before, finding.id, at=now()))
        self._remove(unit, finding)
        self._remove_empty(unit, finding.lesion, finding.owner)

    @atomic
    def note_lost(self, unit: Unit, identifier: str, field: str) -> None:
        """A finding without its only photo is treated as if that was deleted."""
        finding = self.records.get(identifier)
        if field == "photo_blob" and not finding.picture_blobs:
            self.remove_photos(unit, finding, lost=True)
        else:
            self.records.change(finding.id, **{field: None, f"{field}_lost_at": now()})

    def remove_photos(self, unit: Unit, finding: StoredFinding, *, lost: bool = False) -> None:
        self.records.erase_photo(finding, lost=lost)
        unit.publish(PhotosRemoved(finding))
        unit.erase(_photos_of(finding))

    def forget(self, owner_id: str) -> None:
        every = (item["id"] for item in self.records.walk_stored(owner_id, fields=()))
        for identifiers in batched(every, DELETED_AT_ONCE):
            self._remove_all(identifiers)
        self.records.waiting.forget(owner_id)

    @atomic
    def _remove_all(self, unit: Unit, identifiers: Sequence[str]) -> None:
        for identifier in identifiers:
            if finding := self.records.find(identifier):  # else another process deletes, too
                self._remove(unit, finding)

    def check_integrity(self) -> Iterator[Fault]:
        # Read owners first, because an account is created before its findings.
        owners = sorted(self.records.owners() | self.records.waiting.owners())
        for owner in owners:
            if not self.accounts.find_stored({owner}):
                text = f"submissions of account {owner}, which is gone"
                yield Fault(text, partial(self.forget, owner), gone=owner)
        yield from self.queue.check_integrity()

    def _remove(self, unit: Unit, finding: StoredFinding) -> None:
        self.records.remove(finding.id)
        unit.publish(FindingDeleted(finding))
        unit.publish(self.records.renew([finding.lesion]))
        unit.erase(_photos_of(finding))


def _photos_of(finding: StoredFinding) -> set[str]:
    blobs = {finding.photo_blob, finding.thumbnail_blob, *finding.picture_blobs}
    return set(filter(None, blobs))


def _find_reason(new: NewFinding, owner: Account | None) -> SkinAPIError:
    if new.by in (None, new.owner):  # nobody is logged in there any more
        return InvalidToken()
    return ChangedMeanwhile() if owner else NotFound()
