from datetime import datetime, timedelta
from typing import Any, Literal

from skinapi.base.errors import Conflict, TooManyRequests
from skinapi.base.stored_record import StoredRecord

Status = Literal["queued", "running", "completed", "failed", "cancelled"]
ENDED: tuple[Status, ...] = ("completed", "failed", "cancelled")
# The kind of a job that makes the file with everything about its owner: nobody else sees it.
PERSON_FILE = "person_file"

NO_RIGHT = "Cancelled: its account may not run such jobs any more"

MOST_ATTEMPTS = 3
MOST_UNFINISHED = 5  # per account, running and queued
MOST_KEPT = 500  # per account; a new job then removes the oldest finished one
KEPT_FOR = timedelta(days=90)  # after its end
# The `error_code` of a job whose process ended without a word, in each of its attempts.
CRASHED = "job_crashed"
# And of one that needed more memory than a job may use.
NEEDS_MEMORY = "job_needs_memory"
# And of one that ran for longer than such a job may.
TOOK_TOO_LONG = "job_took_too_long"


class Job(StoredRecord):
    """A frozen copy of one job. `seconds_before` is the total time of earlier attempts. A `short`
    job does not wait for long ones. `metrics` and `result` are empty in lists.
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
    seconds_before: float = 0.0
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
