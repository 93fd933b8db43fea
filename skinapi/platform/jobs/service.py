"""Submitting, reading, cancelling and starting again of jobs."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.util import find_spec
from typing import Any, Protocol

from skinapi.base.errors import Duplicate, NotFound, SkinAPIError
from skinapi.base.logs import log
from skinapi.base.values import GaugeReading
from skinapi.platform.jobs.announcements import Announcer
from skinapi.platform.jobs.job import PERSON_FILE, Job
from skinapi.platform.jobs.job_logs import LogLine
from skinapi.platform.jobs.job_queue import Jobs, NewJob
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

# What trainings and imports need of requirements-train.txt, and a server does without.
LAB_LIBRARIES = (
    "tensorflow", "keras", "h5py", "jinja2", "matplotlib", "pandas", "scipy", "sklearn",
)  # fmt: skip


class JobOwners(Protocol):
    def hold(self, owner: str) -> None:
        """In a transaction: raises InvalidToken where the owner has no account, or one that is
        being deleted.
        """

    def stays(self, owner: str) -> bool:
        """Whether data of this owner may be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsService:
    """Everybody sees and changes the own jobs. To an admin, `owner` None means those of all. What
    has no rule, callers ask the `queue`.

    `announcer` tells idle workers of a job that waits. `workers_here`: this server keeps the job
    workers, which have its libraries.
    """

    work: UnitOfWork
    queue: Jobs
    owners: JobOwners
    announcer: Announcer | None = None
    workers_here: bool = False

    def find_missing_library(self) -> str | None:
        """One that the workers kept here lack; None too where the workers are elsewhere. It is
        looked for anew each time, as by the process of each job.
        """
        if not self.workers_here:
            return None
        importlib.invalidate_caches()
        return next((name for name in LAB_LIBRARIES if find_spec(name) is None), None)

    def submit(
        self,
        *,
        kind: str,
        owner: str,
        request: Mapping[str, Any],
        key: str | None = None,
        short: bool = False,
        hold: Callable[[], object] = lambda: None,
    ) -> Job:
        """Queue a job. Its request was checked by the caller: plain JSON values, no field `…_at`.
        A `short` one does not wait for others that take hours. `hold` is a part of the
        transaction, and raises what refuses the job. The same request with the same idempotency key
        gets the job of the first one.

        Raises IdempotencyKeyReused for another request with that key, TooManyJobs, and InvalidToken
        where the account was deleted at the same time.
        """
        if before := self.queue.find_by_key(kind=kind, owner=owner, request=request, key=key):
            return before
        new = NewJob(
            identifier=self.queue.new_id(),
            kind=kind,
            owner=owner,
            request=request,
            key=key,
            short=short,
        )
        try:
            return self._add(new, hold)
        except Duplicate:  # a retry of this request has stored it in the meantime
            if before := self.queue.find_by_key(kind=kind, owner=owner, request=request, key=key):
                return before
            raise

    @atomic
    def _add(self, unit: Unit, new: NewJob, hold: Callable[[], object]) -> Job:
        unit.audit("job.submit", by=new.owner, target=new.identifier)
        self.owners.hold(new.owner)
        hold()
        job = self.queue.add(new)
        self._announce(unit, job)
        return job

    def _announce(self, unit: Unit, job: Job) -> None:
        if self.announcer:
            unit.afterwards(partial(self.announcer.announce, job.id))

    def get(self, *, job_id: str, owner: str | None) -> Job:
        """Raises NotFound, also for a job of somebody else, or one that makes a person's file."""
        job = self.queue.find(job_id)
        if job is None or owner not in (None, job.owner) or job.kind == PERSON_FILE:
            raise NotFound(f"Job not found: {job_id}")
        return job

    def gauges(self) -> list[GaugeReading]:
        """The jobs that have not ended, for Prometheus; nothing where the store does not answer."""
        try:
            counts, waits = self.queue.count_unfinished(), self.queue.next_waits()
        except SkinAPIError as error:
            log.error("jobs_unknown", code=error.code)
            return []
        says = "Jobs that have not ended; lost: their worker has disappeared"
        waiting = "How long the job whose turn it is has waited"
        return [
            *(
                GaugeReading("skinapi_jobs", says, count, (("state", state),))
                for state, count in counts.items()
            ),
            GaugeReading("skinapi_jobs_next_waits_seconds", waiting, waits.total_seconds()),
        ]

    def problems(self) -> list[str]:
        """What the operator should know: that nobody does the jobs that wait."""
        waits = self.queue.find_wait_without_worker()
        if waits is None:
            return []
        since = f"the next job has waited for {waits // timedelta(minutes=1)} min"
        return [f"No job worker runs, and {since}: start `python -m skinapi worker`"]

    @atomic
    def cancel(self, unit: Unit, *, job_id: str, owner: str | None, by: str) -> Job:
        """End a job; a running one ends within seconds. Raises NotFound, JobEnded."""
        job = self.get(job_id=job_id, owner=owner)
        unit.audit("job.cancel", by=by, target=job.id)
        return self.queue.cancel(job)

    @atomic
    def retry(self, unit: Unit, *, job_id: str, owner: str | None, by: str) -> Job:
        """Queue a job again that failed or was cancelled. It counts against its owner's limit."""
        job = self.get(job_id=job_id, owner=owner)
        unit.audit("job.retry", by=by, target=job.id)
        queued = self.queue.retry(job)
        self._announce(unit, queued)
        return queued

    def log_lines(self, *, job_id: str, owner: str | None, after: int) -> tuple[list[LogLine], int]:
        """The lines behind the one with the number `after`, and how many the job has written in
        all. Raises NotFound.
        """
        job = self.get(job_id=job_id, owner=owner)
        lines = self.queue.logs.lines(job.id, after=after)
        return lines, lines[-1].number if lines else self.queue.logs.last_number(job.id)

    def faults(self) -> Iterator[Fault]:
        return self.queue.faults(self.owners.stays)
