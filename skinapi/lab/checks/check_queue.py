"""Runs checks of data sets one at a time, outside of requests.

They are not jobs, because a training may occupy the only worker for hours, and users expect a
result within a minute.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from skinapi.accounts.auth.owners import OwnerStatus
from skinapi.base.errors import SkinAPIError, StoreUnavailable, Unavailable
from skinapi.base.logs import log_fault
from skinapi.lab.datasets.dataset_versions import DatasetVersion
from skinapi.lab.datasets.uploads import LabRepositories
from skinapi.lab.errors import InterruptedCheck, RefusedDataset
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.unit_of_work import AuditRow

# One check decodes thousands of pictures; a second would only slow down the first.
MOST_WAITING = 8
# Of one account, so that others get a place.
MOST_OF_OWNER = 2
# Who waits in a request, with a thread of the server.
MOST_WAITING_REQUESTS = 2
LONGEST_WAIT_S = 600.0
RETRY_AFTER_S = 60

CheckFunction = Callable[[], object]


@dataclass(frozen=True, slots=True)
class _Waiting:
    dataset: str
    owner: str
    check: CheckFunction


class CheckQueue:
    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._running = threading.Lock()
        self._places = threading.BoundedSemaphore(1 + MOST_WAITING_REQUESTS)
        self._thread: threading.Thread | None = None

    def refuse_full(self, owner: str) -> None:
        """Raise Unavailable if too many are queued. Concurrent callers may both pass."""
        with self._changed:
            own = sum(waiting.owner == owner for waiting in self._waiting)
            if len(self._waiting) >= MOST_WAITING or own >= MOST_OF_OWNER:
                raise Unavailable(retry_after=RETRY_AFTER_S)

    def submit(self, dataset: str, check: CheckFunction, *, owner: str) -> None:
        with self._changed:
            self._waiting.append(_Waiting(dataset, owner, check))
            self._changed.notify()
            if self._thread is None:
                # A daemon, so that a server that is asked to stop does not wait for it: what is
                # interrupted is found by its silence (dataset_versions.py).
                self._thread = threading.Thread(target=self._run, name="checks", daemon=True)
                self._thread.start()

    def drop(self, dataset: str) -> None:
        with self._changed:
            self._waiting = deque(
                waiting for waiting in self._waiting if waiting.dataset != dataset
            )

    def waiting(self) -> list[str]:
        with self._changed:
            return [waiting.dataset for waiting in self._waiting]

    @contextmanager
    def now(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise Unavailable(retry_after=RETRY_AFTER_S)
        try:
            if not self._running.acquire(timeout=LONGEST_WAIT_S):
                raise Unavailable(retry_after=RETRY_AFTER_S)
            try:
                yield
            finally:
                self._running.release()
        finally:
            self._places.release()

    def _run(self) -> None:
        while True:
            # It stays in the queue, where `waiting` finds it, until the previous check has ended.
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
            with self._running:
                self._run_next()

    def _run_next(self) -> None:
        with self._changed:
            if not self._waiting:  # dropped meanwhile
                return
            check = self._waiting.popleft().check
        try:
            check()
        except Exception as error:  # noqa: BLE001 (the next check must run all the same)
            log_fault(error)


@dataclass(frozen=True, slots=True)
class Cleanup:
    data: LabRepositories
    checks: CheckQueue
    owners: OwnerStatus

    def remove(self, identifier: str) -> None:
        """Delete a data set with its images, which may be too many for one transaction. It is
        marked first, so that readers never see part of it, and deleted last, so that `sweep` can
        continue.
        """
        self.data.datasets.begin_deletion(identifier)
        self.checks.drop(identifier)
        self.data.images.forget(identifier)
        self.data.datasets.remove(identifier)

    def refuse(self, dataset: str, owner: str, error: SkinAPIError) -> None:
        """Keep the reason and the uploads for a day, unless it was published before."""
        report: Mapping[str, Any] = error.report if isinstance(error, RefusedDataset) else {}

        def refuse() -> None:
            if self.data.datasets.refuse(
                dataset, code=error.code, problem=error.detail, report=report
            ):
                self.data.trail.record(AuditRow("dataset.refused", by=owner, target=dataset))

        with suppress(StoreUnavailable):
            self.data.store.transaction(refuse)

    def settle(self, dataset: DatasetVersion) -> None:
        if dataset.status != "checking":
            self.remove(dataset.id)
        else:
            self.refuse(dataset.id, dataset.owner, InterruptedCheck())
            self.data.images.forget(dataset.id)

    def sweep(self) -> None:
        """Delete expired uploads and finish abandoned checks. Called at each upload and at the
        start.
        """
        self.data.uploads.sweep()
        for dataset in self.data.datasets.abandoned():
            self.settle(dataset)

    def forget(self, owner: str) -> int:
        self.data.uploads.forget(owner)
        datasets = self.data.datasets.list_of_owner(owner)
        for dataset in datasets:
            self.remove(dataset.id)
        return len(datasets)

    def check_integrity(self) -> Iterator[Fault]:
        for owner in sorted(self.data.datasets.owners() | self.data.uploads.owners()):
            if not self.owners.stays(owner):
                text = f"data sets or uploads of account {owner}, which is gone"
                yield Fault(text, partial(self.forget, owner))
