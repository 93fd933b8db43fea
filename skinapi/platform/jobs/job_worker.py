"""The worker: takes jobs from the queue, and runs each in its own process.

One lane takes the next job. While it runs, perhaps for hours, the other lane takes short jobs. The
worker also does periodic cleanup. It imports no handler: only the process of the job does
(handlers.py), by `HANDLERS` of run_job.py.
"""

import os
import secrets
import select
import signal
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from skinapi.base.errors import DiskFull, StoreUnavailable, Unavailable
from skinapi.base.logs import log
from skinapi.platform.jobs.announcements import Broker, BrokerUnavailableError
from skinapi.platform.jobs.attempt import Attempt, Timing, WorkerSettings
from skinapi.platform.jobs.job import MOST_ATTEMPTS, NO_RIGHT, Job
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.jobs.process import boot_time, folders_in, remove_if
from skinapi.platform.storage.ports import Store

LOOK_AT_PARENT_S = 1.0
T = TypeVar("T")


class Lane:
    def __init__(
        self,
        settings: WorkerSettings,
        *,
        short_only: bool,
        claimed: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._settings, self._short_only, self._claimed = settings, short_only, claimed
        self.busy = False
        self._outage_logged = False
        self._wakeup, self._waker = os.pipe()
        os.set_blocking(self._wakeup, False)
        os.set_blocking(self._waker, False)

    def wake(self) -> None:
        """End the current wait of this lane. Safe to call from a signal handler."""
        with suppress(BlockingIOError):
            os.write(self._waker, b"\0")

    def work_once(self, jobs: Jobs) -> Job | None:
        claimed_at = boot_time()
        job = jobs.claim(
            worker=self._settings.worker,
            lease=self._settings.timing.lease_time,
            short_only=self._short_only,
        )
        self._claimed(job is not None)
        if job is None:
            return None
        self.busy = True
        try:
            self._work_on(jobs, job, claimed_at)
        finally:
            self.busy = False
        self.remove_folder(jobs, self._settings.folder / job.id)
        return job

    def _work_on(self, jobs: Jobs, job: Job, claimed_at: float) -> None:
        if job.cancel_asked:
            jobs.finish(job, status="cancelled", changes={"message": "Cancelled"})
        elif not self._settings.may_work(job):
            jobs.finish(job, status="cancelled", changes={"message": NO_RIGHT})
        else:
            log.info("job", job=job.id, kind=job.kind, status="running", attempt=job.attempts)
            self._attempt(jobs, job, claimed_at)

    def _attempt(self, jobs: Jobs, job: Job, claimed_at: float) -> None:
        try:
            attempt = Attempt(
                self._settings, jobs=jobs, job=job, claimed_at=claimed_at, wakeup=self._wakeup
            )
        except OSError as error:  # no process, no pipe: the machine is out of something
            log.error("job_not_started", job=job.id, cause=type(error).__name__)
            text = {"message": "No process could be started; it waits again"}
            jobs.release(job, changes=text, counted=job.attempts < MOST_ATTEMPTS)
            self.wait(self._settings.timing.poll)
            return
        attempt.run()
        self.clear_wakeup()

    def remove_folder(self, jobs: Jobs, folder: Path) -> None:
        def unused() -> bool:
            job = jobs.find(folder.name)
            return job is None or job.ended

        remove_if(folder, unused)

    def retry_while_store_is_away(self, act: Callable[[], T]) -> T | None:
        while not self._settings.stopping():
            try:
                result = act()
            except Unavailable as error:
                if not self._outage_logged:
                    self._outage_logged = True
                    log.warning("waiting", why=error.detail, full=isinstance(error, DiskFull))
                self.wait(self._settings.timing.store_retry)
            else:
                self._outage_logged = False
                return result
        return None

    def wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._settings.stopping() and (left := deadline - time.monotonic()) > 0:
            if select.select([self._wakeup], [], [], min(left, LOOK_AT_PARENT_S))[0]:
                self.clear_wakeup()

    def clear_wakeup(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self._wakeup, 512):
                pass


SWEEP_EVERY_S = 3600.0


class Worker:
    def __init__(
        self,
        *,
        store: Store,
        command: Sequence[str],
        folder: Path,
        timing: Timing,
        open_jobs: Callable[[], Jobs],
        may_work: Callable[[Job], bool],
        hidden: Sequence[str] = (),
        parent: int | None = None,
        broker: Broker | None = None,
    ) -> None:
        self._open_jobs, self._store, self._parent = open_jobs, store, parent
        self._broker, self._broker_away_logged = broker, False
        self._told_to_stop = False
        self._swept_at: float | None = None
        self._settings = WorkerSettings(
            worker=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}",
            command=command,
            folder=folder,
            timing=timing,
            secrets=hidden,
            may_work=may_work,
            stopping=self.stopping,
        )
        self._lane = Lane(self._settings, short_only=False, claimed=self._acknowledge)
        self._short_lane = Lane(self._settings, short_only=True)

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, self._wake)
        if jobs := self._lane.retry_while_store_is_away(self._open_jobs):
            with ThreadPoolExecutor(1, "short-jobs") as threads:
                beside = threads.submit(self._take_short_jobs, jobs)
                try:
                    self._take_jobs(jobs)
                finally:
                    self._stop()
            beside.result()  # raises what ended it
        if self._broker:
            self._broker.disconnect()
        with suppress(StoreUnavailable):
            self._store.close()

    def stopping(self) -> bool:
        if self._parent is not None and os.getppid() != self._parent:
            self._told_to_stop = True
        return self._told_to_stop

    def _stop(self, *_: object) -> None:
        self._told_to_stop = True
        self._wake()

    def _wake(self, *_: object) -> None:
        self._lane.wake()
        self._short_lane.wake()

    def _take_jobs(self, jobs: Jobs) -> None:
        while not self.stopping():
            self._lane.retry_while_store_is_away(lambda: self._sweep(jobs))
            job = self._lane.retry_while_store_is_away(lambda: self._work_or_tidy(jobs))
            if job is None:
                if self._broker is None or not self._await_announcement(self._broker):
                    self._lane.wait(self._settings.timing.poll)
            elif self._broker and self.stopping():
                with suppress(BrokerUnavailableError):
                    self._broker.announce(
                        job.id
                    )  # it is queued again, and another worker may be idle

    def _take_short_jobs(self, jobs: Jobs) -> None:
        # Without a job the other lane takes them, so the store is not asked twice.
        work: Callable[[], Job | None] = partial(self._short_lane.work_once, jobs)
        poll = self._settings.timing.seldom_poll if self._broker else self._settings.timing.poll
        try:
            while not self.stopping():
                if not self._lane.busy or self._short_lane.retry_while_store_is_away(work) is None:
                    self._short_lane.wait(poll)
        finally:
            self._stop()

    def _work_or_tidy(self, jobs: Jobs) -> Job | None:
        job = self._lane.work_once(jobs)
        if job is None:
            self._remove_folders(jobs)
        return job

    def _acknowledge(self, claimed: bool) -> None:
        if self._broker:
            self._broker.acknowledge()  # only now: if this worker dies before, another one gets it
            if claimed:
                self._broker.disconnect()  # for the hours that a job may take

    def _sweep(self, jobs: Jobs) -> None:
        moment = time.monotonic()
        if self._swept_at is not None and moment - self._swept_at < SWEEP_EVERY_S:
            return
        jobs.sweep()
        self._remove_folders(jobs)
        self._swept_at = moment

    def _remove_folders(self, jobs: Jobs) -> None:
        for folder in folders_in(self._settings.folder):
            self._lane.remove_folder(jobs, folder)

    def _await_announcement(self, broker: Broker) -> bool:
        """Return whether the broker answered. It also returns after `seldom_poll`, because an
        announcement may be lost, and nobody announces a job whose worker has died.
        """
        deadline = time.monotonic() + self._settings.timing.seldom_poll
        try:
            while not self.stopping() and time.monotonic() < deadline:
                if broker.receive():
                    break
        except BrokerUnavailableError as error:
            if not self._broker_away_logged:
                self._broker_away_logged = True
                log.warning("broker_unavailable", why=str(error))
            return False
        self._broker_away_logged = False
        self._lane.clear_wakeup()
        return True
