"""The kinds of data that go after their time: what is selected, and how it is deleted.

What a preview counts and what a pass deletes are the same selection. A pass looks at each again in
the transaction that deletes it: something may have happened meanwhile.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import ClassVar, Protocol, TypeVar

from skinapi.accounts.auth.account_deletion import Eraser
from skinapi.accounts.auth.accounts import Account, Accounts
from skinapi.accounts.auth.owners import AccountUses, Unused
from skinapi.base.errors import NotFound
from skinapi.base.pages import batched
from skinapi.care.message_records import Message, Messages
from skinapi.findings.records.list_keys import resting_since
from skinapi.findings.records.record_retention import FINDINGS, PHOTOS, Resting, Rests
from skinapi.findings.records.service import RecordsService
from skinapi.findings.records.submission import Submission
from skinapi.platform.notices.outbox import Kind as Notice
from skinapi.platform.notices.outbox import Outbox
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic

SYSTEM = "system"
WORK = "retention"
# One transaction.
AT_ONCE = 20
WARNED_BEFORE = timedelta(days=30)
LAST_TIME = datetime.max.replace(tzinfo=UTC)
T = TypeVar("T")


class Kind(StrEnum):
    PHOTOS = "photos"
    FINDINGS = "findings"
    MESSAGES = "messages"
    ACCOUNTS = "accounts"


@dataclass(frozen=True, slots=True)
class Term:
    """How many days a kind is kept, and the earliest time at which anything of it goes."""

    days: int
    earliest: datetime

    @property
    def kept(self) -> timedelta:
        return timedelta(days=self.days)

    @property
    def before(self) -> datetime:
        """What counts from before this time goes at the earliest time."""
        return self.earliest - self.kept


@dataclass(frozen=True, slots=True)
class Spare:
    """Of whom nothing goes: who is `held`, and until when a doctor must keep the record of a person
    by law (`record_end`); asked once for each.
    """

    held: frozenset[str] = frozenset()
    record_end: Callable[[str], datetime | None] | None = None
    _known: dict[str, datetime | None] = field(default_factory=dict)

    def until(self, owner: str) -> datetime | None:
        if self.record_end is None:
            return None
        if owner not in self._known:
            self._known[owner] = self.record_end(owner)
        return self._known[owner]

    def spares(self, owner: str, at: datetime) -> bool:
        end = self.until(owner)
        return owner in self.held or (end is not None and end > at)


# Called in the transaction with how many of each person go.
Note = Callable[[Counter[str]], None]


class Retained(Protocol):
    """A kind of data. `spare`: of whom nothing goes."""

    def count(self, term: Term, *, first: datetime, end: datetime, spare: Spare) -> Counter[str]:
        """How many go from `first` to before `end`, of each person."""

    def find_first(self, term: Term, *, spare: Spare) -> datetime | None:
        """When the first goes; None where there is none."""

    def prepare(self, term: Term, *, spare: Spare) -> None:
        """What is to be done at `term.earliest` before something goes."""

    def remove(self, term: Term, *, spare: Spare, note: Note) -> Iterator[int]:
        """Delete what goes at `term.earliest`, a transaction with each step."""


class _Counted:
    """A kind of which each counts from a time of its own, and goes a number of days after it."""

    def count(self, term: Term, *, first: datetime, end: datetime, spare: Spare) -> Counter[str]:
        if end <= term.earliest:
            return Counter()
        if spare.record_end and first > term.earliest:
            # Some are due before, and go when the record of their person ends.
            return self._gone(term, None, end, spare) - self._gone(term, None, first, spare)
        since = None if first <= term.earliest else first - term.kept
        return self._gone(term, since, end, spare)

    def _gone(
        self, term: Term, since: datetime | None, end: datetime, spare: Spare
    ) -> Counter[str]:
        counted = self._count(since=since, before=end - term.kept)
        return Counter({who: n for who, n in counted.items() if not spare.spares(who, end)})

    def prepare(self, term: Term, *, spare: Spare) -> None:
        """Nothing."""

    def _count(self, *, since: datetime | None, before: datetime) -> Counter[str]:
        raise NotImplementedError


def _first_of(
    found: Iterator[tuple[str, datetime | None]],
    term: Term,
    spare: Spare,
    first: datetime | None,
) -> datetime | None:
    """When the first of these goes, the longest kept first; or `first`, where that is sooner."""
    for owner, since in found:
        if since is None or owner in spare.held:
            continue
        due = max(since + term.kept, term.earliest)
        if first and due >= first:
            break
        goes = max(due, spare.until(owner) or due)
        first = min(first or goes, goes)
    return first


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainedFindings(_Counted):
    """Findings with all that is stored about them."""

    work: UnitOfWork
    records: RecordsService
    resting: Resting
    accounts: Accounts
    failed: FailedItems
    groups: ClassVar[Sequence[str]] = FINDINGS

    def _count(self, *, since: datetime | None, before: datetime) -> Counter[str]:
        return self.resting.count(self.groups, since=since, before=before)

    def find_first(self, term: Term, *, spare: Spare) -> datetime | None:
        first: datetime | None = None
        for walked in self.resting.walk_each(self.groups, before=LAST_TIME):
            found = ((one.owner, resting_since(one.key)) for one in walked)
            first = _first_of(found, term, spare, first)
        return first

    def remove(self, term: Term, *, spare: Spare, note: Note) -> Iterator[int]:
        found = (
            one
            for one in self.resting.walk(self.groups, before=term.before)
            if not spare.spares(one.owner, term.earliest)
        )
        for batch in batched(found, AT_ONCE):
            pairs = [(one.id, one) for one in batch]
            remove = partial(self._remove, term=term, spare=spare, note=note)
            yield from self.failed.together(WORK, pairs, remove)

    @atomic
    def _remove(
        self, unit: Unit, batch: Sequence[Rests], *, term: Term, spare: Spare, note: Note
    ) -> int:
        removed, spared = Counter[str](), _Spared(self.accounts, spare)
        for one in batch:
            submission = self.records.find(one.id)
            if submission is None or spared(one.owner):
                continue
            if self.resting.is_selected(submission, self.groups, before=term.before):
                self._remove_one(unit, submission)
                removed[one.owner] += 1
        note(removed)
        return removed.total()

    def _remove_one(self, unit: Unit, submission: Submission) -> None:
        unit.record(_row("retention.finding", submission.id, submission.owner))
        self.records.remove_one(unit, submission)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainedPhotos(RetainedFindings):
    """The photos of findings, which stay."""

    groups: ClassVar[Sequence[str]] = PHOTOS

    def _remove_one(self, unit: Unit, submission: Submission) -> None:
        unit.record(_row("retention.photo", submission.id, submission.owner))
        self.records.remove_photos(unit, submission)


class _Spared:
    """Whether an account is one of which nothing goes, as it is in the transaction under way: the
    account is written, so that who holds it at the same time conflicts.
    """

    def __init__(self, accounts: Accounts, spare: Spare) -> None:
        self._accounts, self._record_end = accounts, spare.record_end
        self._known = dict[str, bool]()

    def __call__(self, owner: str) -> bool:
        if owner not in self._known:
            self._known[owner] = True
            with suppress(NotFound):
                account = self._accounts.hold(owner)
                end = self._record_end(owner) if self._record_end else None
                self._known[owner] = (
                    bool(account.held_at)
                    or account.status == "deleting"
                    or (end is not None and end > now())
                )
        return self._known[owner]


def _row(action: str, target: str, owner: str) -> AuditRow:
    return AuditRow(action, by=SYSTEM, target=target, owner=owner)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainedMessages(_Counted):
    """Messages that were read, of patients those that were answered or marked as done."""

    work: UnitOfWork
    messages: Messages
    accounts: Accounts
    failed: FailedItems

    def _count(self, *, since: datetime | None, before: datetime) -> Counter[str]:
        return self.messages.count_ended(since=since, before=before)

    def find_first(self, term: Term, *, spare: Spare) -> datetime | None:
        walked = self.messages.walk_ended(before=now())
        return _first_of(((one.owner, one.read_at) for one in walked), term, spare, None)

    def remove(self, term: Term, *, spare: Spare, note: Note) -> Iterator[int]:
        walked = self.messages.walk_ended(before=term.before)
        found = (one for one in walked if not spare.spares(one.owner, term.earliest))
        for batch in batched(found, AT_ONCE):
            pairs = [(one.id, one) for one in batch]
            remove = partial(self._remove, spare=spare, note=note)
            yield from self.failed.together(WORK, pairs, remove)

    @atomic
    def _remove(self, unit: Unit, batch: Sequence[Message], *, spare: Spare, note: Note) -> int:
        removed, spared = Counter[str](), _Spared(self.accounts, spare)
        for one in batch:
            if not spared(one.owner) and self.messages.remove(one.id):
                unit.record(_row("retention.message", one.id, one.owner))
                removed[one.owner] += 1
        note(removed)
        return removed.total()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainedAccounts:
    """Patients' accounts that nobody uses, and of which no finding waits for somebody. Each goes no
    sooner than its owner was told.
    """

    work: UnitOfWork
    accounts: Accounts
    uses: AccountUses
    resting: Resting
    eraser: Eraser
    outbox: Outbox
    failed: FailedItems

    def count(self, term: Term, *, first: datetime, end: datetime, spare: Spare) -> Counter[str]:
        unused = self._walk(before=end - term.kept, spare=spare)
        return Counter(one.id for one in unused if first <= _account_goes(one, term) < end)

    def find_first(self, term: Term, *, spare: Spare) -> datetime | None:
        first: datetime | None = None
        for one in self._walk(before=now(), spare=spare):
            goes = _account_goes(one, term)
            first = min(first or goes, goes)
            if one.seen_at + term.kept >= first:  # those behind were used later
                break
        return first

    def prepare(self, term: Term, *, spare: Spare) -> None:
        """Tell the owners of those that go in WARNED_BEFORE."""
        soon = term.before + WARNED_BEFORE
        untold = (
            (one.id, one.id)
            for one in self._walk(before=soon, spare=spare)
            if one.warned_at is None or one.warned_at > term.earliest
        )
        for _ in self.failed.each(WORK, untold, partial(self._warn, term=term)):
            pass

    @atomic
    def _warn(self, unit: Unit, account_id: str, *, term: Term) -> None:
        account = self.accounts.hold(account_id)
        if self._is_unused(account, before=term.before + WARNED_BEFORE):
            unit.record(_row("retention.warn", account_id, account_id))
            self.uses.set_warned(account_id, at=term.earliest)
            if account.can_log_in:
                self.outbox.add(Notice.ACCOUNT_UNUSED, to=account_id, about="account")

    def remove(self, term: Term, *, spare: Spare, note: Note) -> Iterator[int]:
        due = (
            (one.id, one.id)
            for one in self._walk(before=term.before, spare=spare)
            if _account_goes(one, term) <= term.earliest
        )
        yield from self.failed.each(WORK, due, partial(self._remove, term=term, note=note))

    def _remove(self, account_id: str, *, term: Term, note: Note) -> int:
        begun = self._begin(account_id, term, note)
        if begun:
            self.eraser.finish(account_id)
        return int(begun)

    @atomic
    def _begin(self, unit: Unit, account_id: str, term: Term, note: Note) -> bool:
        account = self.accounts.hold(account_id)
        told = account.warned_at is not None and account.warned_at + WARNED_BEFORE <= term.earliest
        goes = told and self._is_unused(account, before=term.before)
        if goes:
            self.eraser.begin(unit, account, by=SYSTEM, action="retention.account")
            note(Counter([account_id]))
        return goes

    def _is_unused(self, account: Account, *, before: datetime) -> bool:
        unused = account.seen_at is not None and account.seen_at < before
        patient = account.role == "user" and account.status in ("approved", "suspended")
        if account.held_at or account.is_record or not (unused and patient):
            return False
        return not self.resting.owners_that_wait([account.id])

    def _walk(self, *, before: datetime, spare: Spare) -> Iterator[Unused]:
        for batch in batched(self.uses.walk_unused(before=before), 100):
            waiting = self.resting.owners_that_wait([one.id for one in batch])
            yield from (one for one in batch if one.id not in waiting and one.id not in spare.held)


def _account_goes(one: Unused, term: Term) -> datetime:
    told_at = one.warned_at or max(term.earliest, one.seen_at + term.kept - WARNED_BEFORE)
    return max(one.seen_at + term.kept, told_at + WARNED_BEFORE, term.earliest)
