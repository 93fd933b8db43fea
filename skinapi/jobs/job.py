"""The record of a job, as callers see it, and how much of everything a job may have."""

from datetime import datetime, timedelta
from typing import Any, Literal

from skinapi.errors import Conflict, TooManyRequests
from skinapi.stored_record import StoredRecord

Status = Literal["queued", "running", "completed", "failed", "cancelled"]
ENDED: tuple[Status, ...] = ("completed", "failed", "cancelled")
# The kind of a job that installs what the others need (`jobs/lab_installation.py`).
INSTALLATION = "installation"
# The kind of a job that makes the file with everything about its owner: nobody else sees it.
PERSON_FILE = "person_file"
# The jobs of DermaScan lab's client have this owner where it may send no token (OPEN_LAB).
DERMASCAN_LAB_OWNER = "open-lab"

NO_RIGHT = "Cancelled: its account may not run such jobs any more"

MOST_ATTEMPTS = 3
MOST_UNFINISHED = 5  # of one account, running and queued
MOST_KEPT = 500  # of one account; a new job then removes the oldest that has ended
KEPT_FOR = timedelta(days=90)  # after its end
# The `error_code` of a job whose process ended without a word, in each of its attempts.
CRASHED = "job_crashed"
# And of one that needed more memory than a job may use.
NEEDS_MEMORY = "job_needs_memory"
# And of one that ran for longer than such a job may.
TOOK_TOO_LONG = "job_took_too_long"
# A forecast from less is noise: the first seconds of a training load and compile the network.
ETA_FROM_PROGRESS, ETA_FROM_SECONDS = 1.0, 3.0
# A forecast that may be so many times more or less is not told.
MOST_DOUBT = 2.0


class Job(StoredRecord):
    """A frozen copy of one job.

    `started_at` is the start of the first attempt, `attempt_started_at` of the current one, which
    began at `progress_before`; those before it ran for `seconds_before` in all. At `left_told_at`
    it said that it takes `left_seconds` more, or `left_doubt` times more or less. A `short` job
    does not wait for the others: a worker runs one beside another job. `error` is a sentence and
    `error_code` its code, as errors of the API have one. `metrics` and `result` are empty in lists.
    `idempotency_key` is that of the request that queued it.
    """

    id: str
    created_at: datetime
    kind: str
    owner: str
    request: dict[str, Any]
    status: Status
    place: str
    queue_key: str
    progress: float = 0.0
    message: str = ""
    metrics: tuple[dict[str, Any], ...] = ()
    result: dict[str, Any] | None = None
    error: str | None = None
    error_code: str | None = None
    started_at: datetime | None = None
    attempt_started_at: datetime | None = None
    progress_before: float = 0.0
    seconds_before: float = 0.0
    left_seconds: float | None = None
    left_told_at: datetime | None = None
    left_doubt: float | None = None
    short: bool = False
    completed_at: datetime | None = None
    attempts: int = 0
    cancel_asked: bool = False
    slot: int | None = None
    running_owner: str | None = None
    token: str | None = None
    worker: str | None = None
    lease_ends_at: datetime | None = None
    idempotency_key: str | None = None

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    def eta_seconds(self, moment: datetime) -> int | None:
        """Seconds until it ends, by what it has told itself, else if it goes on at the pace of this
        attempt; None if that cannot be said.
        """
        if self.status != "running" or self.attempt_started_at is None:
            return None
        if self.left_told_at and self.left_told_at >= self.attempt_started_at:
            if self.left_doubt and self.left_doubt > MOST_DOUBT:
                return None
            passed = (moment - self.left_told_at).total_seconds()
            return round(max(0.0, (self.left_seconds or 0.0) - passed))
        elapsed = (moment - self.attempt_started_at).total_seconds()
        done = self.progress - self.progress_before
        if done < ETA_FROM_PROGRESS or elapsed < ETA_FROM_SECONDS:
            return None
        return round(elapsed / done * max(0.0, 100.0 - self.progress))

    def eta_range(self, moment: datetime) -> tuple[int, int] | None:
        """Between how many seconds and how many that lies; None where the job does not say so."""
        seconds = self.eta_seconds(moment)
        if seconds is None or not self.left_doubt:
            return None
        return round(seconds / self.left_doubt), round(seconds * self.left_doubt)


# The errors that only jobs raise.


class TooManyJobs(TooManyRequests):
    code = "too_many_jobs"
    sentence = (
        f"At most {MOST_UNFINISHED} of your jobs may wait or run at the same time. Wait for one to "
        "end, or cancel one"
    )


class JobEnded(Conflict):
    code, sentence = "job_ended", "This job has ended, so it cannot be cancelled"


class JobNotEnded(Conflict):
    code = "job_not_ended"
    sentence = "Only a job that failed or was cancelled can be started again"
