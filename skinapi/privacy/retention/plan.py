"""What is stored of retention: since when each kind is announced, whether it pauses, and what went.

A kind acts ANNOUNCED after a pass has seen its setting for the first time, or a smaller number of
days: so long an admin can read what would go. The same where the clock jumped (see `ClockWatch`).
"""

from collections import Counter
from datetime import datetime, timedelta

from skinapi.base.stored_record import StoredRecord
from skinapi.platform.storage.clock_watch import Time
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document, Documents, Store

ANNOUNCED = timedelta(days=7)
RUNS_KEPT = timedelta(days=400)
MOST_RUNS = 50
PAUSE = "pause"


class Announced(StoredRecord):
    """Under the name of a kind: for how many days it is kept, and from when it acts."""

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
    """The repository."""

    def __init__(self, store: Store) -> None:
        self._plan = store.collection("retention")
        self._pauses = store.collection("retention_pause")
        self._runs = store.collection("retention_runs")
        self._runs.expire_by("expires_at")

    def find_announced(self, kind: str) -> Announced | None:
        found = self._plan.get(kind)
        return Announced.model_validate(found) if found else None

    def acts_from(self, kind: str, days: int, time: Time) -> datetime:
        """From when a kind acts that is kept for so many days, as a pass at this time says."""
        known = self.find_announced(kind)
        if known is None or days < known.days:
            return time.shown + ANNOUNCED
        earliest = min(known.acts_from_at, time.shown + ANNOUNCED)
        return max(earliest, time.doubted_since + ANNOUNCED) if time.doubted_since else earliest

    def note_pass(self, kind: str, days: int, time: Time) -> tuple[datetime, bool]:
        """From when the kind acts, and whether it was not known before."""
        moment = time.shown
        acts_from, new = self.acts_from(kind, days, time), self._plan.get(kind) is None
        fields: Document = {"days": days, "acts_from_at": acts_from}
        ops = {"$set": {**fields, "schema": 1, **({"created_at": moment} if new else {})}}
        self._plan.update({"id": kind}, ops, upsert=True)
        return acts_from, new

    def forget_kind(self, kind: str) -> None:
        """It is not set any more: where it is again, it is announced anew."""
        if self._plan.get(kind):
            self._plan.delete({"id": kind})

    def find_pause(self) -> Pause | None:
        found = self._pauses.get(PAUSE)
        return Pause.model_validate(found) if found else None

    def pause(self, *, by: str, reason: str) -> None:
        made: Document = {"created_at": now(), "by": by, "reason": reason, "schema": 1}
        self._pauses.update({"id": PAUSE}, {"$set": made}, upsert=True)

    def resume(self) -> None:
        self._pauses.delete({"id": PAUSE})

    def open_run(self, kind: str) -> "OpenRun":
        return OpenRun(self._runs, kind)

    def list_runs(self) -> list[Run]:
        """The last ones, the newest first."""
        return [Run.model_validate(one) for one in self._runs.find(sort="-id", limit=MOST_RUNS)]


class OpenRun:
    """Counts what goes in one pass, and of how many persons."""

    def __init__(self, runs: Documents, kind: str) -> None:
        self._runs, self._kind, self._id = runs, kind, new_id()
        self._known, self._noted = set[str](), set[str]()

    def note(self, removed: Counter[str]) -> None:
        """Call it in each transaction, which may run again, with how many of each person go."""
        if not removed:
            return
        self._noted = set(removed)
        moment = now()
        facts: Document = {"kind": self._kind, "created_at": moment, "schema": 1}
        numbers = {"items": removed.total(), "persons": len(self._noted - self._known)}
        ops = {"$set": {**facts, "expires_at": moment + RUNS_KEPT}, "$inc": numbers}
        self._runs.update({"id": self._id}, ops, upsert=True)

    def settle(self) -> None:
        """Call it after each."""
        self._known |= self._noted
