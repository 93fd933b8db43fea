"""DermaScan lab's training: starting one, and its state, which the client asks for every 2 s."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field

from skinapi.base.errors import BadDataset, NotFound
from skinapi.base.subject import Subject
from skinapi.integrations.clients.dermascan_uploads import RESEARCHERS
from skinapi.lab.service import TrainingRequest, TrainingService
from skinapi.platform.jobs.job import DERMASCAN_LAB_OWNER, Job, Status, TooManyJobs
from skinapi.platform.web.declaration import Rate, Routes
from skinapi.platform.web.schemas import Answer, ContractBody

METRICS = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "timestamp")
ClientStatus = Literal["queued", "running", "completed", "failed"]
LARGEST_BODY = 16 * 1024

routes: Routes[TrainingService] = Routes("lab training", access=RESEARCHERS)


class StartTraining(ContractBody, TrainingRequest):
    missing: ClassVar[str] = (
        "No data set was named (dataset_name). Upload one first, then start the training."
    )


class StartedTraining(Answer):
    job_id: str
    status: Literal["queued"]
    message: str


class Metrics(Answer):
    epoch: int
    loss: float | None
    accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None
    timestamp: str


class TrainingState(Answer):
    job_id: str
    status: ClientStatus
    progress: float
    message: str
    created_at: str
    started_at: str | None
    completed_at: str | None
    model_path: str | None = Field(description="an address of this server")
    metrics: list[Metrics]
    request: dict[str, Any]

    @classmethod
    def of(cls, job: Job) -> Self:
        version = (job.result or {}).get("version")
        return cls(
            job_id=job.id,
            status=_status_of(job.status),
            progress=job.progress,
            message=job.error or job.message,
            created_at=job.created_at.isoformat(),
            started_at=job.started_at.isoformat() if job.started_at else None,
            completed_at=job.completed_at.isoformat() if job.completed_at else None,
            model_path=f"/models/{version}" if version else None,
            metrics=[_metrics_of(row) for row in job.metrics],
            request={name: job.request[name] for name in _ASKED if name in job.request},
        )


_ASKED = TrainingRequest.model_fields.keys() - {"dataset", "side"}


def _status_of(status: Status) -> ClientStatus:
    """Its client knows no cancelled jobs; the message says it."""
    return "failed" if status == "cancelled" else status


def _metrics_of(row: dict[str, Any]) -> Metrics:
    return Metrics.model_validate({name: row.get(name) for name in METRICS})


@routes.route(
    "POST",
    "/api/start-training",
    rate=Rate.ANONYMOUS,
    max_body=LARGEST_BODY,
    raises=(NotFound, BadDataset, TooManyJobs),
)
def start_training(
    trainings: TrainingService, *, body: StartTraining, subject: Subject | None
) -> StartedTraining:
    """Train a network on a data set, as a job: see `GET /jobs/{id}` for its log and more."""
    owner = subject.id if subject else DERMASCAN_LAB_OWNER
    job = trainings.start(request=body, owner=owner)
    return StartedTraining(job_id=job.id, status="queued", message="Training job started")


@routes.route("GET", "/api/job/<job_id>/status", raises=(NotFound,))
def show_training(
    trainings: TrainingService, *, job_id: str, subject: Subject | None
) -> TrainingState:
    """How far a training is, with a row of metrics for each epoch."""
    owner = subject.id if subject else DERMASCAN_LAB_OWNER
    seen_by = None if subject and subject.role == "admin" else owner
    return TrainingState.of(trainings.get(job_id=job_id, owner=seen_by))
