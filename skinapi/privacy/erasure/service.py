"""Closes accounts for their owners and erases closed accounts.

An interrupted erasure is continued by another process or after the next start:

1. A transaction deletes the account, so that nobody finds it.

2. Each package and area deletes its data (`ForgetSteps`).

3. After ten minutes, data stored by late jobs is deleted too, and the store overwrites what it can.
The receipt is complete.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from pydantic import Field

from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.closing import SYSTEM, AccountClosing
from skinapi.accounts.auth.erasure_guard import ErasureGuard
from skinapi.accounts.auth.errors import DoctorHasPatients, LastAdmin
from skinapi.accounts.auth.events import AccountClosed, AccountErased, ApprovalChanged
from skinapi.accounts.auth.passwords import Proof
from skinapi.accounts.auth.second_factor import SecondFactorService
from skinapi.base.errors import RecordDamaged
from skinapi.base.values import Value
from skinapi.findings.records.record_retention import RecordRetention
from skinapi.findings.records.waiting_spots import WaitingSpots
from skinapi.findings.status.spot import is_urgent
from skinapi.findings.status.waiting import WaitingKind
from skinapi.platform.backups.erased_ids import ErasedIds
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Store
from skinapi.platform.storage.unit_of_work import AuditRow, Erasures, Unit, UnitOfWork, atomic
from skinapi.privacy.erasure.receipts import Asker, Receipt, Receipts

WORK = "account_erasure"
CODE = re.compile(r"[0-9a-f]{32}")
# An erasure waits this long for an urgent review, a result, and until the patient is told.
WAITS_FOR = timedelta(days=30)
SETTLED_FIRST = (WaitingKind.REVIEW, WaitingKind.RESULT, WaitingKind.TELLING)
# A restored backup may contain a closed account that was opened since.
RESTORED_WAIT = timedelta(days=7)
# By then, no job of the person is running, and no reader keeps the store from overwriting.
COMPLETE_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class ForgetSteps:
    """Each step has its own transactions, may return how much it deleted, and can be repeated. The
    names appear in the receipt.
    """

    steps: Sequence[tuple[str, Callable[[str], int | None]]]


class ClosingPreview(Value):
    unsettled: dict[WaitingKind, int] = Field(
        description="how many spots wait for the review of something urgent, for a laboratory's "
        "result, or for the patient to be told. The erasure waits for them, for up to 30 days"
    )
    wait_days: int = Field(description="how long an admin can open a closed account again")
    record_kept_until: datetime | None = Field(
        description="until when the law keeps the medical record, if a doctor has signed something"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureService:
    work: UnitOfWork
    store: Store
    accounts: Accounts
    closing: AccountClosing
    second_factor: SecondFactorService
    receipts: Receipts
    records: RecordRetention
    waiting: WaitingSpots
    forgetting: ForgetSteps
    erased_ids: ErasedIds
    guard: ErasureGuard
    failed: FailedItems
    outbox: Outbox

    def preview(self, *, account: Account) -> ClosingPreview:
        return ClosingPreview(
            unsettled=self._count_unsettled(account.id),
            wait_days=self.closing.wait.days,
            record_kept_until=self.records.find_end(account.id),
        )

    def close_own(self, *, account_id: str, session_id: str, proof: Proof) -> Receipt:
        """A refusal comes before a code is used up."""
        account, factor = self.accounts.get(account_id), self.second_factor
        factor.verify_owner(account, proof.password, proof.caller, session_id=session_id)
        self._refuse_needed(account)
        factor.verify(account, proof.code, proof.caller)
        self._close_own(account_id)
        return self.receipts.find_newest(account_id)

    @atomic
    def _close_own(self, unit: Unit, account_id: str) -> None:
        account = self.accounts.get(account_id)
        self._refuse_needed(account)
        self.closing.close(unit, account, by=account_id)

    def _refuse_needed(self, account: Account) -> None:
        if self.accounts.is_last_admin(account):
            raise LastAdmin
        if account.role == "doctor" and self.accounts.count_patients({account.id}):
            raise DoctorHasPatients

    def find_end(self, receipt: Receipt) -> datetime | None:
        """Return the latest time of the erasure; None once it has begun."""
        account = self.accounts.find_by_id(receipt.account)
        if account is None or account.erase_at is None:
            return None
        return account.erase_at if account.erase_at > now() else account.erase_at + WAITS_FOR

    def on_closed(self, event: AccountClosed) -> None:
        """Create the receipt in the transaction, and mail the owner, who gets no later mail."""
        account = self.accounts.get(event.account)
        receipt = self.receipts.add(account.id, asked_by=_asker(event), reason=event.reason)
        if receipt.asked_by != "system" and account.can_log_in:
            self.outbox.add(
                Kind.CLOSED,
                to=account.id,
                about=f"receipts/verify/{receipt.code}",
                address=account.email,
                language=account.language,
            )

    def on_approval_changed(self, event: ApprovalChanged) -> None:
        """An account that is open again has no receipt."""
        if self.accounts.get(event.account).approved:
            self.receipts.drop(event.account)

    def erase_closed(self, event: AccountClosed) -> None:
        with suppress(RecordDamaged):  # `finish_begun` tries again
            self._begin_due(event.account)
            self._finish(event.account)

    def begin_due(self) -> None:
        listed = self.accounts.list_due(at=now())
        due = [*filter(None, self.failed.each(WORK, listed, self._find_due))]
        if self.guard.admits("deletions", len(due)):
            self.failed.do_each(WORK, due, self._begin_due)

    def _find_due(self, account_id: str) -> str | None:
        account = self.accounts.find(account_id)
        return account_id if account and self._is_due(account) else None

    def _is_due(self, account: Account) -> bool:
        moment = now()
        if account.erase_at is None or account.erase_at > moment or account.keep:
            return False
        if account.erase_at + WAITS_FOR > moment and self._count_unsettled(account.id):
            return False
        end = self.records.find_end(account.id)
        if end and end > moment:  # a doctor has signed something since
            self.accounts.set_erase_at(account.id, end)
            return False
        return True

    def _count_unsettled(self, owner: str) -> dict[WaitingKind, int]:
        rows = self.waiting.list_of("owner", [owner])
        counts = Counter(
            row.kind for row in rows if row.kind is not WaitingKind.REVIEW or is_urgent(row.urgency)
        )
        return {kind: counts[kind] for kind in SETTLED_FIRST if counts[kind]}

    @atomic
    def _begin_due(self, unit: Unit, account_id: str) -> None:
        account = self.accounts.find(account_id)
        if account and self._is_due(self.accounts.lock(account_id)):
            unit.audit("account.erase", by=SYSTEM, target=account_id)
            self._begin(unit, account)

    def _begin(self, unit: Unit, account: Account, *, moved_away: int = 0) -> None:
        """A backup may still have moved spots in an account that was emptied into this one, so that
        one is erased too, unless an admin keeps it or it has findings of its own since.
        """
        held = sum(1 for _ in self.records.records.walk_stored(account.id, fields=()))
        self.erased_ids.add("account", account.id, findings=held + moved_away)
        for identifier in self.accounts.moved.list_into(account.id):
            emptied = self.accounts.find_by_id(identifier)
            if emptied is None:
                self.erased_ids.add("account", identifier, findings=held)
            elif self._is_empty(emptied):
                unit.record(AuditRow("account.erase", by=SYSTEM, target=identifier))
                self._begin(unit, emptied, moved_away=held)
        receipt = self.receipts.find_pending(account.id)
        receipt = receipt or self.receipts.add(account.id, asked_by="system")
        self.receipts.begin(receipt, findings=held)
        self.accounts.remove(unit, account)

    def _is_empty(self, account: Account) -> bool:
        unprotected = account.status == "closed" and not account.keep
        return unprotected and not self.records.records.count_of(account.id)

    def erase_again(self, account_id: str, *, by: str, kept_until: datetime | None) -> None:
        """Close the account instead if 2.0.0 kept its medical record until a later day."""
        self._begin_again(account_id, by, kept_until)
        self._finish(account_id)

    @atomic
    def _begin_again(
        self, unit: Unit, account_id: str, by: str, kept_until: datetime | None
    ) -> None:
        account = self.accounts.get(account_id)
        if kept_until and kept_until > now():
            self.closing.close(unit, account, by=by, action="account.erase_again")
            self.accounts.set_erase_at(account_id, kept_until)
            return
        unit.audit("account.erase_again", by=by, target=account_id)
        if self.accounts.is_last_admin(account):
            raise LastAdmin
        self._begin(unit, account)

    def give_time(self) -> int:
        """A restored account may have been open when the backup was lost, so admins get time to
        reopen it. Return the number of closed accounts.
        """
        return self.accounts.delay_erasures(now() + max(RESTORED_WAIT, self.closing.wait))

    def finish_begun(self) -> None:
        """One scrub serves all erasures."""
        begun = self.receipts.list_begun()
        done = self.failed.each(WORK, begun, self._go_on, key=lambda item: item["pending"])
        if gone := [*filter(None, done)]:
            self._complete(gone)

    def _finish(self, account_id: str) -> None:
        receipt = self.receipts.find_pending(account_id)
        if receipt and receipt.begun_at and receipt.gone_at is None:
            self._forget(receipt)
            self._end(receipt)

    def _go_on(self, document: Document) -> Receipt | None:
        """Delete what remains. Return the receipt once no data is stored."""
        receipt = Receipt.model_validate(document)
        self._finish(receipt.account)
        if receipt.begun_at and now() < receipt.begun_at + COMPLETE_AFTER:
            return None
        self._forget(receipt)  # what a job has stored after its record was deleted
        return receipt

    def _forget(self, receipt: Receipt) -> None:
        for kind, forget in self.forgetting.steps:
            if count := forget(receipt.account):
                self.receipts.add_erased(receipt.id, kind, count)

    @atomic
    def _end(self, unit: Unit, receipt: Receipt) -> None:
        if not self.receipts.set_gone(receipt.id):
            return  # another process has done it
        # Check again, because no scrub since the beginning has overwritten this data.
        held = receipt.erased.get("findings", 0)
        self.erased_ids.add("account", receipt.account, findings=held)
        unit.publish(AccountErased(receipt.account))

    def _complete(self, gone: Sequence[Receipt]) -> None:
        Erasures(self.store).finish_all()
        self.store.scrub()
        complete = self.receipts.complete
        self.failed.do_each("erasure_receipt", gone, complete, lambda receipt: receipt.account)

    def find_receipt(self, *, code: str) -> Receipt | None:
        return self.receipts.find_by_code(code) if CODE.fullmatch(code) else None

    def check_integrity(self) -> Iterator[Fault]:
        for document in self.receipts.list_begun():
            account = document["pending"]
            if "gone_at" not in document:
                yield Fault(f"account {account} is half erased", partial(self._finish, account))


def _asker(event: AccountClosed) -> Asker:
    if event.by == event.account:
        return "person"
    return "system" if event.by == SYSTEM else "admin"
