"""The use cases of findings that were filed for the wrong patient."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import Conflict, FindingInError, IdempotencyKeyReused, NotFound
from skinapi.base.languages import Language, load_words
from skinapi.base.stored_record import Frozen
from skinapi.findings.errors import NOT_YOURS, FindingErased
from skinapi.findings.records.events import ErasedFindingDenied, FindingVoided, SentAgain
from skinapi.findings.records.finding_access import FindingAccess, Programs
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.review_queue import ReviewQueue
from skinapi.findings.records.stored_finding import (
    EnteredInError,
    Source,
    StoredFinding,
    hashes_of_request,
)
from skinapi.findings.records.visible_findings import VisibleFinding
from skinapi.findings.reviews.outcomes import OutcomeCounts
from skinapi.findings.status.lesion_status import Audience
from skinapi.platform.backups.erased_ids import Erased, ErasedIds
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic

# What its patient and its doctor have not read yet, and need not read any more.
TELLS_OF_FINDING = (Kind.REVIEWED, Kind.NEW_PICTURE, Kind.LETTER_WITHDRAWN)
TELLS_OF_CASE = (
    *(Kind.OPINION, Kind.OPINION_CAME, Kind.OPINION_LOST),
    *(Kind.LETTER_OUTDATED, Kind.PLACE_CORRECTED),
)
# Of what a person has entered in error, once its key is free: the key goes on with this and its id.
DENIED = "/in-error/"
NOTHING_FILED = "This program has filed no finding by this order"


class ErrorWords(Frozen):
    in_error: str
    taken_back: str
    restored: str


ERRORS: Mapping[Language, ErrorWords] = load_words("reports.errors", ErrorWords)


@dataclass(frozen=True, slots=True)
class SentPicture:
    """What a program files by this key: the hashes of the picture, and of the whole request.
    `source` is None where the object's header could not be kept. `patient`: what stands for the
    number of its patient in the store.
    """

    key: str
    picture: str
    request_hash: str
    source: Source | None
    patient: frozenset[str]


# What a person files by moving a photo has this key, with the id of the finding that it was moved
# from. No caller can send it as an Idempotency-Key: those have no slash.
MOVED = "moved/"
MOVED_TO_ANOTHER = "A person here has moved the photo to another patient, whose it stays"
MOVED_MEANWHILE = "The photo was moved to this patient in this moment; send it again"
OTHER_KEY = (
    "Another key that is in force has sent it for another patient. Correct it with that key, or "
    "revoke that key first"
)
OTHER_ISSUER = (
    "A key that has ended has sent it for a patient of another issuer. A person here moves the "
    "photo, or joins the two accounts if both are one person"
)


def _issuer_of(source: Source | None) -> tuple[str | None, str | None] | None:
    """Return who gave the patient's number; None where that is not known."""
    return (source.issuer, source.issuer_oid) if source else None


def _numbers_of(erased: Sequence[Erased]) -> list[int]:
    return [number for item in erased for number in item.numbers]


