from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from skinapi.accounts.auth.account import Account, AccountFields
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.consents import PURPOSES, Consents
from skinapi.accounts.auth.erasure_guard import ErasureGuard
from skinapi.accounts.auth.events import AccountClosed, ConsentWithdrawn
from skinapi.base.subject import ErasureReason
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic
from skinapi.platform.storage.unreadable import leaving_out, read_each

SYSTEM = "system"


class RecordEnds(Protocol):
    def find_end(self, owner: str) -> datetime | None:
        """Return until when the law requires to keep this patient's record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountClosing:
    """`wait` is the time from closing to erasure."""

    accounts: Accounts
    consents: Consents
    records: RecordEnds
    wait: timedelta

    def close(
        self,
        unit: Unit,
        account: Account,
        *,
        by: str,
        action: str = "account.close",
        reason: ErasureReason | None = None,
    ) -> None:
        """The data stays until the erasure. Closing an account again has no effect."""
        unit.audit(action, by=by, target=account.id, detail=reason)
        if account.status == "closed":
            return
        moment = now()
        closed = AccountFields(
            status="closed",
            erase_at=max(moment + self.wait, self.records.find_end(account.id) or moment),
            token_version=account.token_version + 1,
            consents=dict.fromkeys(PURPOSES, False),
        )
        self.accounts.change(unit, account, **closed)
        for purpose in PURPOSES:
            if account.consents.get(purpose) is not False:
                self.consents.note(
                    account=account.id, purpose=purpose, given=False, by=by, way="closing"
                )
                unit.publish(ConsentWithdrawn(account.id, purpose))
        unit.publish(AccountClosed(account.id, by, reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingExpiry:
    """Closes accounts that were waiting or refused for longer than `life`."""

    work: UnitOfWork
    accounts: Accounts
    closing: AccountClosing
    guard: ErasureGuard
    failed: FailedItems
    life: timedelta

    def run_once(self) -> None:
        before = now() - self.life
        expired = [*self._list_expired(before)]
        if self.guard.admits("waiting accounts", len(expired)):
            self.failed.do_each("account_expiry", expired, partial(self._expire, before))

    def _list_expired(self, before: datetime) -> Iterator[str]:
        with leaving_out():
            stored = self.accounts.walk_unapproved(before=before)
            for account in read_each("accounts", stored, Account.model_validate):
                if account.never_approved(before=before):
                    yield account.id

    @atomic
    def _expire(self, unit: Unit, before: datetime, account_id: str) -> None:
        account = self.accounts.get(account_id)
        if account.never_approved(before=before):  # else an admin has decided meanwhile
            self.closing.close(unit, account, by=SYSTEM, action="account.expire")
