"""Retention by age: how long each kind of data is kept, and the sweeps that delete what is due.

A kind is deleted from ANNOUNCED after a sweep has seen its setting for the first time, or a smaller
number of days.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from pydantic import Field

from skinapi.accounts.auth.erasure_guard import ErasureGuard
from skinapi.accounts.auth.owners import AccountUses, KeptAccount
from skinapi.base.logs import log
from skinapi.base.settings.privacy import RetainedKind
from skinapi.base.stored_record import StoredRecord
from skinapi.base.values import Value
from skinapi.findings.records.record_retention import RecordRetention
from skinapi.platform.storage.background import Lease, Stopping
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Store
from skinapi.platform.storage.unit_of_work import UnitOfWork
from skinapi.privacy.retention.exemption import RetentionExemption
from skinapi.privacy.retention.kinds import WORK, RetentionKind, Term

ANNOUNCED = timedelta(days=7)


class Announced(StoredRecord):
    """How many days the kind with the name `id` is kept, and from when that acts."""

    id: str
    days: int
    acts_from_at: datetime


class RetentionPlan:
    def __init__(self, store: Store) -> None:
        self._plan = store.collection("retention")

    def acts_from(self, kind: str, days: int) -> datetime:
        """Tell from when a kind acts, if a pass finds so many days now."""
        document = self._plan.get(kind)
        known = Announced.model_validate(document) if document else None
        if known is None or days < known.days:
            return now() + ANNOUNCED
        return known.acts_from_at

    def note_pass(self, kind: str, days: int) -> tuple[datetime, bool]:
        """Return from when the kind acts, and whether it was not known before."""
        acts_from, new = self.acts_from(kind, days), self._plan.get(kind) is None
        fields: Document = {"days": days, "acts_from_at": acts_from}
        ops = {"$set": {**fields, "schema": 1, **({"created_at": now()} if new else {})}}
        self._plan.update({"id": kind}, ops, upsert=True)
        return acts_from, new

    def forget_kind(self, kind: str) -> None:
        """Forget one that is not set any more: where it is again, it is announced anew."""
        if self._plan.get(kind):
            self._plan.delete({"id": kind})


# Of each kind: so a mistake can be stopped before all is gone.
MOST_A_PASS = 1000
LEASE_LENGTH = timedelta(minutes=5)
LAST_TIME = datetime.max.replace(tzinfo=UTC)


class RetainedKindView(Value):
    kind: RetainedKind
    setting: str
    days: int | None = Field(description="null: kept until somebody deletes it")
    acts_from: datetime | None = Field(description="nothing is deleted before")


class RetentionView(Value):
    kinds: list[RetainedKindView]
    kept: list[KeptAccount] = Field(description="accounts that an admin keeps")


@dataclass(frozen=True, slots=True)
class DueItems:
    """What a sweep would delete now of a kind; a sweep before `acts_from` deletes nothing."""

    setting: str
    days: int
    count: int
    acts_from: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionService:
    """`days`: how long each kind is kept; None: for ever."""

    work: UnitOfWork
    store: Store
    guard: ErasureGuard
    failed: FailedItems
    plan: RetentionPlan
    kinds: Mapping[RetainedKind, RetentionKind]
    days: Mapping[RetainedKind, int | None]
    uses: AccountUses
    records: RecordRetention
    stopping: Stopping

    def get_overview(self) -> RetentionView:
        return RetentionView(
            kinds=[
                RetainedKindView(
                    kind=kind,
                    setting=kind.setting,
                    days=days,
                    acts_from=None if days is None else self.plan.acts_from(kind, days),
                )
                for kind, days in self.days.items()
            ],
            kept=self.uses.list_kept(),
        )

    def list_due(self) -> list[DueItems]:
        """Count what a sweep would delete now, for each kind with a setting."""
        moment, spare = now(), self._spare()
        return [
            DueItems(
                kind.setting,
                days,
                sum(1 for _ in self.kinds[kind].walk_due(Term(days, moment), spare=spare)),
                self.plan.acts_from(kind, days),
            )
            for kind, days in self.days.items()
            if days is not None
        ]

    def _spare(self) -> RetentionExemption:
        ends = self._find_record_end if self.records.years else None
        return RetentionExemption(frozenset(it.id for it in self.uses.list_kept()), ends)

    def _find_record_end(self, owner: str) -> datetime | None:
        """Find until when the law keeps a record: one that cannot be read, for ever."""
        for record in self.failed.each(WORK, [owner], self.records.find_signed):
            return record.until_at if record else None
        return LAST_TIME

    def run_once(self) -> None:
        """Delete what is due, in small transactions: an interruption leaves nothing half done, and
        the next pass goes on. One process at a time makes one.
        """
        lease = Lease(self.store.collection("leases"), "retention", length=LEASE_LENGTH)
        if lease.claim() is None:
            return
        try:
            passed = partial(self._pass_kind, lease)
            all(self.failed.each(WORK, RetainedKind, passed))  # up to the first that does not end
        finally:
            lease.release()

    def _pass_kind(self, lease: Lease, kind: RetainedKind) -> bool:
        """Return False where another process has taken over, or this one ends."""
        days = self.days[kind]
        if days is None:
            self.plan.forget_kind(kind)
            return True
        acts_from, new = self.plan.note_pass(kind, days)
        of_accounts = kind is RetainedKind.ACCOUNTS
        if of_accounts:
            self.uses.begin() if new else self.uses.begin_for_new()
        term = Term(days, now())
        if term.at < acts_from:
            return True
        spare = self._spare()
        retained, removed = self.kinds[kind], 0
        retained.prepare(term, spare=spare)
        if of_accounts and not self._admits(retained.walk_due(term, spare=spare)):
            return True
        for number in retained.remove(term, spare=spare):
            removed += number
            if self.stopping.is_set() or not lease.renew():
                return False
            if removed >= MOST_A_PASS:
                break
        if removed:
            log.info("retention", kind=kind.value, removed=removed)
        return True

    def _admits(self, due: Iterator[object]) -> bool:
        return self.guard.admits("unused accounts", sum(1 for _ in due))
