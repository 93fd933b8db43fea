"""What crosses the wire about jobs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from skinapi.jobs.job import Job, Status
from skinapi.jobs.queue.job_logs import LogLine
from skinapi.storage.ids import now
from skinapi.web.schemas.schema_types import Answer

LARGEST_PAGE = 100
INSTALL = "make lab"
JobId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}$")]


class JobPageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = LARGEST_PAGE
    after: JobId | None = None


class LogQuery(BaseModel):
    """`after`: the number of the last line that the caller has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Annotated[int, Field(ge=0, le=2**53)] = 0


class WorkersView(Answer):
    missing: str | None = Field(
        description="a library that trainings and imports need and that is not installed for the "
        "workers beside this server: they fail. Null too where the workers are elsewhere"
    )
    install: str | None = Field(
        description="the command that installs it, in the folder of SkinAPI; nothing is restarted"
    )


class JobSummary(Answer):
    """`progress` goes from 0 to 100. `eta_seconds` is null where it cannot be said."""

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
    completed_at: datetime | None
    eta_seconds: int | None
    request: dict[str, Any]

    @classmethod
    def of(cls, job: Job) -> Self:
        stored = job.model_dump(include=set(cls.model_fields))
        return cls.model_validate({**stored, "eta_seconds": job.eta_seconds(now())})


class JobView(JobSummary):
    metrics: list[dict[str, Any]]
    result: dict[str, Any] | None


class LogLineView(Answer):
    number: int
    text: str


class JobLogView(Answer):
    """`lines_written` counts all lines. Those that are not kept are missing between the first and
    the last ones, and their numbers too.
    """

    lines: list[LogLineView]
    lines_written: int

    @classmethod
    def of(cls, lines: Sequence[LogLine], written: int) -> "JobLogView":
        shown = [LogLineView(number=number, text=text) for number, text in lines]
        return cls(lines=shown, lines_written=written)
