"""A lane of a worker: claims jobs one at a time, and runs each in a process of its own."""

import os
import select
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from skinapi.errors import DiskFull, StoreUnavailable
from skinapi.jobs.job import MOST_ATTEMPTS, NO_RIGHT, Job
from skinapi.jobs.process.job_guard import FOLDER
from skinapi.jobs.process.process_control import boot_time, kill_orphans
from skinapi.jobs.process.work_folder import remove_if
from skinapi.jobs.queue.job_queue import Jobs
from skinapi.jobs.worker.attempt import Attempt, WorkerSettings
from skinapi.logs import log

LOOK_AT_PARENT_S = 1.0
T = TypeVar("T")


class Lane:
    """With `short_only` it takes nothing but short jobs. `claimed` is called after each claim, with
    whether there was a job.
    """

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
        """End a wait of this lane now. A signal handler may call it."""
        with suppress(BlockingIOError):
            os.write(self._waker, b"\0")

    def work_once(self, jobs: Jobs) -> Job | None:
        """The job that was taken, and has ended or waits again; None if there was none."""
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
        elif not self._settings.may_work(job.owner):
            jobs.finish(job, status="cancelled", changes={"message": NO_RIGHT})
        else:
            log.info("job", job=job.id, kind=job.kind, status="running", attempt=job.attempts)
            self._attempt(jobs, job, claimed_at)

    def _attempt(self, jobs: Jobs, job: Job, claimed_at: float) -> None:
        kill_orphans(f"{FOLDER}={self._settings.folder}")
        try:
            attempt = Attempt(
                self._settings, jobs=jobs, job=job, claimed_at=claimed_at, wakeup=self._wakeup
            )
        except OSError as error:  # no process, no pipe: the machine is out of something
            log.error("job_not_started", job=job.id, cause=type(error).__name__)
            says = {"message": "No process could be started; it waits again"}
            jobs.release(job, changes=says, counted=job.attempts < MOST_ATTEMPTS)
            self.wait(self._settings.timing.poll)
            return
        attempt.run()
        self.clear_wakeup()

    def remove_folder(self, jobs: Jobs, folder: Path) -> None:
        """Remove the folder of a job unless that is unfinished."""

        def unused() -> bool:
            job = jobs.find(folder.name)
            return job is None or job.ended

        remove_if(folder, unused)

    def retry_while_store_is_away(self, act: Callable[[], T]) -> T | None:
        """Do this; while the store is away, wait, and do it again. None when told to stop."""
        while not self._settings.stopping():
            try:
                result = act()
            except StoreUnavailable as error:
                if not self._outage_logged:
                    self._outage_logged = True
                    log.warning("waiting", why=error.detail, full=isinstance(error, DiskFull))
                self.wait(self._settings.timing.store_retry)
            else:
                self._outage_logged = False
                return result
        return None

    def wait(self, seconds: float) -> None:
        """Returns after this time, or when the lane is woken."""
        deadline = time.monotonic() + seconds
        while not self._settings.stopping() and (left := deadline - time.monotonic()) > 0:
            if select.select([self._wakeup], [], [], min(left, LOOK_AT_PARENT_S))[0]:
                self.clear_wakeup()

    def clear_wakeup(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self._wakeup, 512):
                pass
