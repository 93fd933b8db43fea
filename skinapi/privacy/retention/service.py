"""Retention by kind of data: what goes when, the passes in which it goes, and who stops them.

A kind acts ANNOUNCED after a pass has seen its setting for the first time, or a smaller number of
days: so long an admin can read what would go. The same where the clock jumped (see `ClockWatch`).
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from pydantic import Field

from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.email_addresses import normalise_email
from skinapi.accounts.auth.owners import MOST_HELD, AccountUses
from skinapi.base.errors import Conflict, NotFound
from skinapi.base.field_types import ID
from skinapi.base.logs import log
from skinapi.base.settings.privacy import RetainedKind
from skinapi.base.stored_record import StoredRecord
from skinapi.base.values import Value
from skinapi.findings.records.record_retention import RecordRetention
from skinapi.platform.storage.background import Lease, Stopping
from skinapi.platform.storage.clock_watch import ClockWatch, Time
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document, Documents, Store
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic
from skinapi.platform.storage.unreadable import read_each
from skinapi.privacy.retention.exemption import RetentionExemption
from skinapi.privacy.retention.kinds import LAST_TIME, WORK, RetentionKind, Term

ANNOUNCED = timedelta(days=7)
RUNS_KEPT = timedelta(days=400)
MOST_RUNS = 50
PAUSE = "pause"


class Announced(StoredRecord):
    """How many days the kind with the name `id` is kept, and from when that acts."""

    id: str
    days: int
    acts_from_at: datetime


class Pause(StoredRecord):
    """Nothing goes while it is there. `by` is an account."""

    id: str
    created_at: datetime
    by: str
    reason: str


class Run(StoredRecord):
    """A pass in which something of a kind went."""

    id: str
    created_at: datetime
    kind: str
    items: int
    persons: int
    expires_at: datetime


class RetentionPlan:
    def __init__(self, store: Store) -> None:
        self._plan = store.collection("retention")
        self._pauses = store.collection("retention_pause")
        self._runs = store.collection("retention_runs")
        self._runs.expire_by("expires_at")

    def acts_from(self, kind: str, days: int, time: Time) -> datetime:
        """Tell from when a kind acts, if a pass at this time finds so many days."""
        document = self._plan.get(kind)
        known = Announced.model_validate(document) if document else None
        if known is None or days < known.days:
            return time.shown + ANNOUNCED
        earliest = min(known.acts_from_at, time.shown + ANNOUNCED)
        return max(earliest, time.doubted_since + ANNOUNCED) if time.doubted_since else earliest

    def note_pass(self, kind: str, days: int, time: Time) -> tuple[datetime, bool]:
        """Return from when the kind acts, and whether it was not known before."""
        moment = time.shown
        acts_from, new = self.acts_from(kind, days, time), self._plan.get(kind) is None
        fields: Document = {"days": days, "acts_from_at": acts_from}
        ops = {"$set": {**fields, "schema": 1, **({"created_at": moment} if new else {})}}
        self._plan.update({"id": kind}, ops, upsert=True)
        return acts_from, new

    def forget_kind(self, kind: str) -> None:
        """Forget one that is not set any more: where it is again, it is announced anew."""
        if self._plan.get(kind):
            self._plan.delete({"id": kind})

    def find_pause(self) -> Pause | None:
        document = self._pauses.get(PAUSE)
        return Pause.model_validate(document) if document else None

    def pause(self, *, by: str, reason: str) -> None:
        made: Document = {"created_at": now(), "by": by, "reason": reason, "schema": 1}
        self._pauses.update({"id": PAUSE}, {"$set": made}, upsert=True)

    def resume(self) -> None:
        self._pauses.delete({"id": PAUSE})

    def open_run(self, kind: str) -> "OpenRun":
        return OpenRun(self._runs, kind)

    def list_runs(self) -> list[Run]:
        found = self._runs.find(sort="-id", limit=MOST_RUNS)
        return [*read_each("retention_runs", found, Run.model_validate)]


class OpenRun:
    """Counts what goes in one pass, and of how many persons."""

    def __init__(self, runs: Documents, kind: str) -> None:
        self._runs, self._kind, self._id = runs, kind, new_id()
        self._known, self._noted = set[str](), set[str]()

    def note(self, removed: Counter[str]) -> None:
        """Count what a transaction deletes, in it: it may run again until `settle` is called."""
        if not removed:
            return
        self._noted = set(removed)
        moment = now()
        facts: Document = {"kind": self._kind, "created_at": moment, "schema": 1}
        numbers = {"items": removed.total(), "persons": len(self._noted - self._known)}
        ops = {"$set": {**facts, "expires_at": moment + RUNS_KEPT}, "$inc": numbers}
        self._runs.update({"id": self._id}, ops, upsert=True)

    def settle(self) -> None:
        self._known |= self._noted


# Of each kind: so a mistake can be stopped before all is gone.
MOST_A_PASS = 1000
LEASE_LENGTH = timedelta(minutes=5)
DAY, MONTH = timedelta(days=1), timedelta(days=30)
NO_PATIENT = "There is no such account"
TOO_MANY_HELD = f"At most {MOST_HELD} accounts can be held: a pause holds all"


class NotPatient(Conflict):
    code, sentence = "not_patient", "Only a patient's data goes by its time"


class ExpiringView(Value):
    at: datetime = Field(description="when the first of them goes")
    items: int
    persons: int


class RetainedKindView(Value):
    kind: RetainedKind
    setting: str
    days: int | None = Field(description="null: kept until somebody deletes it")
    acts_from: datetime | None = Field(description="nothing of it goes before")
    first: ExpiringView | None = Field(
        description="what goes on the first day on which something goes; null where nothing will"
    )
    month: ExpiringView | None = Field(description="what goes in 30 days, from that day on")


class FixedView(Value):
    kind: str
    days: int


class PauseView(Value):
    since: datetime = Field(validation_alias="created_at")
    by: str = Field(description="the admin's account id")
    reason: str


class HeldView(Value):
    account: str = Field(validation_alias="id")
    email: str
    since: datetime = Field(validation_alias="held_at")
    by: str = Field(validation_alias="held_by", description="the admin's account id")
    reason: str = Field(validation_alias="held_because")


class RunView(Value):
    at: datetime = Field(validation_alias="created_at")
    kind: RetainedKind
    items: int
    persons: int


class RetentionView(Value):
    kinds: list[RetainedKindView]
    fixed: list[FixedView] = Field(description="what goes after a time in any case")
    pause: PauseView | None
    held: list[HeldView] = Field(description="patients of whom nothing goes")
    runs: list[RunView] = Field(description="the last passes in which something went")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionService:
    """`days`: how long each kind is kept; None: for ever. `fixed`: what goes in any case."""

    work: UnitOfWork
    store: Store
    clock: ClockWatch
    failed: FailedItems
    plan: RetentionPlan
    kinds: Mapping[RetainedKind, RetentionKind]
    days: Mapping[RetainedKind, int | None]
    fixed: Mapping[str, int]
    accounts: Accounts
    uses: AccountUses
    records: RecordRetention
    stopping: Stopping

    def get_overview(self) -> RetentionView:
        spare, time, pause = self._spare(), self.clock.read(), self.plan.find_pause()
        return RetentionView(
            kinds=[self._plan(kind, self.days[kind], spare, time) for kind in RetainedKind],
            fixed=[FixedView(kind=kind, days=days) for kind, days in self.fixed.items()],
            pause=PauseView.model_validate(pause) if pause else None,
            held=[HeldView.model_validate(account) for account in self.uses.list_held()],
            runs=[RunView.model_validate(run) for run in self.plan.list_runs()],
        )

    def _spare(self) -> RetentionExemption:
        ends = self._find_record_end if self.records.years else None
        return RetentionExemption(frozenset(self.uses.list_held_ids()), ends)

    def _find_record_end(self, owner: str) -> datetime | None:
        """Find until when the law keeps a record: one that cannot be read, for ever."""
        for record in self.failed.each(WORK, [owner], self.records.find_signed):
            return record.until_at if record else None
        return LAST_TIME

    def preview(self, kind: RetainedKind, days: int) -> RetainedKindView:
        """Tell what would go when, if this kind were kept for so many days from now on."""
        return self._plan(kind, days, self._spare(), self.clock.read())

    def _plan(
        self, kind: RetainedKind, days: int | None, spare: RetentionExemption, time: Time
    ) -> RetainedKindView:
        acts_from, first, month = None, None, None
        if days is not None:
            acts_from, retained = self.plan.acts_from(kind, days, time), self.kinds[kind]
            term = Term(days, max(time.shown, acts_from))
            if at := retained.find_first(term, spare=spare):
                day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
                first, month = (
                    _going(at, retained.count(term, before=day + length, spare=spare))
                    for length in (DAY, MONTH)
                )
        return RetainedKindView(
            kind=kind,
            setting=kind.setting,
            days=days,
            acts_from=acts_from,
            first=first,
            month=month,
        )

    @atomic
    def pause(self, unit: Unit, *, reason: str, by: str) -> None:
        unit.audit("retention.pause", by=by, target="retention")
        self.plan.pause(by=by, reason=reason)

    @atomic
    def resume(self, unit: Unit, *, by: str) -> None:
        if self.plan.find_pause():
            unit.audit("retention.resume", by=by, target="retention")
            self.plan.resume()

    @atomic
    def hold(self, unit: Unit, *, named: str, reason: str, by: str) -> None:
        """Let nothing of this patient go by its time. What the patient deletes goes as before."""
        account = self._get_held(named)
        unit.audit("retention.hold", by=by, target=account.id, owner=account.id)
        if account.role != "user":
            raise NotPatient
        if account.held_at is None and len(self.uses.list_held()) >= MOST_HELD:
            raise Conflict(TOO_MANY_HELD)
        self.accounts.change(unit, account, held_at=now(), held_by=by, held_because=reason)

    @atomic
    def end_hold(self, unit: Unit, *, named: str, by: str) -> None:
        account = self._get_held(named)
        if account.held_at:
            unit.audit("retention.release", by=by, target=account.id, owner=account.id)
            self.accounts.change(unit, account, held_at=None, held_by=None, held_because=None)

    def _get_held(self, named: str) -> Account:
        with suppress(NotFound, ValueError):
            if ID.fullmatch(named):
                return self.accounts.lock(named)
            if found := self.accounts.find_by_email(normalise_email(named)):
                return self.accounts.lock(found.id)
        raise NotFound(NO_PATIENT)

    def run_once(self) -> None:
        """Delete what is due, in small transactions: an interruption leaves nothing half done, and
        the next pass goes on. One process at a time makes one.
        """
        lease = Lease(self.store.collection("leases"), "retention", length=LEASE_LENGTH)
        if lease.claim() is None:
            return
        try:
            passed = partial(self._pass_kind, self.clock.look(), lease)
            all(self.failed.each(WORK, RetainedKind, passed))  # up to the first that does not end
        finally:
            lease.release()

    def _pass_kind(self, time: Time, lease: Lease, kind: RetainedKind) -> bool:
        """Return False where another process has taken over, or this one ends."""
        days = self.days[kind]
        if days is None:
            self.plan.forget_kind(kind)
            return True
        acts_from, new = self.plan.note_pass(kind, days, time)
        if kind is RetainedKind.ACCOUNTS:
            self.uses.begin() if new else self.uses.begin_for_new()
        term = Term(days, time.shown)
        if term.earliest < acts_from or self.plan.find_pause():
            return True
        spare = self._spare()
        retained, run, removed = self.kinds[kind], self.plan.open_run(kind), 0
        retained.prepare(term, spare=spare)
        for number in retained.remove(term, spare=spare, note=run.note):
            run.settle()
            removed += number
            if self.stopping.is_set() or not lease.renew():
                return False
            if removed >= MOST_A_PASS or self.plan.find_pause():
                break
        if removed:
            log.info("retention", kind=kind.value, removed=removed)
        return True


def _going(at: datetime, counted: Counter[str]) -> ExpiringView:
    return ExpiringView(at=at, items=counted.total(), persons=len(counted))
