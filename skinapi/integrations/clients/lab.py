"""DermaScan lab's data sets, trainings and models, in its own format.

Its client cannot map labels, so pictures with unknown ones are excluded, and the message says so.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.owners import owner_of
from skinapi.base.errors import BadDataset, InvalidBody, NotFound
from skinapi.base.pages import PageRequest, read_all
from skinapi.base.values import finite_number
from skinapi.integrations.clients.dermascan_diagnosis import CLASS_IDS, CLIENT
from skinapi.lab.checks.label_mapping import explain_groups
from skinapi.lab.datasets.dataset_versions import DatasetName, DatasetVersion, NewDataset
from skinapi.lab.errors import DatasetQuotaReached, NameTaken
from skinapi.lab.service import DatasetsService, TrainingRequest, TrainingService
from skinapi.model.registry.stored_version import ModelVersion
from skinapi.model.registry.version_service import ModelsService
from skinapi.platform.jobs.job import Job
from skinapi.platform.web.declaration import OpenedToClient, Rate, Routes
from skinapi.platform.web.request_parsing import FormStream
from skinapi.platform.web.schemas import (
    LARGEST_PAGE,
    Answer,
    ContractForm,
    Message,
    Upload,
)

WRONG_NAME = "datasetName: give the data set a name of 1 to 100 characters"
UNNAMED = "custom"  # as this client's own server calls it
RESEARCHERS = OpenedToClient((CLIENT,), roles=("researcher", "admin"))
# Its screen shows all of them at once.
MOST_MODELS = 50
ClientStatus = Literal["queued", "running", "completed", "failed"]

dataset_routes: Routes[DatasetsService] = Routes(access=RESEARCHERS)
training_routes: Routes[TrainingService] = Routes(access=RESEARCHERS)
model_routes: Routes[ModelsService] = Routes(access=RESEARCHERS)


class UploadForm(ContractForm):
    missing: ClassVar[str] = "No file was sent"
    files: tuple[Upload, ...]
    datasetName: str | None = None  # noqa: N815 (the client's spelling)


class NameQuery(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    datasetName: str | None = None  # noqa: N815 (the client's spelling)


class UploadedDataset(Answer):
    status: Literal["success"]
    dataset_name: str
    dataset_path: str
    files_saved: list[str]
    files_extracted: int
    message: str


class ListedDataset(Answer):
    name: str
    path: str
    file_count: int
    files: list[str]


class ListedDatasets(Answer):
    datasets: list[ListedDataset]


def _path_of(dataset: DatasetVersion) -> str:
    return f"datasets/{dataset.id}"


def _message_of(dataset: DatasetVersion) -> str:
    unknown = dataset.report["unknown_labels"]
    left_out = sum(label["count"] for label in unknown)
    parts = [f"{dataset.pictures} pictures published as version {dataset.version}."]
    if left_out:
        labels = [label["label"] for label in unknown]
        named = ", ".join(labels[:5])
        parts.append(f"Left out, because their labels are not known: {left_out} ({named}).")
        parts.append(explain_groups(labels))
    return " ".join([*filter(None, parts), *dataset.report["warnings"]])


@dataset_routes.route(
    "POST",
    "/api/upload-dataset",
    rate=Rate.ANONYMOUS,
    spooled=True,
    raises=(BadDataset, DatasetQuotaReached, NameTaken),
)
def upload_dataset_for_lab(
    datasets: DatasetsService,
    *,
    query: NameQuery,
    parts: FormStream[UploadForm],
    subject: Subject | None,
) -> UploadedDataset:
    """DermaScan lab's upload: pictures, a table, or archives of both, as one data set."""

    def describe(texts: Mapping[str, str]) -> NewDataset:
        try:
            name: str = TypeAdapter(DatasetName).validate_python(
                query.datasetName or texts.get("datasetName") or UNNAMED
            )
        except ValidationError as error:
            raise InvalidBody(WRONG_NAME) from error
        return NewDataset(name=name, owner=owner_of(subject), skip_unknown_labels=True)

    published, names = datasets.send_form(parts=parts, field="files", describe=describe)
    return UploadedDataset(
        status="success",
        dataset_name=published.dataset.name,
        dataset_path=_path_of(published.dataset),
        files_saved=names,
        files_extracted=published.unpacked,
        message=_message_of(published.dataset),
    )


@dataset_routes.route("GET", "/api/upload-dataset/admission")
def admit_dataset(_: DatasetsService) -> Message:
    """Say whether the caller may send data sets: a proxy asks before it takes their bytes."""
    return Message(message="You may send data sets")


