"""Keeps the doctor on the rows of the index current. The field only orders lists; the owner's
account decides who may see a finding (read_access.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.accounts import Accounts
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.platform.storage.faults import Fault, guarded
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic
from skinapi.platform.storage.unreadable import leaving_out


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewQueue:
    work: UnitOfWork
    records: FindingRecords
    accounts: Accounts

    @atomic
    def renew_account(self, _: Unit, identifier: str) -> None:
        self.accounts.get(identifier)
        self.records.renew_waiting_of(identifier)

    def check_integrity(self) -> Iterator[Fault]:
        """Report rows that differ from their spots, as after a manual restore."""
        for account in self.accounts.walk_all():  # a damaged one is a fault by itself
            yield from guarded(f"the findings of account {account.id}", self._check(account))

    def _check(self, account: Account) -> Iterator[Fault]:
        # Check again, because a finding may have been filed between the two reads.
        if self._differs(account) and self._still_differs(account.id):
            text = f"the doctors' queue differs from the findings of account {account.id}"
            yield Fault(text, partial(self.renew_account, account.id))

    @atomic
    def _still_differs(self, _: Unit, owner: str) -> bool:
        return any(map(self._differs, self.accounts.list_where({"id": owner})))

    def _differs(self, owner: Account) -> bool:
        with leaving_out():
            return self.records.waits_otherwise(owner.id)
