from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from skinapi.base.errors import NotFound
from skinapi.base.values import GaugeReading
from skinapi.platform.jobs.announcements import Announcer
from skinapi.platform.jobs.job import PERSON_FILE, Job
from skinapi.platform.jobs.job_logs import LogLine
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.records import find_or_make
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic


class JobOwners(Protocol):
    def lock(self, owner: str) -> None:
        """Raise InvalidToken, in a transaction, if the account is deleted or being deleted."""

    def stays(self, owner: str) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsService:
    """`owner=None` means the jobs of all accounts, for an admin."""

    work: UnitOfWork
    queue: Jobs
    owners: JobOwners
    announcer: Announcer | None = None

    def submit(
        self,
        *,
        kind: str,
        owner: str,
        request: Mapping[str, Any],
        key: str | None = None,
        short: bool = False,
        lock: Callable[[], object] = lambda: None,
    ) -> Job:
        """Queue a job. `request` is plain JSON without fields named `…_at`. A `short` job does not
        wait for jobs that take hours. `lock` is called in the transaction and may refuse the job.
        The same request with the same idempotency key returns the first job.
        """
        find_queued = partial(
            self.queue.find_by_key, kind=kind, owner=owner, request=request, key=key
        )

        def add(unit: Unit) -> Job:
            identifier = self.queue.new_id()
            unit.audit("job.submit", by=owner, target=identifier)
            self.owners.lock(owner)
            lock()
            job = self.queue.add(
                identifier, kind=kind, owner=owner, request=request, key=key, short=short
            )
            self._announce(unit, job)
            return job

        return find_or_make(find_queued, lambda: self.work.run(add))

    def _announce(self, unit: Unit, job: Job) -> None:
        if self.announcer:
            unit.afterwards(partial(self.announcer.announce, job.id))

    def get(self, *, job_id: str, owner: str | None) -> Job:
        """A job of another account, or one that exports a person's file, is not found."""
        job = self.queue.find(job_id)
        if job is None or owner not in (None, job.owner) or job.kind == PERSON_FILE:
            raise NotFound(f"Job not found: {job_id}")
        return job

    def gauges(self) -> list[GaugeReading]:
        counts, waits = self.queue.count_unfinished(), self.queue.next_waits()
        text = "Jobs that have not ended; lost: their worker has disappeared"
        waiting = "How long the job whose turn it is has waited"
        return [
            *(
                GaugeReading("skinapi_jobs", text, count, (("state", state),))
                for state, count in counts.items()
            ),
            GaugeReading("skinapi_jobs_next_waits_seconds", waiting, waits.total_seconds()),
        ]

    def problems(self) -> list[str]:
        waits = self.queue.find_wait_without_worker()
        if waits is None:
            return []
        since = f"the next job has waited for {waits // timedelta(minutes=1)} min"
        return [f"No job worker runs, and {since}: start `python -m skinapi worker`"]

    @atomic
    def cancel(self, unit: Unit, *, job_id: str, owner: str | None, by: str) -> Job:
        job = self.get(job_id=job_id, owner=owner)
        unit.audit("job.cancel", by=by, target=job.id)
        return self.queue.cancel(job)

    @atomic
    def retry(self, unit: Unit, *, job_id: str, owner: str | None, by: str) -> Job:
        job = self.get(job_id=job_id, owner=owner)
        unit.audit("job.retry", by=by, target=job.id)
        queued = self.queue.retry(job)
        self._announce(unit, queued)
        return queued

    def log_lines(self, *, job_id: str, owner: str | None, after: int) -> tuple[list[LogLine], int]:
        job = self.get(job_id=job_id, owner=owner)
        lines = self.queue.logs.lines(job.id, after=after)
        return lines, lines[-1].number if lines else self.queue.logs.last_number(job.id)

    def check_integrity(self) -> Iterator[Fault]:
        return self.queue.check_integrity(self.owners.stays)
