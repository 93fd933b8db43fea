"""Submitting, reading, cancelling and starting again of jobs."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from skinapi.audit import AuditTrail
from skinapi.domain.gauges import GaugeReading
from skinapi.errors import Duplicate, NotFound, SkinAPIError
from skinapi.jobs.job import Job
from skinapi.jobs.job_logs import LogLine
from skinapi.jobs.job_queue import Jobs
from skinapi.logs import log
from skinapi.storage.faults import Fault


class JobsService:
    """Everybody sees and changes the own jobs. To an admin, `owner` None means those of all. What
    has no rule, callers ask the `queue`.

    `hold_owner` raises InvalidToken where an owner has no account, or one that is being deleted;
    `owner_stays` tells it. `announce` tells idle workers of a job that waits, by its id; it may
    fail to. `missing_library` names one that the workers lack, where it is known who keeps them.
    """

    def __init__(
        self,
        *,
        jobs: Jobs,
        trail: AuditTrail,
        hold_owner: Callable[[str], None],
        owner_stays: Callable[[str], bool],
        announce: Callable[[str], object],
        missing_library: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.queue, self._trail = jobs, trail
        self._hold_owner, self._owner_stays = hold_owner, owner_stays
        self._announce = announce
        self.missing_library = missing_library

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
        identifier = self.queue.new_id()

        def add() -> Job:
            self._hold_owner(owner)
            hold()
            return self.queue.add(
                identifier=identifier,
                kind=kind,
                owner=owner,
                request=request,
                key=key,
                short=short,
            )

        try:
            job = self._trail.change(add, "job.submit", by=owner, target=identifier)
        except Duplicate:  # a retry of this request has stored it in the meantime
            if before := self.queue.find_by_key(kind=kind, owner=owner, request=request, key=key):
                return before
            raise
        self._announce(job.id)
        return job

    def get(self, *, job_id: str, owner: str | None) -> Job:
        """Raises NotFound, also for a job of somebody else."""
        job = self.queue.find(job_id)
        if job is None or owner not in (None, job.owner):
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

    def cancel(self, *, job_id: str, owner: str | None, by: str) -> Job:
        """End a job; a running one ends within seconds. Raises NotFound, JobEnded."""
        job = self.get(job_id=job_id, owner=owner)
        return self._trail.change(
            partial(self.queue.cancel, job), "job.cancel", by=by, target=job.id
        )

    def retry(self, *, job_id: str, owner: str | None, by: str) -> Job:
        """Queue a job again that failed or was cancelled. It counts against its owner's limit.

        Raises NotFound, JobNotEnded, TooManyJobs.
        """
        job = self.get(job_id=job_id, owner=owner)
        queued = self._trail.change(
            partial(self.queue.retry, job), "job.retry", by=by, target=job.id
        )
        self._announce(queued.id)
        return queued

    def log_lines(self, *, job_id: str, owner: str | None, after: int) -> tuple[list[LogLine], int]:
        """The lines behind the one with the number `after`, and how many the job has written in
        all. Raises NotFound.
        """
        job = self.get(job_id=job_id, owner=owner)
        lines = self.queue.logs.lines(job.id, after=after)
        return lines, lines[-1].number if lines else self.queue.logs.last_number(job.id)

    def faults(self) -> Iterator[Fault]:
        return self.queue.faults(self._owner_stays)
