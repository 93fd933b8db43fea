"""The worker: takes jobs from the queue, one at a time, and runs each in a process of its own.

It also does what has to be done now and then. It imports no code of any kind of job.
"""

import os
import secrets
import select
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from skinapi import tracing
from skinapi.errors import DiskFull, StoreUnavailable
from skinapi.jobs.announcements import Broker, BrokerUnavailableError
from skinapi.jobs.attempt import Attempt, Timing
from skinapi.jobs.job import MOST_ATTEMPTS, NO_RIGHT, Job
from skinapi.jobs.processes import boot_time, kill_orphans
from skinapi.jobs.queue import Jobs
from skinapi.jobs.run_job import FOLDER
from skinapi.jobs.work_folder import folders_in, remove_if
from skinapi.logs import log
from skinapi.storage.ports import Store

SWEEP_EVERY_S = 3600.0
LOOK_AT_PARENT_S = 1.0
T = TypeVar("T")


class Worker:
    """Works until it is told to stop, by SIGTERM or SIGINT, or until its parent is gone."""

    def __init__(
        self,
        *,
        store: Store,
        command: Sequence[str],
        folder: Path,
        timing: Timing | None = None,
        join_store: Callable[[], None],
        owner_stays: Callable[[str], bool],
        may_work: Callable[[str], bool],
        hidden: Sequence[str] = (),
        parent: int | None = None,
        broker: Broker | None = None,
    ) -> None:
        """`command` starts the process of a job, in `folder` are the jobs' folders, `join_store`
        raises where this code may not work on the store, `owner_stays` tells whether an owner still
        has an account, `may_work` whether its jobs may go on, and `hidden` are the secrets that no
        log may show. With `parent`, it ends when that is not its parent. With `broker`, it waits
        for announcements of jobs, and asks the store seldom.
        """
        self._join_store = join_store
        self._owner_stays, self._may_work = owner_stays, may_work
        self._store, self._command, self._folder = store, command, folder
        self._timing, self._hidden, self._parent = timing or Timing(), hidden, parent
        self._name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._broker, self._broker_away_logged = broker, False
        self._told_to_stop = False
        self._outage_logged = False
        self._swept_at: float | None = None
        self._wakeup, self._waker = os.pipe()
        os.set_blocking(self._wakeup, False)
        os.set_blocking(self._waker, False)

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # Each signal wakes the waits below at once.
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        jobs = self._once_there(self._open_jobs)
        while jobs and not self.stopping():
            self._once_there(lambda: self._sweep(jobs))
            if not self._once_there(lambda: self._work_once(jobs)):
                self._await_work()
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

    def _work_once(self, jobs: Jobs) -> bool:
        """Whether there was a job."""
        claimed_at = boot_time()
        job = jobs.claim(worker=self._name, lease=self._timing.lease_time)
        if self._broker:
            self._broker.acknowledge()  # only now: whoever dies before leaves it to another worker
        if job is None:
            self._remove_folders(jobs)
            return False
        if self._broker:
            self._broker.disconnect()  # for the hours that a job may take
        if not self._owner_stays(job.owner):
            jobs.forget(job.owner)  # left by a server that died as it submitted the job
        elif job.cancel_asked:
            jobs.finish(job, status="cancelled", changes={"message": "Cancelled"})
        elif not self._may_work(job.owner):
            jobs.finish(job, status="cancelled", changes={"message": NO_RIGHT})
        else:
            log.info("job", job=job.id, kind=job.kind, status="running", attempt=job.attempts)
            self._attempt(jobs, job, claimed_at)
        self._remove_folder(jobs, self._folder / job.id)
        return True

    def _attempt(self, jobs: Jobs, job: Job, claimed_at: float) -> None:
        kill_orphans(f"{FOLDER}={self._folder}")
        try:
            attempt = Attempt(
                jobs=jobs,
                job=job,
                claimed_at=claimed_at,
                command=self._command,
                folder=self._folder,
                timing=self._timing,
                secrets=self._hidden,
                stopping=self.stopping,
                wakeup=self._wakeup,
                may_work=self._may_work,
            )
        except OSError as error:  # no process, no pipe: the machine is out of something
            log.error("job_not_started", job=job.id, cause=type(error).__name__)
            says = {"message": "No process could be started; it waits again"}
            jobs.release(job, changes=says, counted=job.attempts < MOST_ATTEMPTS)
            self._wait(self._timing.poll)
            return
        _run_traced(attempt, job)
        self._clear_wakeup()
        if self._broker and self.stopping():
            with suppress(BrokerUnavailableError):
                self._broker.announce(job.id)  # it is queued again, and another worker may be idle

    def _sweep(self, jobs: Jobs) -> None:
        """At the start and then every hour: remove old jobs, and what dead workers left behind."""
        moment = time.monotonic()
        if self._swept_at is not None and moment - self._swept_at < SWEEP_EVERY_S:
            return
        kill_orphans(f"{FOLDER}={self._folder}")
        jobs.sweep()
        self._remove_folders(jobs)
        self._swept_at = moment

    def _remove_folders(self, jobs: Jobs) -> None:
        """Those of jobs that have ended elsewhere, or that a claim has given up."""
        for folder in folders_in(self._folder):
            self._remove_folder(jobs, folder)

    def _remove_folder(self, jobs: Jobs, folder: Path) -> None:
        def unused() -> bool:
            job = jobs.get(folder.name)
            return job is None or job.ended

        remove_if(folder, unused)

    def _once_there(self, act: Callable[[], T]) -> T | None:
        """Do this; while the store is away, wait, and do it again. None when told to stop."""
        while not self.stopping():
            try:
                result = act()
            except StoreUnavailable as error:
                if not self._outage_logged:
                    self._outage_logged = True
                    log.warning("waiting", why=error.detail, full=isinstance(error, DiskFull))
                self._wait(self._timing.store_retry)
            else:
                self._outage_logged = False
                return result
        return None

    def _await_work(self) -> None:
        """Returns when it is time to ask the store for work again."""
        if self._broker is None or not self._await_announcement(self._broker):
            self._wait(self._timing.poll)

    def _await_announcement(self, broker: Broker) -> bool:
        """Whether the broker could be asked. It also returns without an announcement, after
        `seldom_poll`: one may be lost, and nobody announces a job whose worker has died.
        """
        deadline = time.monotonic() + self._timing.seldom_poll
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
        self._clear_wakeup()
        return True

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self.stopping() and (left := deadline - time.monotonic()) > 0:
            if select.select([self._wakeup], [], [], min(left, LOOK_AT_PARENT_S))[0]:
                self._clear_wakeup()

    def _clear_wakeup(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self._wakeup, 512):
                pass


def _run_traced(attempt: Attempt, job: Job) -> None:
    """Run the attempt as a part of the trace of the request that queued the job."""
    name = f"job {job.kind}"
    trace = tracing.begin(name, kind="consumer", parent=job.traceparent)
    if trace is None:
        attempt.run()
        return
    try:
        with trace.under_way():
            status = attempt.run()
        facts: dict[str, tracing.Value] = {
            "job.id": job.id,
            "job.attempt": job.attempts,
            "job.status": status,
        }
        trace.describe(name, facts, failed=status == "failed")
    finally:
        trace.end()