@dataset_routes.route("GET", "/api/datasets", rate=Rate.ANONYMOUS)
def list_datasets_for_lab(datasets: DatasetsService) -> ListedDatasets:
    """DermaScan lab's list: the newest version of each name."""
    all_datasets = read_all(datasets.page_datasets, PageRequest(LARGEST_PAGE))
    newest = {dataset.name_key: dataset for dataset in all_datasets}
    listed = [
        ListedDataset(
            name=dataset.name,
            path=_path_of(dataset),
            file_count=dataset.pictures,
            files=list(dataset.files),
        )
        for dataset in newest.values()
    ]
    return ListedDatasets(datasets=listed)


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
    def from_job(cls, job: Job) -> Self:
        version = (job.result or {}).get("version")
        asked = TrainingRequest.model_fields.keys() - {"dataset"}
        return cls(
            job_id=job.id,
            # Its client has no cancelled state, so the message says it.
            status="failed" if job.status == "cancelled" else job.status,
            progress=job.progress,
            message=job.error or job.message,
            created_at=job.created_at.isoformat(),
            started_at=job.started_at.isoformat() if job.started_at else None,
            completed_at=job.completed_at.isoformat() if job.completed_at else None,
            model_path=f"/models/{version}" if version else None,
            metrics=[_metrics_of(row) for row in job.metrics],
            request={name: job.request[name] for name in asked if name in job.request},
        )


def _metrics_of(row: Mapping[str, Any]) -> Metrics:
    return Metrics.model_validate({name: row.get(name) for name in Metrics.model_fields})


@training_routes.route("GET", "/api/job/<job_id>/status", raises=(NotFound,))
def show_training(
    trainings: TrainingService, *, job_id: str, subject: Subject | None
) -> TrainingState:
    """How far a training is, with a row of metrics for each epoch."""
    seen_by = None if subject and subject.role == "admin" else owner_of(subject)
    return TrainingState.from_job(trainings.jobs.get(job_id=job_id, owner=seen_by))


class Metadata(Answer):
    """Null where the model's card does not say."""

    architecture: str
    num_classes: int
    label_map: dict[str, int]
    test_accuracy: float | None
    test_loss: float | None
    epochs_trained: int | None
    batch_size: int | None
    optimizer: str | None
    learning_rate: float | None
    model_path: str
    training_date: str


class LabModel(Answer):
    name: str
    path: str
    metadata: Metadata

    @classmethod
    def from_version(cls, version: ModelVersion) -> Self:
        phase, epochs = _training_of(version)
        batch, optimizer = finite_number(phase.get("batch")), phase.get("optimizer")
        # An address of this server, not a path on its disk.
        path = f"/models/{version.version}"
        return cls(
            name=version.version,
            path=path,
            metadata=Metadata(
                architecture=version.architecture,
                num_classes=len(version.labels),
                label_map={
                    CLASS_IDS.get(key, key): index for index, key in enumerate(version.labels)
                },
                test_accuracy=version.headline.get("accuracy"),
                test_loss=version.headline.get("log_loss"),
                epochs_trained=epochs,
                batch_size=None if batch is None else int(batch),
                optimizer=optimizer if isinstance(optimizer, str) else None,
                learning_rate=finite_number(phase.get("learning_rate")),
                model_path=path,
                training_date=version.created_at.isoformat(),
            ),
        )


class LabModels(Answer):
    models: list[LabModel]


@model_routes.route("GET", "/api/models")
def list_models_for_lab(models: ModelsService) -> LabModels:
    """DermaScan lab's list of models: the newest fifty."""
    newest = models.versions.list_newest(limit=MOST_MODELS)
    return LabModels(models=[LabModel.from_version(version) for version in newest])


def _training_of(version: ModelVersion) -> tuple[Mapping[str, Any], int | None]:
    training = (version.read_card().model_extra or {}).get("training")
    known = training if isinstance(training, Mapping) else {}
    recipe, phases = known.get("recipe"), known.get("phases")
    histories = [
        phase["history"]
        for phase in (phases.values() if isinstance(phases, Mapping) else ())
        if isinstance(phase, Mapping) and isinstance(phase.get("history"), list)
    ]
    epochs = sum(map(len, histories)) if histories else None
    planned = recipe.get("phases") if isinstance(recipe, Mapping) else None
    last = planned[-1] if isinstance(planned, list) and planned else {}
    return last if isinstance(last, Mapping) else {}, epochs


ROUTES = (
    (dataset_routes, DatasetsService),
    (model_routes, ModelsService),
    (training_routes, TrainingService),
)
