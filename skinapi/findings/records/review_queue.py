"""The findings that wait for a review, and the patients without a doctor: nobody is in charge of
them, or one who is no active doctor now.

An index can sort only by fields of its own documents, so a finding holds the `doctor` in whose
care its owner is and its keys (queue_order.py), and an account the `queue_key` of its most urgent
unreviewed finding. These fields only order lists: who may see a finding is decided by the
owner's account (read_access.py). Of two transactions that change what waits for one account, one
must see the other. So filing and deleting write the account, and whoever gives the account the key
of a finding writes that finding too: its review conflicts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.accounts import Accounts, key_without_findings
from skinapi.base.pages import batched
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.stored_finding import StoredFindingRow
from skinapi.platform.storage.faults import Fault, guarded
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic
from skinapi.platform.storage.unreadable import leaving_out

SEEN_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewQueue:
    """Keeps the doctors' lists up to date, inside the transactions of its callers."""

    work: UnitOfWork
    records: FindingRecords
    accounts: Accounts

    def move_patient_up(self, finding: StoredFindingRow, owner: Account) -> None:
        """`owner` is its account, as the same transaction has counted it."""
        if finding.queue_key and finding.queue_key < owner.queue_key:
            self.accounts.set_queue_key(owner.id, finding.queue_key)

    def move_patient_down(self, finding: StoredFindingRow, owner: Account) -> None:
        """Take a finding out that was reviewed, or deleted, in the same transaction."""
        if not finding.reviewed:
            self.update_owner_key(owner)

    def recount(self, owner_id: str) -> None:
        """Count the findings of the account anew, and let it stand where they ask for."""
        self.accounts.set_findings(owner_id, self.records.count_of(owner_id))
        self.update_owner_key(self.accounts.get(owner_id))

    @atomic
    def renew_account(self, _: Unit, identifier: str) -> None:
        """Sort and count all findings of the account again."""
        owner = self.accounts.get(identifier)
        for found in batched([*self.records.walk_owned(identifier)], SEEN_AT_ONCE):
            self.records.renew_keys({record.lesion for record in found})
        self.records.set_doctor(identifier, owner.doctor_id)
        self.records.renew_waiting_of(identifier)
        self.recount(identifier)

    def update_owner_key(self, owner: Account) -> None:
        """Let the account stand in its doctor's list where its most urgent finding asks for."""
        first = self.records.most_urgent(owner.id)
        key = first[1] if first else key_without_findings(owner.id)
        if key != owner.queue_key:
            self.accounts.set_queue_key(owner.id, key)
            if first:
                self.records.touch(first[0])

    def check_integrity(self) -> Iterator[Fault]:
        """Report whose place, count or findings differ, as a restore by hand leaves them."""
        with leaving_out():  # a damaged account is a fault by itself
            accounts = self.accounts.list_where({})
        for account in accounts:
            yield from guarded(f"the findings of account {account.id}", self._check(account))

    def _check(self, account: Account) -> Iterator[Fault]:
        # Again, because a finding may have been filed between the two reads.
        if self._differs(account) and self._still_differs(account.id):
            text = f"the doctors' queue differs from the findings of account {account.id}"
            yield Fault(text, partial(self.renew_account, account.id))

    @atomic
    def _still_differs(self, _: Unit, owner: str) -> bool:
        return any(map(self._differs, self.accounts.list_where({"id": owner})))

    def _differs(self, owner: Account) -> bool:
        kept, first = 0, key_without_findings(owner.id)
        for found in batched(self.records.walk_owned(owner.id), SEEN_AT_ONCE):
            if self.records.list_changed_keys({record.lesion for record in found}):
                return True
            for finding in found:
                if finding.doctor != owner.doctor_id:
                    return True
                if finding.error:
                    continue
                kept += 1
                if finding.queue_key and not finding.reviewed:
                    first = min(first, finding.queue_key)
        if owner.queue_key != first or owner.findings != kept:
            return True
        return self.records.waits_otherwise(owner.id)

    def move_misplaced(self) -> None:
        """Move findings and spots from the wrong doctor's list into that of their owner's doctor.
        It looks where a restore by hand leaves some: at lists of doctors without patients, and at
        patients whose doctor has no list.
        """
        resting = {*self.accounts.list_resting_doctors()}
        listed = {*self.records.walk_doctors(), *self.records.waiting.walk_doctors()}
        for doctor in (listed - {*self.accounts.walk_doctors()}) | (resting - listed):
            self._move_misplaced(doctor)

    @atomic
    def _move_misplaced(self, _: Unit, doctor: str) -> None:
        listed = self.records.list_owners_of(doctor) | self.records.waiting.list_owners_of(doctor)
        owners = {*listed, *self.accounts.list_patients(doctor)}
        for owner in self.accounts.find_stored(owners):
            self.records.set_doctor(owner["id"], owner.get("doctor_id"))
            self.records.waiting.set_doctor(owner["id"], owner.get("doctor_id"))