def _number_of(source: Source | None) -> tuple[str | None, ...] | None:
    return (source.patient_id, source.issuer, source.issuer_oid) if source else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionsService:
    work: UnitOfWork
    findings: FindingAccess
    records: FindingRecords
    queue: ReviewQueue
    accounts: Accounts
    outcomes: OutcomeCounts
    outbox: Outbox
    programs: Programs
    erased: ErasedIds

    @atomic
    def enter_in_error(self, unit: Unit, *, number: str, reason: str, by: Subject) -> StoredFinding:
        """Let a finding stand for nothing, and tell its patient and the doctor in charge. The same
        again changes nothing.
        """
        finding, owner = self.findings.get_to_correct(number=number, by=by)
        return self._enter(unit, finding, owner, by, reason)

    @atomic
    def enter_again(self, unit: Unit, *, identifier: str, by: str) -> bool:
        """Enter a finding in error that a restore brought back; its patient was told then."""
        finding = self.records.find(identifier)
        if finding is None or finding.error:
            return False
        unit.audit("submission.enter_in_error", by=by, target=finding.id, owner=finding.owner)
        reason = ERRORS[finding.language].restored
        self._void(unit, finding, EnteredInError(entered_at=now(), by=by, reason=reason))
        return True

    def leave_wrong_patient(
        self, unit: Unit, right: str, *, number: str, reason: str, by: Subject
    ) -> None:
        """The same in the transaction that files its photo for the `right` patient, who is told."""
        finding, owner = self.findings.get_to_correct(number=number, by=by)
        if finding.error:
            raise FindingInError(finding.error.reason)
        self._enter(unit, finding, owner, by, reason)
        self.outbox.add(Kind.FILED, to=right)

    @atomic
    def take_back(self, unit: Unit, *, keys: Sequence[str], by: Subject) -> VisibleFinding | None:
        """The same of what a program has filed by one of these keys, as its owner may know it; None
        where it is deleted. Then nobody is to be told of it any more.
        """
        found = (self.records.find_filed(by.id, key) for key in keys)
        filed = next(filter(None, found), None)
        if filed is None:
            erased = [item for key in keys for item in self._list_erased(key, by)]
            if not erased:
                raise NotFound(NOTHING_FILED)
            unit.publish(ErasedFindingDenied(_numbers_of(erased)))
            return None
        _, owner = self.findings.get_to_correct(number=str(filed.number), by=by)
        entered = self._enter(unit, filed, owner, by)
        return self.records.see_one(entered, Audience.PROGRAM, with_errors=True)

    @atomic
    def deny_erased(self, unit: Unit, *, sent: SentPicture, by: Subject) -> None:
        """An archive sends what was deleted: perhaps with another PatientID."""
        numbers = _numbers_of(self._list_erased(sent.key, by))
        if numbers and sent.source:
            said = SentAgain(by.id, sent.source, sent.patient)
            unit.publish(ErasedFindingDenied(numbers, said))

    def _list_erased(self, key: str, by: Subject) -> list[Erased]:
        """List what was deleted that this program had filed by the key, or an archive."""
        return self.erased.find_requests(*hashes_of_request(by.id, key))

    def find_misfiled(self, right: str, *, sent: SentPicture, by: Subject) -> StoredFinding | None:
        """Find what a program has filed by this key for another patient than the `right` one, or
        for this one, to whom a person has moved it back. Refused where that was another picture,
        where it is kept of a deleted account, and where a person has said that it is not this
        patient's or has moved it to another one.
        """
        filed = self.records.find_filed(by.id, sent.key) or self._find_of_ended_key(right, sent)
        if filed is None:
            return None
        moved = self.find_moved(filed)
        came_back = moved and not moved.error and moved.owner == right
        if filed.owner == right and not came_back:
            return None
        if not filed.is_of(sent.picture, sent.request_hash):
            raise IdempotencyKeyReused
        if self._is_of_deleted(filed, sent, right):
            raise FindingErased
        denied = self.records.find_by_first_part(right, sent.key + DENIED)
        if denied and denied.error:
            raise FindingInError(denied.error.reason)
        if moved and moved.error and moved.owner == right:
            raise FindingInError(moved.error.reason)
        if moved and not moved.error and moved.owner != right:
            raise FindingInError(MOVED_TO_ANOTHER)
        return filed

    def _is_of_deleted(self, filed: StoredFinding, sent: SentPicture, right: str) -> bool:
        """Whether it is kept of a deleted account, and is sent again for a number of that person,
        which leads to another account since, the `right` one: that corrects nothing.
        """
        owner = self.accounts.find_by_id(filed.owner)
        if owner is None or not owner.is_record:
            return False
        before, now_sent = _number_of(filed.source), _number_of(sent.source)
        if before is None or now_sent is None or before == now_sent:
            return True
        account = self.accounts.find_by_id(right)
        theirs = self.findings.unassigned.former.list_numbers(account) if account else ()
        return not {*sent.patient, *theirs}.isdisjoint(owner.former_identity)

    def _find_of_ended_key(self, right: str, sent: SentPicture) -> StoredFinding | None:
        """Find the same object of another patient, filed by a program whose key has ended: the
        archive has a new key now. Where the patients' numbers are of two issuers, only what a
        person has moved is found, and what stands is refused: it may be right or wrong there.

        Refused while that key is in force: two archives that contradict each other would move the
        finding to and fro. Two archives of two issuers may both have the object.
        """
        listed = self.records.list_filed_by_archives(sent.key)
        others = [filed for filed in listed if filed.owner != right]
        for filed in others:
            if _issuer_of(filed.source) == _issuer_of(sent.source):
                if not filed.error and self._is_in_force(filed):
                    raise Conflict(OTHER_KEY)
                return filed
        if len(others) < len(listed):
            return None  # the patient of this issuer has it
        for filed in others:
            if self._is_in_force(filed) or not filed.is_of(sent.picture, sent.request_hash):
                continue
            if not filed.error:
                raise Conflict(OTHER_ISSUER)
            if self.find_moved(filed):
                return filed
        return None

    def _is_in_force(self, filed: StoredFinding) -> bool:
        return filed.filed_by is not None and self.programs.is_in_force(filed.filed_by)

    def find_moved(self, wrong: StoredFinding) -> StoredFinding | None:
        """Find what a person has filed, last of all, by moving the photo of the wrong finding."""
        moved = None
        while wrong.error and (
            found := self.records.find_filed(wrong.error.by, f"{MOVED}{wrong.id}")
        ):
            moved = wrong = found
        return moved

    def correct_patient(self, unit: Unit, right: str, *, sent: SentPicture, by: Subject) -> None:
        """Enter that in error in the transaction that files its picture for the `right` patient by
        the same key, which is free then.
        """
        while wrong := self.find_misfiled(right, sent=sent, by=by):
            moved = self.find_moved(wrong)
            if moved and not moved.error:
                raise Conflict(MOVED_MEANWHILE)
            before = self.accounts.get(wrong.owner)
            if before.status == "deleting":
                raise NotFound(NOT_YOURS)
            self._enter(unit, wrong, before, by)
            # What a person has said of it stays said.
            denied = sent.key + DENIED + wrong.id if wrong.error else None
            self.records.set_key(wrong.id, denied)

    def correct_filed(self, right: str, *, sent: SentPicture, by: Subject) -> None:
        """The same where the `right` patient has it already, by another key."""
        if self.find_misfiled(right, sent=sent, by=by):
            self._correct_filed(right, sent=sent, by=by)

    @atomic
    def _correct_filed(self, unit: Unit, right: str, *, sent: SentPicture, by: Subject) -> None:
        if self.records.find_by_key(right, sent.key):  # else corrected again meanwhile
            self.correct_patient(unit, right, sent=sent, by=by)

    def _enter(
        self,
        unit: Unit,
        finding: StoredFinding,
        owner: Account,
        by: Subject,
        reason: str | None = None,
    ) -> StoredFinding:
        """Without a `reason` the program that has sent it takes it back."""
        if finding.error:
            return finding
        unit.record(
            AuditRow("submission.enter_in_error", by=by.id, target=finding.id, owner=owner.id)
        )
        reason = reason or ERRORS[owner.language].taken_back
        self._void(unit, finding, EnteredInError(entered_at=now(), by=by.id, reason=reason))
        self._tell(finding, owner, by)
        return self.records.find(finding.id) or finding

    def _void(self, unit: Unit, finding: StoredFinding, error: EnteredInError) -> None:
        seen = self.records.see_one(finding, Audience.DOCTOR)
        self.outcomes.take_back(finding, seen.status.reviews)
        counted = self.accounts.add_findings(finding.owner, -1)
        self.records.mark_in_error(finding, error)
        unit.publish(FindingVoided(finding))
        unit.publish(self.records.renew([finding.lesion]))
        if counted:  # else its account is being deleted
            self.queue.move_patient_down(finding, counted)

    def _tell(self, finding: StoredFinding, owner: Account, by: Subject) -> None:
        own, case = f"finding/{finding.number}", f"case/{finding.number}"
        for kind in TELLS_OF_FINDING:
            self.outbox.withdraw(kind, to=owner.id, about=own)
        for doctor in filter(None, {finding.doctor, finding.opinion_of}):
            for kind in TELLS_OF_CASE:
                self.outbox.withdraw(kind, to=doctor, about=case)
        if not owner.is_record:
            self.outbox.add(Kind.ENTERED_IN_ERROR, to=owner.id, about=own)
        if finding.doctor and finding.doctor != by.id:
            self.outbox.add(Kind.ENTERED_IN_ERROR, to=finding.doctor, about=case)
