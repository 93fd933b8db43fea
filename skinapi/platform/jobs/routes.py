from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints

from skinapi.base.errors import NotFound
from skinapi.base.pages import Page, read_all
from skinapi.base.subject import Caller
from skinapi.platform.jobs.job import Job, JobEnded, JobNotEnded, Status, TooManyJobs
from skinapi.platform.jobs.job_logs import LogLine
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.jobs.service import JobsService
from skinapi.platform.web.declaration import Authenticated, Routes
from skinapi.platform.web.schemas import Answer, PageQuery, Query

LARGEST_PAGE = 100
JobId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}$")]


class JobPageQuery(PageQuery):
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = LARGEST_PAGE
    after: JobId | None = None


class LogQuery(Query):
    after: Annotated[int, Field(ge=0, le=2**53)] = 0


class JobSummary(Answer):
    """`progress` goes from 0 to 100."""

    id: str
    kind: str
    owner: str
    status: Status
    progress: float
    message: str
    error: str | None
    error_code: str | None = Field(
        description="the `code` of that error; `job_crashed` where its process ended without a "
        "word; `job_needs_memory` where it needed more memory than a job may use; "
        "`job_took_too_long` where it ran for longer than a job may"
    )
    attempts: int
    created_at: datetime
    started_at: datetime | None
    attempt_started_at: datetime | None = Field(
        description="later than `started_at` where it began again, because its process, the worker "
        "or the machine had stopped"
    )
    completed_at: datetime | None
    request: dict[str, Any]

    @classmethod
    def from_job(cls, job: Job) -> Self:
        return cls.model_validate(job, from_attributes=True)


class JobView(JobSummary):
    metrics: list[dict[str, Any]]
    result: dict[str, Any] | None


class JobLogView(Answer):
    """`lines_written` counts all lines. Those that are not kept are missing between the first and
    the last ones, and their numbers too.
    """

    lines: list[LogLine]
    lines_written: int


def describe_jobs(of: Caller, jobs: Jobs) -> Mapping[str, object]:
    own = read_all(lambda paging: jobs.page_jobs(owner=of.id, paging=paging))
    return {"jobs": [JobSummary.from_job(job) for job in own]}


LAB = Authenticated(
    roles=("researcher", "admin"),
    refusal="Only researchers and admins can work in the lab",
    scopes=("lab",),
)
routes: Routes[JobsService] = Routes(access=LAB)


@routes.route("GET", "/jobs", raises=(NotFound,))
def list_jobs(jobs: JobsService, *, query: JobPageQuery, subject: Caller) -> Page[JobSummary]:
    """Jobs, the last submitted first: the caller's own, or for an admin those of all."""
    owner = _owner_for(subject)
    return jobs.queue.page_jobs(owner=owner, paging=query.paging).map(JobSummary.from_job)


@routes.route("GET", "/jobs/<job_id>", raises=(NotFound,))
def show_job(jobs: JobsService, *, job_id: str, subject: Caller) -> JobView:
    """A job with its metrics and its result."""
    return JobView.from_job(jobs.get(job_id=job_id, owner=_owner_for(subject)))


@routes.route("GET", "/jobs/<job_id>/log", raises=(NotFound,))
def show_job_log(jobs: JobsService, *, job_id: str, query: LogQuery, subject: Caller) -> JobLogView:
    """What a job has printed: the first 500 lines and about the last 1,500. With `after`, only the
    lines behind that number.
    """
    lines, written = jobs.log_lines(job_id=job_id, owner=_owner_for(subject), after=query.after)
    return JobLogView(lines=lines, lines_written=written)


@routes.route("POST", "/jobs/<job_id>/cancel", raises=(NotFound, JobEnded))
def cancel_job(jobs: JobsService, *, job_id: str, subject: Caller) -> JobView:
    """Cancel a job. A running one has the status `running` until its process has ended, a few
    seconds later.
    """
    return JobView.from_job(jobs.cancel(job_id=job_id, owner=_owner_for(subject), by=subject.id))


@routes.route("POST", "/jobs/<job_id>/retry", raises=(NotFound, JobNotEnded, TooManyJobs))
def retry_job(jobs: JobsService, *, job_id: str, subject: Caller) -> JobView:
    """Queue a job again that failed or was cancelled, from its beginning."""
    return JobView.from_job(jobs.retry(job_id=job_id, owner=_owner_for(subject), by=subject.id))


def _owner_for(subject: Caller) -> str | None:
    return None if subject.role == "admin" else subject.id
