"""Deletes accounts with all their data, also those that nobody approves, and resumes a deletion
that a crash interrupted.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.erasure_guard import ErasureGuard
from skinapi.accounts.auth.errors import BeingDeleted, GoesWithOther
from skinapi.accounts.auth.events import AccountErased, AccountGone, ErasureBegun, PatientNumber
from skinapi.accounts.auth.former_owners import FormerOwners
from skinapi.base.errors import RecordDamaged, StoreUnavailable
from skinapi.base.subject import ErasureReason
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic
from skinapi.platform.storage.unreadable import leaving_out, read_each


@dataclass(frozen=True, slots=True, kw_only=True)
class Eraser:
    """One transaction sets the status "deleting": the tokens are dead, and nobody sees the
    account's data any more. Then all of it is deleted, in many. The account is removed last, so
    that `resume` finds it after a crash.
    """

    work: UnitOfWork
    accounts: Accounts
    former: FormerOwners
    guard: ErasureGuard
    failed: FailedItems

    def begin(
        self,
        unit: Unit,
        account: Account,
        *,
        by: str,
        action: str,
        reason: ErasureReason | None = None,
        number: PatientNumber | None = None,
    ) -> None:
        """Begin the deletion: `finish` deletes the data, and the account last."""
        unit.audit(action, by=by, target=account.id, detail=reason)
        self._begin(unit, account, ErasureBegun(account.id, by, reason, number))

    def _begin(self, unit: Unit, account: Account, event: ErasureBegun) -> None:
        if account.status == "deleting":
            raise BeingDeleted
        if account.joined_to:
            raise GoesWithOther
        unit.publish(event)
        # As who listens has left it: perhaps its medical record is kept.
        account = self.accounts.get(account.id)
        self.accounts.change(
            unit, account, status="deleting", deletion_asked_at=None, deletion_due_at=None
        )

    def finish(self, account_id: str) -> None:
        """Delete data and account, or what is left; what was joined to it goes before it."""
        account = self.accounts.find_by_id(account_id)
        for item in (*(account.joined if account else ()), account_id):
            self.work.announce(AccountErased(item))
        self._remove(account_id)

    def finish_or_leave(self, account_id: str) -> None:
        """Finish it now, unless a record of it cannot be read: then `resume` does once it can, and
        names the account to the admins until then.
        """
        with suppress(RecordDamaged):
            self.finish(account_id)

    @atomic
    def _remove(self, unit: Unit, account_id: str) -> None:
        account = self.accounts.find_by_id(account_id)
        if account is None or account.status != "deleting":
            return  # another process has done it
        identity = self.former.hash_identity(self.former.list_accounts(account))
        for item in account.joined:
            self.accounts.remove(unit, item)
        if account.record_kept_until_at:
            self.accounts.keep_record(account_id, former_identity=identity)
        else:
            self.accounts.remove(unit, account_id)
        unit.publish(AccountGone(account_id, account.record_kept_until_at))

    def erase_again(self, account_id: str, *, by: str, kept_until: datetime | None) -> None:
        """Delete an account that a restore brought back, as it was deleted: all, or all but the
        medical record that is `kept_until` then.
        """
        self._begin_again(account_id, by, kept_until)
        self.finish(account_id)

    @atomic
    def _begin_again(
        self, unit: Unit, account_id: str, by: str, kept_until: datetime | None
    ) -> None:
        account = self.accounts.get(account_id)
        # Else the backup had it half deleted already, or no more than its medical record.
        if account.status != "deleting" and not account.is_record:
            unit.audit("account.erase_again", by=by, target=account_id)
            event = ErasureBegun(account_id, by, None, again=True, kept_until=kept_until)
            self._begin(unit, account, event)

    def expire_all(self, *, before: datetime) -> None:
        expired = [*self._walk_expired(before)]
        if self.guard.admits("waiting accounts", len(expired)):
            self.failed.do_each("account_expiry", expired, partial(self._expire, before))

    def _walk_expired(self, before: datetime) -> Iterator[str]:
        with leaving_out():
            stored = self.accounts.walk_unapproved(before=before)
            for account in read_each("accounts", stored, Account.model_validate):
                if account.never_approved(before=before):
                    yield account.id

    def _expire(self, before: datetime, account_id: str) -> None:
        if self._begin_expiry(account_id, before):
            self.finish(account_id)

    @atomic
    def _begin_expiry(self, unit: Unit, account_id: str, before: datetime) -> bool:
        account = self.accounts.get(account_id)
        expires = account.never_approved(before=before)
        if expires:  # else an admin has approved or deleted it meanwhile
            self.begin(unit, account, by="system", action="account.expire")
        return expires

    def resume(self) -> None:
        """Finish what a crash interrupted. One that fails again stops nothing else."""
        self.failed.do_each("account_erasure", self.accounts.list_deleting(), self._resume)

    def _resume(self, account_id: str) -> None:
        with suppress(StoreUnavailable):
            self.finish(account_id)

    def check_integrity(self) -> Iterator[Fault]:
        for account_id in self.accounts.list_deleting():
            yield Fault(f"account {account_id} is half deleted", partial(self.finish, account_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingExpiry:
    """Deletes what waits, or was refused, for longer than `life`: anybody may register."""

    eraser: Eraser
    life: timedelta

    def run_once(self) -> None:
        self.eraser.resume()
        self.eraser.expire_all(before=now() - self.life)
