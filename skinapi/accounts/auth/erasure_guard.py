"""Stops a sweep that would erase many accounts at once, for example because of a wrong clock."""

from datetime import datetime
from typing import Literal, get_args

from skinapi.base.logs import log
from skinapi.base.stored_record import StoredRecord
from skinapi.base.values import GaugeReading
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.records import Repository

SweepName = Literal["deletions", "waiting accounts", "unused accounts"]
SWEEPS: tuple[SweepName, ...] = get_args(SweepName)
# This many accounts may always be erased. A tenth of a small clinic would be one or two.
FEW = 10
MANY, SHARE = 1_000, 10


class StoppedSweep(StoredRecord):
    id: str
    created_at: datetime
    accounts: int
    allowed: bool = False


class ErasureGuard(Repository[StoppedSweep]):
    collection, record = "stopped_sweeps", StoppedSweep

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._accounts = store.collection("accounts")

    def admits(self, sweep: SweepName, count: int) -> bool:
        """More than MANY accounts, or one in SHARE of all, require an operator's permission, which
        ends when the sweep finds fewer.
        """
        stopped = self.find(sweep)
        if count <= FEW or count <= min(MANY, self._accounts.count() // SHARE):
            if stopped:
                self._documents.delete({"id": sweep})
            return True
        if stopped is None:
            log.error("erasure_stopped", sweep=sweep, accounts=count)
            self.insert(StoppedSweep(id=sweep, created_at=now(), accounts=count))
        return stopped is not None and stopped.allowed

    def allow_all(self) -> list[StoppedSweep]:
        stopped = self._list_stopped()
        self._documents.set_each({sweep.id: {"allowed": True} for sweep in stopped})
        return stopped

    def problems(self) -> list[str]:
        return [
            f"A sweep has stopped because it would erase {sweep.accounts} accounts: {sweep.id}. "
            "Check the clocks of the servers. To let it continue: `python -m skinapi allow-erasure`"
            for sweep in self._list_stopped()
        ]

    def gauges(self) -> list[GaugeReading]:
        text = "Sweeps that have stopped because they would erase many accounts"
        return [GaugeReading("skinapi_stopped_erasures", text, float(len(self._list_stopped())))]

    def _list_stopped(self) -> list[StoppedSweep]:
        return [sweep for sweep in filter(None, map(self.find, SWEEPS)) if not sweep.allowed]
