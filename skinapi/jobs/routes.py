"""The routes of jobs. A researcher has the own ones; an admin has those of all."""

from skinapi.errors import NotFound
from skinapi.jobs.errors import JobEnded, JobNotEnded, TooManyJobs
from skinapi.jobs.schemas import (
    INSTALL,
    JobLogView,
    JobPageQuery,
    JobSummary,
    JobView,
    LogQuery,
    WorkersView,
)
from skinapi.jobs.service import JobsService
from skinapi.web.access import Signed, Subject
from skinapi.web.limits.rate_limits import Rate
from skinapi.web.routing.declaration import Routes
from skinapi.web.schemas.pagination import Page, page_of

routes: Routes[JobsService] = Routes("jobs")
LAB = Signed(
    roles=("researcher", "admin"), refusal="Only researchers and admins can work in the lab"
)


@routes.route("GET", "/jobs", access=LAB, rate=Rate.READ, raises=(NotFound,))
def list_jobs(jobs: JobsService, *, query: JobPageQuery, subject: Subject) -> Page[JobSummary]:
    """Jobs, the last submitted first: the caller's own, or for an admin those of all."""
    listed = jobs.queue.list_jobs(
        owner=_owner_for(subject), limit=query.limit + 1, after=query.after
    )
    return page_of(listed, query.limit).map(JobSummary.of)


@routes.route("GET", "/jobs/workers", access=LAB, rate=Rate.READ)
def show_job_workers(jobs: JobsService) -> WorkersView:
    """Whether the workers beside this server have what trainings and imports need."""
    missing = jobs.missing_library()
    return WorkersView(missing=missing, install=INSTALL if missing else None)


@routes.route("GET", "/jobs/<job_id>", access=LAB, rate=Rate.READ, raises=(NotFound,))
def show_job(jobs: JobsService, *, job_id: str, subject: Subject) -> JobView:
    """A job with its metrics and its result."""
    return JobView.of(jobs.get(job_id=job_id, owner=_owner_for(subject)))


@routes.route("GET", "/jobs/<job_id>/log", access=LAB, rate=Rate.READ, raises=(NotFound,))
def show_job_log(
    jobs: JobsService, *, job_id: str, query: LogQuery, subject: Subject
) -> JobLogView:
    """What a job has printed: the first 500 lines and about the last 1,500. With `after`, only the
    lines behind that number.
    """
    lines, written = jobs.log_lines(job_id=job_id, owner=_owner_for(subject), after=query.after)
    return JobLogView.of(lines, written)


@routes.route(
    "POST", "/jobs/<job_id>/cancel", access=LAB, rate=Rate.WRITE, raises=(NotFound, JobEnded)
)
def cancel_job(jobs: JobsService, *, job_id: str, subject: Subject) -> JobView:
    """Cancel a job. A running one has the status `running` until its process has ended, a few
    seconds later.
    """
    return JobView.of(jobs.cancel(job_id=job_id, owner=_owner_for(subject), by=subject.id))


@routes.route(
    "POST",
    "/jobs/<job_id>/retry",
    access=LAB,
    rate=Rate.WRITE,
    raises=(NotFound, JobNotEnded, TooManyJobs),
)
def retry_job(jobs: JobsService, *, job_id: str, subject: Subject) -> JobView:
    """Queue a job again that failed or was cancelled, from its beginning."""
    return JobView.of(jobs.retry(job_id=job_id, owner=_owner_for(subject), by=subject.id))


def _owner_for(subject: Subject) -> str | None:
    return None if subject.role == "admin" else subject.id
