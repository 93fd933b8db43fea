"""The worker: takes jobs from the queue, and runs each in a process of its own.

It has two lanes. One takes the job whose turn it is; while that runs, which may be for hours, the
other takes short jobs. The worker also does what has to be done now and then. It imports no code of
any kind of job: the process does (process/job_guard.py), as `HANDLERS` of run_job.py names it.
"""

import os
import secrets
import signal
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

from skinapi.errors import StoreUnavailable
from skinapi.jobs.broker.announcements import Broker, BrokerUnavailableError
from skinapi.jobs.job import Job
from skinapi.jobs.process.job_guard import FOLDER
from skinapi.jobs.process.process_control import kill_orphans
from skinapi.jobs.process.work_folder import folders_in
from skinapi.jobs.queue.job_queue import Jobs
from skinapi.jobs.worker.attempt import Timing, WorkerSettings
from skinapi.jobs.worker.lane import Lane
from skinapi.logs import log
from skinapi.storage.ports import Store

SWEEP_EVERY_S = 3600.0


class Worker:
    """Works until it is told to stop, by SIGTERM or SIGINT, or until its parent is gone."""

    def __init__(
        self,
        *,
        store: Store,
        command: Sequence[str],
        folder: Path,
        timing: Timing,
        join_store: Callable[[], None],
        may_work: Callable[[str], bool],
        hidden: Sequence[str] = (),
        parent: int | None = None,
        broker: Broker | None = None,
    ) -> None:
        """`join_store` raises where this code may not work on the store. With `parent`, it ends
        when that is not its parent. With `broker`, it waits for announcements of jobs, and asks the
        store seldom.
        """
        self._join_store, self._store, self._parent = join_store, store, parent
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

    def _open_jobs(self) -> Jobs:
        self._join_store()
        return Jobs(self._store)

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
                self._await_work()
            elif self._broker and self.stopping():
                with suppress(BrokerUnavailableError):
                    self._broker.announce(job.id)  # it is queued again; another may be idle

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
            self._broker.acknowledge()  # only now: whoever dies before leaves it to another worker
            if claimed:
                self._broker.disconnect()  # for the hours that a job may take

    def _sweep(self, jobs: Jobs) -> None:
        """At the start and then every hour: remove old jobs, and what dead workers left behind."""
        moment = time.monotonic()
        if self._swept_at is not None and moment - self._swept_at < SWEEP_EVERY_S:
            return
        kill_orphans(f"{FOLDER}={self._settings.folder}")
        jobs.sweep()
        self._remove_folders(jobs)
        self._swept_at = moment

    def _remove_folders(self, jobs: Jobs) -> None:
        """Those of jobs that have ended elsewhere, or that a claim has given up."""
        for folder in folders_in(self._settings.folder):
            self._lane.remove_folder(jobs, folder)

    def _await_work(self) -> None:
        """Returns when it is time to ask the store for work again."""
        if self._broker is None or not self._await_announcement(self._broker):
            self._lane.wait(self._settings.timing.poll)

    def _await_announcement(self, broker: Broker) -> bool:
        """Whether the broker could be asked. It also returns without an announcement, after
        `seldom_poll`: one may be lost, and nobody announces a job whose worker has died.
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
