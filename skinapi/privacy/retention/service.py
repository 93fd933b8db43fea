"""A spot is deleted as a whole, and not while it waits for something. Everything is checked again
in the transaction that deletes it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from pydantic import Field

from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.closing import SYSTEM, AccountClosing
from skinapi.accounts.auth.erasure_guard import ErasureGuard
from skinapi.accounts.auth.owners import AccountUses, KeptAccount, Unused
from skinapi.base.logs import log
from skinapi.base.pages import batched
from skinapi.base.settings.privacy import RetainedKind
from skinapi.base.values import Value
from skinapi.care.message_records import Message, Messages
from skinapi.findings.records.lesions import Lesions
from skinapi.findings.records.record_retention import RecordRetention
from skinapi.findings.records.service import FindingsService
from skinapi.findings.records.waiting_spots import WaitingSpots
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.background import Lease, Stopping
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic

WORK = "retention"
WARNED_BEFORE = timedelta(days=30)
# Deletions of each kind, so that a mistake can be stopped in time.
MOST_A_SWEEP = 1000
AT_ONCE = 100
LEASE_LENGTH = timedelta(minutes=5)


class RetainedKindView(Value):
    kind: RetainedKind
    setting: str
    days: int | None = Field(description="null: kept until somebody deletes it")


class RetentionView(Value):
    kinds: list[RetainedKindView]
    kept: list[KeptAccount] = Field(description="accounts that an admin keeps")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionService:
    """`days` is how long each kind is kept; None means forever."""

    work: UnitOfWork
    store: Store
    accounts: Accounts
    uses: AccountUses
    lesions: Lesions
    waiting: WaitingSpots
    findings: FindingsService
    messages: Messages
    records: RecordRetention
    closing: AccountClosing
    outbox: Outbox
    guard: ErasureGuard
    failed: FailedItems
    stopping: Stopping
    days: Mapping[RetainedKind, int | None]

    def get_overview(self) -> RetentionView:
        return RetentionView(
            kinds=[
                RetainedKindView(kind=kind, setting=kind.setting, days=days)
                for kind, days in self.days.items()
            ],
            kept=self.uses.list_kept(),
        )

    def count_due(self) -> dict[RetainedKind, int]:
        counted = (kind for kind, days in self.days.items() if days)
        return {kind: sum(1 for _ in self._walk_due(kind)) for kind in counted}

    def run_once(self) -> None:
        """Delete in small transactions, by one process at a time."""
        lease = Lease(self.store.collection("leases"), "retention", length=LEASE_LENGTH)
        if lease.claim() is None:
            return
        try:
            all(self.failed.each(WORK, RetainedKind, partial(self._sweep, lease)))
        finally:
            lease.release()

    def _sweep(self, lease: Lease, kind: RetainedKind) -> bool:
        """Return False if another process has taken over, or this one is stopping."""
        if kind is RetainedKind.ACCOUNTS:
            self.uses.begin_for_new() if self.days[kind] else self.uses.forget()
        if self.days[kind] is None:
            return True
        if kind is RetainedKind.ACCOUNTS:
            self._warn_all()
            if not self.guard.admits("unused accounts", sum(1 for _ in self._walk_due(kind))):
                return True
        removed = 0
        due = self._walk_due(kind)
        for deleted in self.failed.each(WORK, due, partial(self._delete, kind)):
            removed += deleted
            if self.stopping.is_set() or not lease.renew():
                return False
            if removed >= MOST_A_SWEEP:
                break
        if removed:
            log.info("retention", kind=kind.value, removed=removed)
        return True

    def _end_of(self, kind: RetainedKind) -> datetime:
        return now() - timedelta(days=self.days[kind] or 0)

    def _walk_due(self, kind: RetainedKind) -> Iterator[str]:
        end = self._end_of(kind)
        if kind is RetainedKind.ACCOUNTS:
            return (item.id for item in self._walk_unused(end) if _is_warned(item))
        kept = {account.id for account in self.uses.list_kept()}
        if kind is RetainedKind.MESSAGES:
            ended = self.messages.walk_ended(before=end)
            return (
                item.id
                for item in ended
                if item.owner not in kept and not self._keeps_record(item.owner, item.lesion)
            )
        return (
            spot
            for batch in batched(self.lesions.walk_unchanged(before=end), AT_ONCE)
            for spot in self._select(kind, dict(batch), kept)
        )

    def _select(
        self, kind: RetainedKind, spots: Mapping[str, str], kept: Iterable[str] = ()
    ) -> list[str]:
        """Select spots that wait for nothing. For photos, only spots that have some."""
        waiting = {row.lesion for row in self.waiting.list_of("lesion", spots)}
        resting = spots.keys() - waiting
        if kind is RetainedKind.PHOTOS:
            resting &= self.findings.records.spots_with_photos(resting)
        return [
            spot
            for spot in sorted(resting)
            if spots[spot] not in kept and not self._keeps_record(spots[spot], spot)
        ]

    def _keeps_record(self, owner: str, spot: str | None) -> bool:
        """A damaged record is kept."""
        if not self.records.years:
            return False
        for record in self.failed.each(WORK, [owner], self.records.find_record):
            return record is not None and spot in record.spots
        return True

    def _delete(self, kind: RetainedKind, identifier: str) -> bool:
        if kind is RetainedKind.MESSAGES:
            return self._delete_message(identifier)
        if kind is RetainedKind.ACCOUNTS:
            return self._close_account(identifier)
        return self._delete_of_spot(kind, identifier)

    @atomic
    def _delete_of_spot(self, unit: Unit, kind: RetainedKind, spot: str) -> bool:
        found = dict(self.lesions.walk_unchanged(before=self._end_of(kind), lesion=spot))
        if not found or not self._may_delete(found[spot]) or not self._select(kind, found):
            return False
        if kind is RetainedKind.PHOTOS:
            for finding in self.findings.records.list_with_errors(spot):
                if finding.photo_blob:
                    unit.record(_row("retention.photo", finding.id, finding.owner))
                    self.findings.remove_photos(unit, finding)
        else:
            unit.record(_row("retention.spot", spot, found[spot]))
            self.findings.expire_spot(unit, spot, found[spot])
        return True

    @atomic
    def _delete_message(self, unit: Unit, message: str) -> bool:
        found: Message = self.messages.get(message)
        if not self._may_delete(found.owner) or not self.messages.remove(message):
            return False
        unit.record(_row("retention.message", message, found.owner))
        return True

    def _may_delete(self, owner: str) -> bool:
        """Conflict with an admin who keeps the account at the same time."""
        return not self.accounts.lock(owner).keep

    def _walk_unused(self, before: datetime) -> Iterator[Unused]:
        for batch in batched(self.uses.walk_unused(before=before), AT_ONCE):
            waiting = self.waiting.list_of("owner", (account.id for account in batch))
            owners = {row.owner for row in waiting}
            yield from (account for account in batch if account.id not in owners)

    def _warn_all(self) -> None:
        soon = self._end_of(RetainedKind.ACCOUNTS) + WARNED_BEFORE
        untold = (it.id for it in self._walk_unused(soon) if it.warned_at is None)
        self.failed.do_each(WORK, untold, partial(self._warn, before=soon))

    @atomic
    def _warn(self, unit: Unit, account_id: str, *, before: datetime) -> None:
        account = self.accounts.lock(account_id)
        if self._is_unused(account, before):
            unit.record(_row("retention.warn", account_id, account_id))
            self.uses.set_warned(account_id, at=now())
            if account.can_log_in:
                self.outbox.add(Kind.ACCOUNT_UNUSED, to=account_id, about="account")

    @atomic
    def _close_account(self, unit: Unit, account_id: str) -> bool:
        account = self.accounts.lock(account_id)
        goes = _is_warned(account) and self._is_unused(account, self._end_of(RetainedKind.ACCOUNTS))
        if goes:
            self.closing.close(unit, account, by=SYSTEM, action="retention.account")
        return goes

    def _is_unused(self, account: Account, before: datetime) -> bool:
        unused = account.seen_at is not None and account.seen_at < before
        patient = account.role == "user" and account.status in ("approved", "suspended")
        if account.keep or not (unused and patient):
            return False
        return not self.waiting.list_of("owner", [account.id])


def _is_warned(account: Account | Unused) -> bool:
    return account.warned_at is not None and account.warned_at + WARNED_BEFORE <= now()


def _row(action: str, target: str, owner: str) -> AuditRow:
    return AuditRow(action, by=SYSTEM, target=target, owner=owner)
