"""The kinds of data that are deleted by age: what is selected, and how it is deleted.

A sweep checks each item again in the transaction that deletes it: something may have happened
meanwhile.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.account_deletion import Eraser
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.owners import AccountUses, Unused
from skinapi.base.container import Container
from skinapi.base.pages import batched
from skinapi.base.settings.privacy import RetainedKind
from skinapi.care.message_records import Message, Messages
from skinapi.findings.records.record_retention import (
    PAGE_SIZE,
    UntouchedFinding,
    UntouchedFindings,
)
from skinapi.findings.records.service import FindingsService
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.records.waiting_spots import WaitingSpot, WaitingSpots
from skinapi.platform.notices.outbox import Kind as Notice
from skinapi.platform.notices.outbox import Outbox
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic
from skinapi.privacy.retention.exemption import RetentionExemption, SparedOwners

SYSTEM = "system"
WORK = "retention"
# One transaction.
AT_ONCE = 20
WARNED_BEFORE = timedelta(days=30)
Item = TypeVar("Item", UntouchedFinding, Message)


@dataclass(frozen=True, slots=True)
class Term:
    """How long a kind is kept, and the time of the sweep."""

    days: int
    at: datetime

    @property
    def kept(self) -> timedelta:
        return timedelta(days=self.days)

    @property
    def before(self) -> datetime:
        """An item with a time before this one is due."""
        return self.at - self.kept


class RetentionKind:
    """A kind of data. `spare` says whose data is exempt."""

    def walk_due(self, term: Term, *, spare: RetentionExemption) -> Iterator[Any]:
        """Yield what a sweep deletes."""
        raise NotImplementedError

    def prepare(self, term: Term, *, spare: RetentionExemption) -> None:
        """Do what must be done before something is deleted."""

    def remove(self, term: Term, *, spare: RetentionExemption) -> Iterator[int]:
        """Delete what is due, a transaction with each step."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainedItems(RetentionKind, Generic[Item]):
    """A kind of which each item has a time of its own, and goes a number of days after it."""

    work: UnitOfWork
    accounts: Accounts
    failed: FailedItems

    def _walk(self, before: datetime) -> Iterator[Item]:
        raise NotImplementedError

    def _remove_one(self, unit: Unit, item: Item, before: datetime, /) -> bool:
        """Delete it, unless something has happened to it meanwhile."""
        raise NotImplementedError

    def walk_due(self, term: Term, *, spare: RetentionExemption) -> Iterator[Item]:
        walked = self._walk(term.before)
        return (item for item in walked if not spare.spares(item.owner, term.at))

    def remove(self, term: Term, *, spare: RetentionExemption) -> Iterator[int]:
        remove = partial(self._remove, before=term.before, spare=spare)
        for batch in batched(self.walk_due(term, spare=spare), AT_ONCE):
            yield from self.failed.together(WORK, batch, remove)

    @atomic
    def _remove(
        self, unit: Unit, batch: Sequence[Item], *, before: datetime, spare: RetentionExemption
    ) -> int:
        spared = SparedOwners(self.accounts, spare)
        return sum(
            not spared(item.owner) and self._remove_one(unit, item, before) for item in batch
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainedFindings(RetainedItems[UntouchedFinding]):
    """Findings with all that is stored about them, unless their spot waits for something."""

    findings: FindingsService
    untouched: UntouchedFindings
    waiting: WaitingSpots
    with_photo: ClassVar[bool] = False

    def _walk(self, before: datetime) -> Iterator[UntouchedFinding]:
        walked = self.untouched.walk(before=before, with_photo=self.with_photo)
        for batch in batched(walked, PAGE_SIZE):
            stay = self._list_exempt({item.lesion for item in batch})
            yield from (item for item in batch if item.lesion not in stay)

    def _list_exempt(self, lesions: Collection[str]) -> set[str | None]:
        return {row.lesion for row in self.waiting.list_of("lesion", lesions) if self._keeps(row)}

    def _keeps(self, _: WaitingSpot, /) -> bool:
        """Whether nothing of a spot goes that waits for this."""
        return True

    def _remove_one(self, unit: Unit, item: UntouchedFinding, before: datetime, /) -> bool:
        finding = self.findings.records.find(item.id)
        if finding is None or (self.with_photo and not finding.photo_blob):
            return False
        untouched = self.untouched.is_untouched(finding.lesion, before=before)
        if not untouched or self._list_exempt([finding.lesion]):
            return False
        self._remove_finding(unit, finding)
        return True

    def _remove_finding(self, unit: Unit, finding: StoredFinding) -> None:
        unit.record(_row("retention.finding", finding.id, finding.owner))
        self.findings.remove_one(unit, finding)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainedPhotos(RetainedFindings):
    """The photos of findings, which stay, unless a doctor has to act."""

    with_photo: ClassVar[bool] = True

    def _keeps(self, row: WaitingSpot, /) -> bool:
        return row.needs_doctor

    def _remove_finding(self, unit: Unit, finding: StoredFinding) -> None:
        unit.record(_row("retention.photo", finding.id, finding.owner))
        self.findings.remove_photos(unit, finding)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainedMessages(RetainedItems[Message]):
    """Messages that were read, of patients those that were answered or marked as done."""

    messages: Messages

    def _walk(self, before: datetime) -> Iterator[Message]:
        return self.messages.walk_ended(before=before)

    def _remove_one(self, unit: Unit, item: Message, _: datetime, /) -> bool:
        removed = self.messages.remove(item.id)
        if removed:
            unit.record(_row("retention.message", item.id, item.owner))
        return removed


def _row(action: str, target: str, owner: str) -> AuditRow:
    return AuditRow(action, by=SYSTEM, target=target, owner=owner)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainedAccounts(RetentionKind):
    """Patients' accounts that nobody uses, and for which no doctor has to act. Each goes no sooner
    than its owner was told.
    """

    work: UnitOfWork
    accounts: Accounts
    uses: AccountUses
    waiting: WaitingSpots
    eraser: Eraser
    outbox: Outbox
    failed: FailedItems

    def walk_due(self, term: Term, *, spare: RetentionExemption) -> Iterator[str]:
        walked = self._walk(before=term.before, spare=spare)
        return (account.id for account in walked if _is_warned(account, term))

    def prepare(self, term: Term, *, spare: RetentionExemption) -> None:
        """Tell the owners of those that go in WARNED_BEFORE."""
        soon = term.before + WARNED_BEFORE
        untold = (
            account.id
            for account in self._walk(before=soon, spare=spare)
            if account.warned_at is None or account.warned_at > term.at
        )
        self.failed.do_each(WORK, untold, partial(self._warn, term=term))

    @atomic
    def _warn(self, unit: Unit, account_id: str, *, term: Term) -> None:
        account = self.accounts.lock(account_id)
        if self._is_unused(account, before=term.before + WARNED_BEFORE):
            unit.record(_row("retention.warn", account_id, account_id))
            self.uses.set_warned(account_id, at=term.at)
            if account.can_log_in:
                self.outbox.add(Notice.ACCOUNT_UNUSED, to=account_id, about="account")

    def remove(self, term: Term, *, spare: RetentionExemption) -> Iterator[int]:
        due = self.walk_due(term, spare=spare)
        yield from self.failed.each(WORK, due, partial(self._remove, term=term))

    def _remove(self, account_id: str, *, term: Term) -> int:
        begun = self._begin(account_id, term)
        if begun:
            self.eraser.finish(account_id)
        return int(begun)

    @atomic
    def _begin(self, unit: Unit, account_id: str, term: Term) -> bool:
        account = self.accounts.lock(account_id)
        goes = _is_warned(account, term) and self._is_unused(account, before=term.before)
        if goes:
            self.eraser.begin(unit, account, by=SYSTEM, action="retention.account")
        return goes

    def _is_unused(self, account: Account, *, before: datetime) -> bool:
        unused = account.seen_at is not None and account.seen_at < before
        patient = account.role == "user" and account.status in ("approved", "suspended")
        if account.keep or account.is_record or not (unused and patient):
            return False
        return not self._list_exempt([account.id])

    def _list_exempt(self, accounts: Iterable[str]) -> set[str]:
        return {row.owner for row in self.waiting.list_of("owner", accounts) if row.needs_doctor}

    def _walk(self, *, before: datetime, spare: RetentionExemption) -> Iterator[Unused]:
        for batch in batched(self.uses.walk_unused(before=before), 100):
            stay = spare.kept | self._list_exempt(account.id for account in batch)
            yield from (account for account in batch if account.id not in stay)


def _is_warned(account: Account | Unused, term: Term) -> bool:
    return account.warned_at is not None and account.warned_at + WARNED_BEFORE <= term.at


KINDS: Mapping[RetainedKind, type[RetentionKind]] = {
    RetainedKind.PHOTOS: RetainedPhotos,
    RetainedKind.FINDINGS: RetainedFindings,
    RetainedKind.MESSAGES: RetainedMessages,
    RetainedKind.ACCOUNTS: RetainedAccounts,
}


def open_kinds(container: Container) -> Mapping[RetainedKind, RetentionKind]:
    return {name: container.get(kind) for name, kind in KINDS.items()}
