"""Erases accounts, and makes a receipt of each erasure.

An erasure has these steps; a process that is killed leaves the next one to another's thread, or to
its own next start:

1. One transaction begins it (`Eraser.begin`): nobody sees the data any more, the receipt is there
   with its code, and a mail to the person waits.
2. What there is, is counted, and stored in the receipt.
3. Each package deletes what it has (`Eraser.finish`), the account last, and that is noted.
4. No job of the person can run any more, each file is deleted, and the store has overwritten what
   it can: the receipt is complete.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from pydantic import Field

from skinapi.accounts.admin.decisions import NO_ACCOUNT, get_by_email
from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.account_deletion import Eraser
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.erasure_guard import ErasureGuard
from skinapi.accounts.auth.errors import DoctorHasPatients, LastAdmin
from skinapi.accounts.auth.events import (
    AccountErased,
    AccountGone,
    ApprovalChanged,
    ErasureBegun,
)
from skinapi.accounts.auth.passwords import Proof
from skinapi.accounts.auth.second_factor import SecondFactorService
from skinapi.base.errors import Conflict, NotFound, SkinAPIError
from skinapi.base.values import Value
from skinapi.findings.records.record_retention import MedicalRecord, RecordKept, RecordRetention
from skinapi.findings.status.waiting import WaitingKind
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Remnant, Store
from skinapi.platform.storage.unit_of_work import Erasures, Unit, UnitOfWork, atomic
from skinapi.privacy.erasure.contents import AccountContents, KeptView, SentView
from skinapi.privacy.erasure.reach_service import ReachService
from skinapi.privacy.erasure.receipts import Asker, Extent, Receipt, Receipts

DAY = timedelta(days=1)
DROPPED_AT_ONCE = 500
WORK = "account_erasure"
# A lease may be renewed once more between its reading and the deletion of its job.
LEASE_TOLERANCE = timedelta(seconds=30)
# So long a reader may keep the store from overwriting, before the receipt is complete all the same.
SCRUBBED_WITHIN = timedelta(minutes=10)
# The numbers of the others would tell of second opinions.
FORESEEN = {
    *("account", "findings", "photos", "spots", "messages"),
    *("jobs", "uploads", "datasets", "sessions", "keys"),
}
CODE = re.compile(r"[0-9a-f]{32}")
NO_RECEIPT = "There is no receipt with this code"


class NothingToTakeBack(Conflict):
    code = "no_deletion_waits"
    sentence = "No deletion of this account waits"


class TooLate(Conflict):
    code = "deletion_due"
    sentence = "It is too late to take the deletion back: its time is over, and it has begun"


UNSETTLED = (
    "how many spots wait for a review of something urgent, a laboratory's result, a patient who is "
    "to be told, or an answer to a message. After a deletion the doctor has the name, the e-mail "
    "and the numbers of the findings for 30 days"
)


class DeletionByAdminPreview(Value):
    doctor: str | None = Field(description="the name of the active doctor in charge")
    unsettled: dict[WaitingKind, int] = Field(description=UNSETTLED)
    erased: dict[str, int] = Field(description="how many of each kind are erased")
    kept_findings: int = Field(description="how many findings the law keeps")
    kept_until: datetime | None = Field(description="until when")


class DeletionPreview(Value):
    deletion_at: datetime | None = Field(description="when it will be deleted; null: none waits")
    wait_days: int = Field(description="so long it can be taken back; 0: it is done at once")
    obstacle: str | None = Field(description="the code of the error that refuses it now")
    unsettled: dict[WaitingKind, int] = Field(description=UNSETTLED)
    erased: dict[str, int] = Field(description="how many of each kind are erased")
    kept: list[KeptView]
    kept_findings: list[int] = Field(description="the numbers of the findings that the law keeps")
    kept_since: datetime | None = Field(
        description="the newest signature of the record that the law keeps"
    )
    kept_until: datetime | None = Field(description="until when that is kept")
    elsewhere: list[SentView] = Field(
        description="to where something was sent, and cannot be called back"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureService:
    """`wait`: how long a person may take a deletion back; zero: it is done at once."""

    work: UnitOfWork
    store: Store
    accounts: Accounts
    eraser: Eraser
    second_factor: SecondFactorService
    receipts: Receipts
    contents: AccountContents
    retention: RecordRetention
    to_reach: ReachService
    guard: ErasureGuard
    failed: FailedItems
    outbox: Outbox
    wait: timedelta

    def preview(self, *, account: Account) -> DeletionPreview:
        """Tell the owner what would go."""
        record = self.retention.find_record(account.id)
        counts = self.contents.count(account.id, record=record)
        obstacle = self._find_obstacle(account)
        return DeletionPreview(
            deletion_at=account.deletion_due_at,
            wait_days=self.wait.days,
            obstacle=obstacle.code if obstacle else None,
            unsettled=self.to_reach.count(account.id),
            erased={kind: many for kind, many in counts.items() if kind in FORESEEN},
            kept=self.contents.list_kept(account, record),
            kept_findings=[finding.number for finding in record.findings] if record else [],
            kept_since=record.signed_at if record else None,
            kept_until=record.until_at if record else None,
            elsewhere=self.contents.list_elsewhere(account),
        )

    def preview_by_admin(self, *, email: str) -> DeletionByAdminPreview:
        """Tell an admin what would go, in numbers alone."""
        account = get_by_email(self.accounts, email, NO_ACCOUNT)
        record = self.retention.find_record(account.id)
        counts = self.contents.count(account.id, record=record)
        doctor = self.to_reach.unassigned.find_doctor(account)
        return DeletionByAdminPreview(
            doctor=doctor.name if doctor else None,
            unsettled=self.to_reach.count(account.id),
            erased={kind: many for kind, many in counts.items() if kind in FORESEEN},
            kept_findings=len(record.findings) if record else 0,
            kept_until=record.until_at if record else None,
        )

    def delete_own(self, *, account_id: str, session_id: str, proof: Proof) -> Receipt | datetime:
        """Delete the account and all its data, or plan it where the operator gives time to take it
        back: then the result is when. Who cannot go is told so before a code is used up.
        """
        account, factor = self.accounts.get(account_id), self.second_factor
        factor.verify_owner(account, proof.password, proof.caller, session_id=session_id)
        self._refuse_needed(account)
        factor.verify(account, proof.code, proof.caller)
        if self.wait:
            return self._plan(account_id)
        self._begin_own(account_id)
        return self._finish(account_id)

    @atomic
    def _plan(self, unit: Unit, account_id: str) -> datetime:
        account = self.accounts.get(account_id)
        self._refuse_needed(account)
        if account.deletion_due_at:
            return account.deletion_due_at
        unit.audit("account.plan_deletion", by=account_id, target=account_id)
        moment = now()
        due_at = moment + self.wait
        self.accounts.change(unit, account, deletion_asked_at=moment, deletion_due_at=due_at)
        self._tell_of_plan(account_id, due_at)
        return due_at

    def _tell_of_plan(self, account_id: str, due_at: datetime) -> None:
        self.outbox.add(Kind.DELETION_ASKED, to=account_id, about="my-data")
        if self.wait > DAY:
            reminded_at = due_at - DAY
            self.outbox.add(
                Kind.DELETION_TOMORROW, to=account_id, about="my-data", due_at=reminded_at
            )

    def on_approval_changed(self, event: ApprovalChanged) -> None:
        """Who could not take the deletion back meanwhile has the time for it again."""
        account = self.accounts.get(event.account)
        if account.approved and account.deletion_due_at:
            due_at = now() + self.wait
            self.accounts.set_deletion_due(account.id, due_at)
            self._withdraw_plan(account.id)
            self._tell_of_plan(account.id, due_at)

    @atomic
    def take_back(self, unit: Unit, *, account_id: str) -> None:
        account = self.accounts.get(account_id)
        unit.audit("account.take_deletion_back", by=account_id, target=account_id)
        if account.deletion_due_at is None:
            raise NothingToTakeBack
        if account.deletion_due_at <= now():
            raise TooLate
        self._drop(unit, account)

    def drop_waiting(self, *, by: str) -> list[str]:
        """Drop all deletions that wait, and tell their owners, as after a restore: who has taken
        one back since the backup must not lose the account. Returns the ids of the accounts.
        """
        dropped: list[str] = []
        while waiting := self.accounts.list_waiting_deletions(limit=DROPPED_AT_ONCE):
            for account in waiting:
                self._drop_restored(account.id, by=by)
                dropped.append(account.id)
        return dropped

    @atomic
    def _drop_restored(self, unit: Unit, account_id: str, *, by: str) -> None:
        unit.audit("account.drop_deletion", by=by, target=account_id)
        self._drop(unit, self.accounts.get(account_id))
        self.outbox.add(Kind.DELETION_DROPPED, to=account_id, about="my-data")

    def _drop(self, unit: Unit, account: Account) -> None:
        self.accounts.change(unit, account, deletion_asked_at=None, deletion_due_at=None)
        self._withdraw_plan(account.id)

    def _withdraw_plan(self, account_id: str) -> None:
        for kind in (Kind.DELETION_ASKED, Kind.DELETION_TOMORROW):
            self.outbox.withdraw(kind, to=account_id, about="my-data")

    @atomic
    def _begin_own(self, unit: Unit, account_id: str, *, due: datetime | None = None) -> None:
        """Begin it; with `due`, unless it was taken back meanwhile, or waits since."""
        account = self.accounts.get(account_id)
        due_at = None if account.status == "suspended" else account.deletion_due_at
        if due and not (due_at and due_at <= due):
            return
        self._refuse_needed(account)
        self.eraser.begin(unit, account, by=account_id, action="account.delete_own")

    def _refuse_needed(self, account: Account) -> None:
        if obstacle := self._find_obstacle(account):
            raise obstacle

    def _find_obstacle(self, account: Account) -> SkinAPIError | None:
        if self.accounts.is_last_admin(account):
            return LastAdmin()
        if account.role == "doctor" and self.accounts.count_patients({account.id}):
            return DoctorHasPatients()
        return None

    def erase(self, account: Account, *, by: str) -> Receipt:
        self._begin(account.id, by)
        return self._finish(account.id)

    @atomic
    def _begin(self, unit: Unit, account_id: str, by: str) -> None:
        account = self.accounts.get(account_id)
        if account.is_record and account.keep and by == "system":
            return  # an admin may have set `keep` a moment ago
        action = "account.expire_record" if account.is_record else "account.delete"
        self.eraser.begin(unit, account, by=by, action=action)

    def _finish(self, account_id: str) -> Receipt:
        self.eraser.finish_or_leave(account_id)
        receipt = self.receipts.find_newest(account_id)
        if receipt is None:
            raise NotFound(NO_RECEIPT)
        return receipt

    def on_begun(self, event: ErasureBegun) -> None:
        """In the transaction that begins an erasure, decide what of the account is kept, begin its
        receipt, note what the person was to be told, and let a mail wait that needs no account.
        """
        account = self.accounts.get(event.account)
        if event.again:
            record = self.retention.find_as_decided(account.id, event.kept_until)
        else:
            record = self.retention.find_record(account.id)
        if record and account.is_record:
            raise RecordKept(record.until_at)
        self.accounts.set_record_end(account.id, record.until_at if record else None)
        receipt = self.receipts.add(
            account.id,
            asked_by=_asker(event),
            reason=event.reason,
            extent=_extent(account, record),
        )
        if receipt.asked_by != "system":
            self.to_reach.note(account, event.number)
        if receipt.asked_by != "system" and account.can_log_in:
            self.outbox.add(
                Kind.ERASED,
                to=account.id,
                about=f"receipts/verify/{receipt.code}",
                address=account.email,
                language=account.language,
            )

    def count(self, event: AccountErased) -> None:
        """Before anything is deleted: note in the receipt what there is, once."""
        receipt = self.receipts.find_pending(event.account)
        account = self.accounts.find_by_id(event.account)
        if receipt is None or receipt.counted_at or account is None:
            return
        kept_until = account.record_kept_until_at
        record = self.retention.find_signed(account.id) if kept_until else None
        leases_end = self.contents.find_end_of_leases(account.id)
        self.receipts.set_counted(
            receipt,
            erased=self.contents.count(account.id, record=record),
            kept_until_at=kept_until,
            awaits_until_at=leases_end + LEASE_TOLERANCE if leases_end else None,
        )

    def on_gone(self, event: AccountGone) -> None:
        self.receipts.set_gone(event.account)

    def begin_due(self) -> None:
        """Begin the erasures whose time has come."""
        moment = now()
        if self.guard.admits("deletions", self.accounts.count_to_delete(at=moment)):
            due = self.accounts.list_to_delete(at=moment)
            self.failed.do_each(WORK, due, partial(self._begin_due, moment))

    def finish_begun(self) -> None:
        """Bring those that have begun to their end; one scrub serves all that are gone."""
        pending = self.receipts.find_all_pending()
        let_go = self.failed.each(WORK, pending, self._let_go, key=lambda item: item["pending"])
        if gone := [*filter(None, let_go)]:
            self._complete(gone)

    def _begin_due(self, moment: datetime, account_id: str) -> None:
        account = self.accounts.get(account_id)
        if account.status == "deleting" or self._find_obstacle(account):
            return
        if account.is_record:
            self._begin(account.id, "system")
        else:
            self._begin_own(account.id, due=moment)

    def _let_go(self, document: Document) -> Receipt | None:
        """Delete what is left, and return the receipt once nothing of the person is stored."""
        receipt = Receipt.model_validate(document)
        if receipt.gone_at is None:
            self.eraser.finish(receipt.account)
            after = self.receipts.find_pending(receipt.account)
            if after is None or after.gone_at is None:
                return None
            receipt = after
        if receipt.awaits_until_at:
            if now() < receipt.awaits_until_at:
                return None
            # What a job has stored after its record was deleted.
            self.work.announce(AccountErased(receipt.account))
        return receipt

    def _complete(self, gone: Sequence[Receipt]) -> None:
        Erasures(self.store).finish_all()
        remains = self.store.scrub().remains
        complete = partial(self._complete_one, remains=remains)
        self.failed.do_each("erasure_receipt", gone, complete, lambda receipt: receipt.account)

    def _complete_one(self, receipt: Receipt, *, remains: Sequence[Remnant]) -> None:
        since = receipt.gone_at or receipt.created_at
        if Remnant.LOG_IN_USE in remains and now() < since + SCRUBBED_WITHIN:
            return
        self.receipts.complete(receipt)

    def find_receipt(self, *, code: str) -> Receipt | None:
        return self.receipts.find_by_code(code) if CODE.fullmatch(code) else None


def _asker(event: ErasureBegun) -> Asker:
    if event.by == event.account:
        return "person"
    return "system" if event.by == "system" else "admin"


def _extent(account: Account, record: MedicalRecord | None) -> Extent:
    if account.is_record:
        return "record"
    return "all_but_record" if record else "account"
