from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Protocol

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import FindingInError, Forbidden, NotFound, RecordDamaged, StoreUnavailable
from skinapi.base.pages import Page, PageRequest
from skinapi.base.subject import KeyUse
from skinapi.findings.errors import NOT_YOURS
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.photos import KeptPhotos
from skinapi.findings.records.read_access import can_read, in_care, is_asked
from skinapi.findings.records.read_notes import ReadNotes
from skinapi.findings.records.stored_finding import (
    StoredFinding,
    StoredFindingSummary,
)
from skinapi.findings.records.unassigned_patients import ExpectedReviewer, UnassignedPatients
from skinapi.findings.status.reviews import Review
from skinapi.findings.status.spot_view import SpotView
from skinapi.model.registry.version_service import ModelsService
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.ids import now

NOT_TO_CORRECT = (
    "Only the doctor in charge or an admin can say that it was entered in error; of an admin's own "
    "finding, another admin"
)


NOT_TO_VOID = "Only its signer or the doctor in charge can void a review"
NO_REVIEW = "There is no such review of this spot"


class Programs(Protocol):
    def may_show(self, patient: Account, *, key: str | None = None) -> bool:
        """Return True if a valid key is for a system that shows this patient the findings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingAccess:
    programs: Programs
    records: FindingRecords
    accounts: Accounts
    photos: KeptPhotos
    notes: ReadNotes
    unassigned: UnassignedPatients
    models: ModelsService

    def list_own(
        self,
        *,
        to: Subject,
        newest_first: bool = False,
        paging: PageRequest,
    ) -> Page[tuple[StoredFindingSummary, Account]]:
        """A clinic-wide key lists every patient's findings."""
        wide = to.key is not None and to.key.clinic_wide
        stored = self.records.page_owned(None if wide else to.id, paging, newest_first=newest_first)
        found = self.records.see(stored.items)
        if not wide:
            return Page([(record, to.account) for record in found], stored.next_after)
        owners = self.accounts.by_ids({record.owner for record in found})
        seen = {name: item for name, item in owners.items() if in_care(item, to)}
        self.note_read(seen, by=to)
        shown = [(record, seen[record.owner]) for record in found if record.owner in seen]
        return Page(shown, stored.next_after)

    def get(
        self, *, number: str, to: Subject, with_errors: bool = False
    ) -> tuple[StoredFinding, Account]:
        """Raises NotFound if not allowed, so that a caller cannot learn which numbers exist."""
        finding = self.records.get_by_number(number, known_to=partial(self._is_close, to))
        if to.key and to.key.reads_what_it_filed:
            _require_just_filed(finding, to.key)
        if finding.owner == to.id and to.account:
            own = self.records.see_one(finding, with_errors=with_errors)
            return own, to.account
        try:
            owner = self.accounts.get(finding.owner)
        except (NotFound, RecordDamaged) as error:
            if isinstance(error, RecordDamaged) and self._is_close(to, finding.owner):
                raise
            raise NotFound(NOT_YOURS) from error
        if owner.id != to.id and not self.may_see(owner, to, case=finding.lesion):
            raise NotFound(NOT_YOURS)
        self.note_read([owner.id], by=to)
        if finding.error and not with_errors and to.key is None and owner.id != to.id:
            raise FindingInError(finding.error.reason, patient=owner.id)
        return self.records.see_one(finding, with_errors=with_errors), owner

    def open(self, *, number: str, to: Subject) -> tuple[StoredFinding, Account]:
        found, owner = self.get(number=number, to=to)
        self.note_opened(found.spot_view, owner=owner.id, by=to)
        return found, owner

    def note_opened(self, status: SpotView, *, owner: str, by: Subject) -> None:
        """A failure to store this does not keep the spot from being shown."""
        spot = status.spot
        first = spot.opened_at is None or (status.decision and not status.decision_opened_at)
        if not ((first or spot.telling) and self._is_opening(owner, by)):
            return
        with suppress(StoreUnavailable):
            self.records.note_opened(spot)
            numbers = self.records.numbers_in_lesion(spot.id).values()
            for about in (f"spot/{spot.id}", *(f"finding/{number}" for number in numbers)):
                self.unassigned.outbox.withdraw(Kind.NEWS, to=owner, about=about)

    def _is_opening(self, owner: str, by: Subject) -> bool:
        if by.key is None:
            return owner == by.id
        patient = self.accounts.find_by_id(owner)
        if patient is None or patient.can_log_in:
            return False
        return self.programs.may_show(patient, key=by.key.id)

    def get_in_charge(
        self, *, number: str, by: Subject, refusal: str, or_asked: bool = False
    ) -> tuple[StoredFinding, Account]:
        finding, owner = self.get(number=number, to=by)
        opinion = finding.spot.opinion
        asked = or_asked and opinion and is_asked(opinion.colleague, owner, by)
        if asked or in_care(owner, by):
            return finding, owner
        raise Forbidden(refusal)

    def get_to_void(
        self, *, number: str, review: str, by: Subject
    ) -> tuple[StoredFinding, Account, Review]:
        """Allow the signer, the doctor in charge, or any doctor if nobody is in charge."""
        finding = self.records.get_by_number(number, known_to=partial(self._is_close, by))
        owner = self.accounts.find_by_id(finding.owner)
        if owner is None:
            raise NotFound(NOT_YOURS)
        seen = self.records.see_one(finding, with_errors=True)
        signed = seen.spot_view.reviews.get(review)
        signer = signed is not None and signed.doctor == by.id
        nobody = owner.id != by.id and self.unassigned.find_doctor(owner) is None
        if not (signer or in_care(owner, by) or nobody):
            self.get(number=number, to=by)
            raise Forbidden(NOT_TO_VOID)
        if signed is None:
            raise NotFound(NO_REVIEW)
        return seen, owner, signed

    def get_to_correct(self, *, number: str, by: Subject) -> tuple[StoredFinding, Account]:
        """Allow the doctor in charge, an admin, the sending system, and a clinic-wide key."""
        finding = self.records.get_by_number(number, known_to=partial(self._is_close, by))
        owner = self.accounts.find_by_id(finding.owner)
        if owner is None:
            raise NotFound(NOT_YOURS)
        filed = by.key is not None and finding.filed_by == by.id
        admin = by.role == "admin" and by.key is None and owner.id != by.id
        if filed or in_care(owner, by) or admin:
            return finding, owner
        self.get(number=number, to=by, with_errors=True)
        raise Forbidden(NOT_TO_CORRECT)

    def note_read(self, owners: Iterable[str], *, by: Subject) -> None:
        self.notes.note(owners, by=by, action="record.read")

    def find_owner(
        self, *, patient: str | None, by: Subject, or_in_charge: bool = False
    ) -> Account:
        """A clinic-wide key may file for any patient, and `or_in_charge` allows patients in a
        logged-in doctor's care.
        """
        if patient is None or patient == by.id:
            return by.account
        found = self.accounts.find_patient(patient)
        may = by.key.clinic_wide if by.key else or_in_charge and by.role == "doctor"
        if not may or not found or not in_care(found, by) or not found.approved or found.machine:
            raise NotFound(NO_PATIENT)
        return found

    def find_who_looks(self, finding: StoredFinding, owner: Account) -> ExpectedReviewer | None:
        return None if finding.reviewed else self.unassigned.find_who_looks(owner)

    def can_read_anywhere(self, owner: Account) -> bool:
        return can_read(owner) or (owner.approved and self.programs.may_show(owner))

    def may_see(self, owner: Account, to: Subject, *, case: str) -> bool:
        if in_care(owner, to) or case in self.unassigned.list_cases(owner, to):
            return True
        return is_asked(self.records.waiting.find_colleague(case), owner, to)

    def may_see_patient(self, owner: Account, to: Subject) -> bool:
        return in_care(owner, to) or bool(self.unassigned.list_cases(owner, to))

    def read_kept_photo(self, *, number: str, picture: int | None, to: Subject) -> bytes:
        finding, _ = self.get(number=number, to=to)
        return self.photos.read(finding=finding.of_picture(picture) if picture else finding, to=to)

    def read_thumbnail(self, *, number: str, to: Subject) -> bytes:
        finding, _ = self.get(number=number, to=to)
        return self.photos.read_thumbnail(finding=finding, to=to)

    def _is_close(self, to: Subject, owner: str) -> bool:
        """Return True for the account, its doctor and the clinic, even if it is damaged."""
        if to.id == owner or (to.key.clinic_wide if to.key else to.role == "admin"):
            return True
        stored = self.accounts.find_stored({owner})
        return any(account.get("doctor_id") == to.id for account in stored)

    def rely_on(self, finding: StoredFinding) -> None:
        """Call it in a transaction that stores data about a finding."""
        if not self.records.touch(finding.id):
            raise NotFound(NOT_YOURS)


JUST_FILED = timedelta(hours=1)


NO_PATIENT = "There is no such patient, or this caller may not file for them"


def _require_just_filed(finding: StoredFinding, key: KeyUse) -> None:
    # A page may use two keys for the same patient, one after the other.
    if finding.session_of != key.session_of or finding.created_at < now() - JUST_FILED:
        raise NotFound(NOT_YOURS)
