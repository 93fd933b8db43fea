"""Retention by kind of data: what goes when, the passes in which it goes, and who stops them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event
from typing import NamedTuple

from skinapi.accounts.auth.accounts import Account, Accounts
from skinapi.accounts.auth.emails import normalise_email
from skinapi.accounts.auth.owners import MOST_HELD, AccountUses
from skinapi.base.errors import Conflict, NotFound
from skinapi.base.field_types import ID
from skinapi.base.logs import log
from skinapi.findings.records.record_retention import RecordRetention
from skinapi.platform.storage.background import Lease, PeriodicThread
from skinapi.platform.storage.clock_watch import ClockWatch, Time
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic
from skinapi.privacy.retention.kinds import LAST_TIME, WORK, Kind, Retained, Spare, Term
from skinapi.privacy.retention.plan import Pause, RetentionPlan, Run

PASS_EVERY_S = 600.0
# Of each kind: so a mistake can be stopped before all is gone.
MOST_A_PASS = 1000
LEASE_LENGTH = timedelta(minutes=5)
# Whether an account will be used is known to nobody, and each is looked at.
MONTHS_AHEAD = {kind: 3 if kind is Kind.ACCOUNTS else 12 for kind in Kind}
NO_PATIENT = "There is no such account"
TOO_MANY_HELD = f"At most {MOST_HELD} accounts can be held: a pause holds all"


class NotPatient(Conflict):
    code, sentence = "not_patient", "Only a patient's data goes by its time"


@dataclass(frozen=True, slots=True)
class Going:
    """So many go, of so many persons, from `at` on."""

    at: datetime
    items: int
    persons: int

    @classmethod
    def of(cls, at: datetime, counted: Counter[str]) -> "Going":
        return cls(at, counted.total(), len(counted))


@dataclass(frozen=True, slots=True)
class KindPlan:
    """`first` is what goes on the first day on which something goes, `months` what goes in each of
    the next months. `acts_from`: nothing goes before. All None for a kind that is never deleted.
    """

    kind: Kind
    days: int | None
    acts_from: datetime | None = None
    first: Going | None = None
    months: tuple[Going, ...] = ()

    @property
    def setting(self) -> str:
        return f"RETAIN_{self.kind.upper()}_DAYS"


class Fixed(NamedTuple):
    """What goes after a time in any case; `setting` where that can be changed."""

    kind: str
    days: int
    setting: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    kinds: list[KindPlan]
    fixed: Sequence[Fixed]
    pause: Pause | None
    held: list[Account]
    runs: list[Run]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionService:
    """`days` says how long each kind is kept; None: for ever."""

    work: UnitOfWork
    store: Store
    clock: ClockWatch
    failed: FailedItems
    plan: RetentionPlan
    kinds: Mapping[Kind, Retained]
    days: Mapping[Kind, int | None]
    fixed: Sequence[Fixed]
    accounts: Accounts
    uses: AccountUses
    records: RecordRetention

    def get_overview(self) -> Overview:
        spare, time = self._spare(), self.clock.read()
        return Overview(
            [self._plan(kind, self.days[kind], spare, time) for kind in Kind],
            self.fixed,
            self.plan.find_pause(),
            self.uses.list_held(),
            self.plan.list_runs(),
        )

    def _spare(self) -> Spare:
        ends = self._find_record_end if self.records.years else None
        return Spare(frozenset(self.uses.list_held_ids()), ends)

    def _find_record_end(self, owner: str) -> datetime | None:
        """Of a person whose record cannot be read, nothing goes."""
        for record in self.failed.each(WORK, [(owner, owner)], self.records.find_signed):
            return record.until_at if record else None
        return LAST_TIME

    def preview(self, kind: Kind, days: int) -> KindPlan:
        """What would go when, if this kind were kept for so many days from now on."""
        return self._plan(kind, days, self._spare(), self.clock.read())

    def _plan(self, kind: Kind, days: int | None, spare: Spare, time: Time) -> KindPlan:
        if days is None:
            return KindPlan(kind, None)
        acts_from, moment = self.plan.acts_from(kind, days, time), time.shown
        term, retained = Term(days, max(moment, acts_from)), self.kinds[kind]
        return KindPlan(
            kind,
            days,
            acts_from,
            self._first(retained, term, spare),
            tuple(
                Going.of(first, retained.count(term, first=first, end=end, spare=spare))
                for first, end in _months(moment, MONTHS_AHEAD[kind])
            ),
        )

    def _first(self, retained: Retained, term: Term, spare: Spare) -> Going | None:
        at = retained.find_first(term, spare=spare)
        if at is None:
            return None
        end = _midnight(at) + timedelta(days=1)
        return Going.of(at, retained.count(term, first=_midnight(at), end=end, spare=spare))

    @atomic
    def pause(self, unit: Unit, *, reason: str, by: str) -> None:
        """Nothing goes by its time until it is resumed."""
        unit.audit("retention.pause", by=by, target="retention")
        self.plan.pause(by=by, reason=reason)

    @atomic
    def resume(self, unit: Unit, *, by: str) -> None:
        if self.plan.find_pause():
            unit.audit("retention.resume", by=by, target="retention")
            self.plan.resume()

    @atomic
    def hold(self, unit: Unit, *, named: str, reason: str, by: str) -> None:
        """Nothing of this patient goes by its time. What the patient deletes goes as before. Raises
        NotFound, Conflict.
        """
        account = self._get_held(named)
        unit.audit("retention.hold", by=by, target=account.id, owner=account.id)
        if account.role != "user":
            raise NotPatient
        if account.held_at is None and len(self.uses.list_held()) >= MOST_HELD:
            raise Conflict(TOO_MANY_HELD)
        self.accounts.change(unit, account, held_at=now(), held_by=by, held_because=reason)

    @atomic
    def end_hold(self, unit: Unit, *, named: str, by: str) -> None:
        """Raises NotFound."""
        account = self._get_held(named)
        if account.held_at:
            unit.audit("retention.release", by=by, target=account.id, owner=account.id)
            self.accounts.change(unit, account, held_at=None, held_by=None, held_because=None)

    def _get_held(self, named: str) -> Account:
        with suppress(NotFound, ValueError):
            if ID.fullmatch(named):
                return self.accounts.hold(named)
            if found := self.accounts.find_by_email(normalise_email(named)):
                return self.accounts.hold(found.id)
        raise NotFound(NO_PATIENT)

    def make_pass(self, stopping: Event) -> None:
        """Delete what is due, in small transactions: an interruption leaves nothing half done, and
        the next pass goes on. One process at a time makes one.
        """
        lease = Lease(self.store.collection("leases"), "retention", length=LEASE_LENGTH)
        if lease.claim() is None:
            return
        try:
            kinds = ((kind.value, kind) for kind in Kind)
            passed = partial(self._pass_kind, self.clock.look(), lease, stopping)
            all(self.failed.each(WORK, kinds, passed))  # up to the first that does not end
        finally:
            lease.release()

    def _pass_kind(self, time: Time, lease: Lease, stopping: Event, kind: Kind) -> bool:
        """False where another process has taken over, or this one ends."""
        days = self.days[kind]
        if days is None:
            self.plan.forget_kind(kind)
            return True
        acts_from, new = self.plan.note_pass(kind, days, time)
        if kind is Kind.ACCOUNTS:
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
            if stopping.is_set() or not lease.renew():
                return False
            if removed >= MOST_A_PASS or self.plan.find_pause():
                break
        if removed:
            log.info("retention", kind=kind.value, removed=removed)
        return True


class RetentionPasses(PeriodicThread):
    """Any process may make a pass: of two at once, one does."""

    def __init__(self, service: RetentionService) -> None:
        super().__init__("retention", every_s=PASS_EVERY_S, failure="retention not passed")
        self._service = service

    def make_pass(self) -> None:
        self._service.make_pass(self.stopping)


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _months(moment: datetime, number: int) -> Iterator[tuple[datetime, datetime]]:
    """From this month on: the beginning of each, and that of the next one."""
    first = _midnight(moment).replace(day=1)
    for _ in range(number):
        end = (first + timedelta(days=32)).replace(day=1)
        yield first, end
        first = end
