from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import FindingInError, NotFound
from skinapi.base.languages import Language, load_words
from skinapi.base.stored_record import Frozen
from skinapi.findings.errors import FindingSigned, ResultAwaited
from skinapi.findings.records.events import FindingVoided
from skinapi.findings.records.finding_access import FindingAccess
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.stored_finding import (
    Dispute,
    EnteredInError,
    StoredFinding,
    hashes_of_request,
)
from skinapi.findings.reviews.outcomes import OutcomeCounts
from skinapi.findings.status.spot import Spot, awaits_result, dispute, enter_in_error, leave
from skinapi.platform.backups.erased_ids import ErasedIds
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic

NOTHING_FILED = "This program has filed no finding by this order"


class ErrorWords(Frozen):
    in_error: str
    taken_back: str
    restored: str


ERRORS: Mapping[Language, ErrorWords] = load_words("reports.errors", ErrorWords)


# A moved finding has this idempotency key with the id of its origin. Callers cannot send it,
# because their keys have no slash.
MOVED = "moved/"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionsService:
    work: UnitOfWork
    findings: FindingAccess
    records: FindingRecords
    accounts: Accounts
    outcomes: OutcomeCounts
    outbox: Outbox
    erased: ErasedIds

    @atomic
    def enter_in_error(self, unit: Unit, *, number: str, reason: str, by: Subject) -> StoredFinding:
        finding, owner = self.findings.get_to_correct(number=number, by=by)
        return self._enter(unit, finding, owner, by, reason)

    @atomic
    def enter_again(self, unit: Unit, *, identifier: str, by: str) -> bool:
        """Exclude a restored finding again, without another notification."""
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
        """Exclude a finding in the transaction that files its photo for the `right` patient."""
        finding, owner = self.findings.get_to_correct(number=number, by=by)
        if finding.error:
            raise FindingInError(finding.error.reason)
        self._enter(unit, finding, owner, by, reason, moved=True)
        self.outbox.add(Kind.NEWS, to=right)

    @atomic
    def take_back(self, unit: Unit, *, key: str, by: Subject) -> StoredFinding | None:
        """Withdraw what a system filed with this key. Raises FindingSigned after a review."""
        filed = self.records.find_filed(by.id, key)
        if filed is None:
            if not self.erased.find_requests(*hashes_of_request(by.id, key)):
                raise NotFound(NOTHING_FILED)
            return None
        _, owner = self.findings.get_to_correct(number=str(filed.number), by=by)
        if filed.covered_by and not filed.error:
            raise FindingSigned(filed.id)
        entered = self._enter(unit, filed, owner, by)
        return self.records.see_one(entered, with_errors=True)

    def note_other_patient(self, right: str, *, key: str | None, by: Subject) -> None:
        """Dispute a finding that this system filed for another patient than the `right` one."""
        filed = self.records.find_filed(by.id, key)
        if filed and filed.owner != right:
            self.dispute(filed.id, Dispute.OTHER_PATIENT, by=by)

    @atomic
    def dispute(self, unit: Unit, identifier: str, why: Dispute, *, by: Subject) -> None:
        finding = self.records.get(identifier)
        if finding.error or finding.disputed is why:
            return
        action = "submission.enter_in_error"
        unit.record(AuditRow(action, by.id, finding.id, outcome=why.value, owner=finding.owner))
        claim = partial(dispute, finding=finding.id, reason=why.value, at=now())
        self.records.spots.change(finding.lesion, claim)
        unit.publish(self.records.renew([finding.lesion]))

    def _enter(
        self,
        unit: Unit,
        finding: StoredFinding,
        owner: Account,
        by: Subject,
        reason: str | None = None,
        *,
        moved: bool = False,
    ) -> StoredFinding:
        if finding.error:
            return finding
        unit.record(
            AuditRow("submission.enter_in_error", by=by.id, target=finding.id, owner=owner.id)
        )
        reason = reason or ERRORS[owner.language].taken_back
        error = EnteredInError(entered_at=now(), by=by.id, reason=reason)
        asked = self._void(unit, finding, error, moved=moved).opinion
        self._tell(finding, owner, by, colleague=asked.colleague if asked else None)
        return self.records.find(finding.id) or finding

    def _void(
        self, unit: Unit, finding: StoredFinding, error: EnteredInError, *, moved: bool = False
    ) -> Spot:
        status = self.records.spots.get(finding.lesion)
        if awaits_result(status.spot):
            raise ResultAwaited
        self.outcomes.recount(finding, [*status.reviews.values()], [])
        self.records.mark_in_error(finding, error)
        remove = leave if moved else enter_in_error
        self.records.spots.store(status.spot, remove(status.spot, finding.id, at=now()))
        unit.publish(FindingVoided(finding))
        unit.publish(self.records.renew([finding.lesion]))
        return status.spot

    def _tell(
        self, finding: StoredFinding, owner: Account, by: Subject, *, colleague: str | None
    ) -> None:
        own, case = f"finding/{finding.number}", f"case/{finding.number}"
        self.outbox.withdraw(Kind.NEWS, to=owner.id, about=own)
        for doctor in filter(None, {owner.doctor_id, colleague}):
            self.outbox.withdraw(Kind.OPINION, to=doctor, about=case)
        self.outbox.add(Kind.NEWS, to=owner.id, about=own)
        if owner.doctor_id and owner.doctor_id != by.id:
            self.outbox.add(Kind.NEWS, to=owner.doctor_id, about=case)
