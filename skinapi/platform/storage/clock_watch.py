"""Watches the clock of the servers: what goes by its time goes only where the time can be believed.

A clock that was set wrong, even for seconds, would erase what nobody can bring back. So the last
time that was right is stored. A time that is earlier, or later by more than GAP, is not believed:
until it has gone on evenly for STEADY, or a clock shows the former time again, what goes by its
time goes by the last time that was right and what was seen to pass since. This is an alarm, also
afterwards. It is one too where no server ran for longer than GAP, because nobody can tell the two
apart.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from skinapi.base.logs import log
from skinapi.base.stored_record import StoredRecord
from skinapi.base.values import GaugeReading
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Ops
from skinapi.platform.storage.records import Repository

GAP = timedelta(days=2)
SKEW = timedelta(minutes=5)  # clocks of servers differ
STEADY = timedelta(days=7)
ALARM = timedelta(days=7)
CLOCK = "clock"


class SeenTime(StoredRecord):
    """Doubtful times were seen from `doubted_at` to `doubtful_at`, after the last right one. The
    first of them was `unattended`: a server that had just been started saw it.
    """

    id: str
    created_at: datetime
    right_at: datetime
    doubted_at: datetime | None = None
    doubtful_at: datetime | None = None
    jumped_from_at: datetime | None = None
    jumped_to_at: datetime | None = None
    set_right_at: datetime | None = None
    unattended: bool = False
    spared_accounts: int = 0
    spared_records: int = 0

    @property
    def reached_at(self) -> datetime:
        """The last right time, with what was seen to pass since."""
        if self.doubted_at is None or self.doubtful_at is None:
            return self.right_at
        return self.right_at + (self.doubtful_at - self.doubted_at)


@dataclass(frozen=True, slots=True)
class Time:
    """`shown` is what the clock shows. `doubted_since`: since when that is not believed. It may be
    that no server ran meanwhile where it was `unattended`.
    """

    shown: datetime
    right: datetime
    doubted_since: datetime | None = None
    unattended: bool = False

    @property
    def believed(self) -> datetime:
        """The time by which something may go."""
        if self.doubted_since is None:
            return self.shown
        return self.right + (self.shown - self.doubted_since)

    @property
    def for_holds(self) -> datetime:
        """They go on while it is not believed, unless it may be right after a time without a
        server: no patient is to wait longer for that.
        """
        return self.shown if self.unattended else self.believed


@dataclass(frozen=True, slots=True)
class ClockAlarm:
    """`set_right` is when the clock was right again; None: it still shows `jumped_to`."""

    jumped_from: datetime
    jumped_to: datetime
    set_right: datetime | None
    spared_accounts: int
    spared_records: int


class ClockWatch(Repository[SeenTime]):
    collection, record = CLOCK, SeenTime
    _has_looked = False  # this process

    def read(self) -> Time:
        return _judge(self.find(CLOCK), now(), started=not self._has_looked)

    def look(self) -> Time:
        """Read the time and note it: each pass that lets something go calls it."""
        seen, moment = self.find(CLOCK), now()
        time = _judge(seen, moment, started=not self._has_looked)
        ops: Ops = {"$set": {"right_at": moment, "schema": 1}}
        if seen is None:
            ops["$set"]["created_at"] = moment
        elif time.doubted_since is None:
            ops["$unset"] = {"doubted_at": True, "doubtful_at": True}
            if seen.doubted_at and _follows(seen.reached_at, moment):
                ops["$set"]["set_right_at"] = moment
                log.error("clock_set_right", shown=moment.isoformat())
        else:
            ops = {"$set": {"doubted_at": time.doubted_since, "doubtful_at": moment}}
            if time.doubted_since == moment:
                jump: Document = {
                    "right_at": time.right,
                    "jumped_from_at": time.right,
                    "jumped_to_at": moment,
                    "unattended": time.unattended,
                }
                spared = {"spared_accounts": 0, "spared_records": 0}
                ops = {"$set": {**ops["$set"], **jump, **spared}, "$unset": {"set_right_at": True}}
                log.error("clock_jumped", right=time.right.isoformat(), shown=moment.isoformat())
        self._documents.update({"id": CLOCK}, ops, upsert=True)
        self._has_looked = True
        return time

    def note_spared(self, *, accounts: int, records: int) -> None:
        seen = self.find(CLOCK)
        if seen and (accounts > seen.spared_accounts or records > seen.spared_records):
            self._change(
                {"id": CLOCK},
                spared_accounts=max(accounts, seen.spared_accounts),
                spared_records=max(records, seen.spared_records),
            )

    def find_alarm(self) -> ClockAlarm | None:
        """The alarm, for ALARM after the clock was right again, too."""
        seen = self.find(CLOCK)
        if seen is None or seen.jumped_from_at is None or seen.jumped_to_at is None:
            return None
        over = seen.set_right_at is None or now() > seen.set_right_at + ALARM
        if seen.doubted_at is None and over:
            return None
        return ClockAlarm(
            seen.jumped_from_at,
            seen.jumped_to_at,
            None if seen.doubted_at else seen.set_right_at,
            seen.spared_accounts,
            seen.spared_records,
        )

    def problems(self) -> list[str]:
        """Tell the operator of a clock that cannot be believed."""
        alarm = self.find_alarm()
        if alarm is None:
            return []
        ended = f"Until it is right, or for {STEADY.days} days, nothing goes by it"
        if alarm.set_right:
            ended = f"It was right again at {_say(alarm.set_right)}"
        sentence = (
            f"The clock of a server was wrong, or no server ran for {GAP.days} days: after"
            f" {_say(alarm.jumped_from)} it showed {_say(alarm.jumped_to)}. {ended}. Not erased by"
            f" it: accounts {alarm.spared_accounts}, medical records {alarm.spared_records}"
        )
        return [sentence]

    def gauges(self) -> list[GaugeReading]:
        text = "1 while the clock of a server is wrong, and for a week after"
        return [GaugeReading("skinapi_clock_jumped", text, float(self.find_alarm() is not None))]


def _judge(seen: SeenTime | None, moment: datetime, *, started: bool) -> Time:
    """`started`: this process has seen no time before."""
    if seen is None or _follows(seen.reached_at, moment):
        return Time(moment, moment)
    goes_on = seen.doubtful_at is not None and _follows(seen.doubtful_at, moment)
    since = seen.doubted_at if seen.doubted_at and goes_on else moment
    if moment >= since + STEADY:
        return Time(moment, moment)
    if since == moment:
        return Time(moment, seen.reached_at, since, started and moment > seen.reached_at)
    return Time(moment, seen.right_at, since, seen.unattended)


def _follows(earlier: datetime, moment: datetime) -> bool:
    return earlier - SKEW <= moment <= earlier + GAP


def _say(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
