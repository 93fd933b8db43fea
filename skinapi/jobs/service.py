"""Submitting, reading, cancelling and starting again of jobs."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from skinapi.audit import AuditTrail
from skinapi.errors import NotFound
from skinapi.jobs.job import Job
from skinapi.jobs.log_store import LogLine
from skinapi.jobs.queue import Jobs
from skinapi.storage.faults import Fault


class JobLog(NamedTuple):
    """Some lines of a log, and how many lines the job has written in all."""

    lines: list[LogLine]
    written: int


class JobsService:
    """Everybody sees and changes the own jobs. To an admin, `owner` None means those of all."""

    def __init__(self, *, jobs: Jobs, trail: AuditTrail) -> None:
        self._jobs, self._trail = jobs, trail

    def submit(self, *, kind: str, owner: str, request: Mapping[str, Any]) -> Job:
        """Queue a job. Its request was checked by the caller: plain JSON values, no field `…_at`.

        Raises TooManyJobs.
        """
        identifier = self._jobs.new_id()
        with self._trail.act("job.submit", by=owner, target=identifier):
            return self._jobs.add(identifier=identifier, kind=kind, owner=owner, request=request)

    def get(self, *, job_id: str, owner: str | None) -> Job:
        """Raises NotFound, also for a job of somebody else."""
        job = self._jobs.get(job_id)
        if job is None or owner not in (None, job.owner):
            raise NotFound(f"Job not found: {job_id}")
        return job

    def find(self, *, owner: str | None, limit: int, after: str | None) -> list[Job]:
        """Jobs without metrics and results, the last submitted first. Raises NotFound if there is
        no job `after`.
        """
        return self._jobs.find(owner=owner, limit=limit, after=after)

    def unfinished_requests(self) -> list[Mapping[str, Any]]:
        """What all jobs that wait or run were asked for."""
        return self._jobs.unfinished_requests()

    def cancel(self, *, job_id: str, owner: str | None, by: str) -> Job:
        """End a job; a running one ends within seconds. Raises NotFound, JobEnded."""
        job = self.get(job_id=job_id, owner=owner)
        with self._trail.act("job.cancel", by=by, target=job.id):
            return self._jobs.cancel(job)

    def retry(self, *, job_id: str, owner: str | None, by: str) -> Job:
        """Queue a job again that failed or was cancelled. It counts against its owner's limit.

        Raises NotFound, JobNotEnded, TooManyJobs.
        """
        job = self.get(job_id=job_id, owner=owner)
        with self._trail.act("job.retry", by=by, target=job.id):
            return self._jobs.retry(job)

    def log_lines(self, *, job_id: str, owner: str | None, after: int) -> JobLog:
        """The lines behind the one with the number `after`. Raises NotFound."""
        job = self.get(job_id=job_id, owner=owner)
        lines = self._jobs.logs.lines(job.id, after=after)
        return JobLog(lines, lines[-1].number if lines else self._jobs.logs.last_number(job.id))

    def forget(self, owner: str) -> None:
        """Delete all jobs of an account, and end those that run. It is idempotent."""
        self._jobs.forget(owner)

    def faults(self, has_account: Callable[[str], bool]) -> Iterator[Fault]:
        return self._jobs.faults(has_account)
