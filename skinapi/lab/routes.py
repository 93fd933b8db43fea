import hashlib
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from flask import Response, request
from pydantic import ConfigDict, Field, StringConstraints

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.owners import owner_of
from skinapi.base.errors import (
    BadDataset,
    BadRequest,
    Conflict,
    Forbidden,
    IdempotencyKeyReused,
    NotFound,
    WrongNetworkLabels,
)
from skinapi.base.field_types import Contained, Identifier, Name, Printable
from skinapi.base.pages import Page
from skinapi.lab.datasets.dataset_images import DatasetImage
from skinapi.lab.datasets.dataset_versions import (
    DatasetName,
    DatasetVersion,
    LabelSource,
    NewDataset,
    Status,
)
from skinapi.lab.datasets.uploads import (
    LARGEST_PART,
    Announced,
    UploadRecord,
    UploadsService,
)
from skinapi.lab.errors import (
    DatasetInUse,
    DatasetQuotaReached,
    NameTaken,
    UploadInUse,
    WrongOffset,
)
from skinapi.lab.reviewed_findings import FromReviewsService
from skinapi.lab.service import (
    DatasetsService,
    ImportRequest,
    ImportsService,
    TrainingRequest,
    TrainingService,
)
from skinapi.model.context import Modality
from skinapi.platform.jobs.job import TooManyJobs
from skinapi.platform.jobs.routes import JobView
from skinapi.platform.web.declaration import Authenticated, OpenedToClient, Rate, Routes, admins
from skinapi.platform.web.request_parsing import BodyStream
from skinapi.platform.web.schemas import Answer, Body, ContractBody, Message, PageQuery

MOST_LABELS = 200
LARGEST_TRAINING_BODY = 16 * 1024


ShortText = Annotated[
    str, StringConstraints(max_length=200, strip_whitespace=True), Printable, Contained
]


class NewDatasetBody(Body):
    name: DatasetName
    uploads: Annotated[list[Identifier], Field(min_length=1, max_length=100)]
    licence: ShortText = ""
    source: ShortText = ""
    modality: Modality | None = Field(default=None, strict=False)
    labels: Annotated[dict[ShortText, ShortText | None], Field(max_length=MOST_LABELS)] = Field(
        default={},
        description="labels of the data set -> ours, or null to leave their pictures out",
    )


class DatasetsQuery(PageQuery):
    status: Status = "published"


class DatasetSummary(Answer):
    id: str
    name: str
    version: int | None
    owner: str
    status: Status
    created_at: datetime
    licence: str
    source: str
    modality: Modality | None
    pictures: int
    size: int = Field(description="bytes of its pictures")
    counts: dict[str, int] = Field(description="pictures of each class")
    reference: bool = Field(description="whether all models are compared on it")
    problem_code: str | None = Field(description="why it was refused")
    labels_from: LabelSource | None = Field(description="of one that was made from reviews")
    erased: int = Field(
        description="pictures that are gone, because their owner withdrew the consent or deleted "
        "them; of one that was made from reviews"
    )

    @classmethod
    def from_dataset(cls, dataset: DatasetVersion) -> Self:
        return cls.model_validate(dataset.model_dump(include=set(cls.model_fields)))


class DatasetView(DatasetSummary):
    progress: float
    message: str
    problem: str | None = Field(description="why it was refused")
    report: dict[str, Any] = Field(description="what its check found")
    uploads: tuple[str, ...] = Field(
        description="what it was made of; where it was refused, they can be sent again for a day"
    )


class ImageView(Answer):
    id: str
    name: str
    image_id: str
    label: str
    written: str = Field(description="the label as its table has it")
    lesion: str
    patient: str
    modality: Modality
    facts: dict[str, str]
    width: int
    height: int
    size: int
    sha256: str

    @classmethod
    def from_image(cls, image: DatasetImage) -> Self:
        return cls.model_validate(image.model_dump(include=set(cls.model_fields)))


class NewUpload(Body):
    name: Name
    size: Annotated[int, Field(ge=1)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None


class UploadView(Answer):
    id: str
    name: str
    size: int
    received: int = Field(description="where the next part begins")
    complete: bool
    expires_at: datetime
    largest_part: int

    @classmethod
    def from_upload(cls, upload: UploadRecord) -> Self:
        return cls(
            **upload.model_dump(include={"id", "name", "size", "received", "expires_at"}),
            complete=upload.complete,
            largest_part=LARGEST_PART,
        )


RESEARCHERS = Authenticated(
    roles=("researcher", "admin"),
    refusal="Only researchers and admins work with data sets",
    scopes=("lab",),
)
CHOOSERS = admins("Only admin can choose the reference data set")
routes: Routes[DatasetsService] = Routes(access=RESEARCHERS)


@routes.route(
    "POST",
    "/datasets",
    status=202,
    raises=(NotFound, BadRequest, BadDataset, NameTaken, UploadInUse, IdempotencyKeyReused),
)
def send_dataset(
    datasets: DatasetsService,
    *,
    body: NewDatasetBody,
    subject: Subject,
    idempotency_key: str | None,
) -> DatasetView:
    """Make a data set of uploads: pictures, a table, archives of both.

    It is checked beside the requests; `GET /datasets/{id}` tells how far it is. A refused one keeps
    its report and its uploads for a day, so that it can be sent again. A name belongs to the
    account that used it first.
    """
    new = NewDataset(owner=subject.id, key=idempotency_key, **body.model_dump())
    return DatasetView.from_dataset(datasets.send_uploads(new=new, uploads=body.uploads))


@routes.route("GET", "/datasets")
def list_datasets(
    datasets: DatasetsService, *, query: DatasetsQuery, subject: Subject
) -> Page[DatasetSummary]:
    """All published data sets, each version of a name by itself, the oldest first.

    With another `status`, the caller's own that are checked or were refused; for an admin, those of
    all.
    """
    if query.status == "published":
        page = datasets.page_datasets(query.paging)
    else:
        page = datasets.page_unpublished(status=query.status, paging=query.paging, by=subject)
    return page.map(DatasetSummary.from_dataset)


@routes.route("GET", "/datasets/<dataset>", raises=(NotFound,))
def show_dataset(datasets: DatasetsService, *, dataset: str, subject: Subject) -> DatasetView:
    """A data set with its report; before it is published, for its owner and for admins alone."""
    return DatasetView.from_dataset(datasets.show(dataset=dataset, by=subject))


@routes.route("GET", "/datasets/<dataset>/images", raises=(NotFound,))
def list_images(datasets: DatasetsService, *, dataset: str, query: PageQuery) -> Page[ImageView]:
    """The pictures of a data set."""
    page = datasets.page_images(dataset=dataset, paging=query.paging)
    return page.map(ImageView.from_image)


@routes.route(
    "GET", "/datasets/<dataset>/images/<image>/thumbnail", produces="image/jpeg", raises=(NotFound,)
)
def show_image_thumbnail(datasets: DatasetsService, *, dataset: str, image: str) -> Response:
    """A picture of a data set as a small JPEG, without the metadata of its file."""
    content = datasets.read_thumbnail(dataset=dataset, image=image)
    response = Response(content, mimetype="image/jpeg")
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(hashlib.sha256(content).hexdigest()[:20])
    response.make_conditional(request)
    return response


@routes.route("DELETE", "/datasets/<dataset>", raises=(NotFound, Forbidden, DatasetInUse))
def delete_dataset(datasets: DatasetsService, *, dataset: str, subject: Subject) -> Message:
    """Delete a data set with its pictures, as its owner or an admin."""
    deleted = datasets.delete(dataset=dataset, by=subject)
    return Message(message=f"Data set {deleted.name} deleted")


@routes.route("POST", "/datasets/<dataset>/reference", access=CHOOSERS, raises=(NotFound, Conflict))
def choose_reference(datasets: DatasetsService, *, dataset: str, subject: Subject) -> DatasetView:
    """Compare every new model on this data set too. No training learns from it."""
    return DatasetView.from_dataset(datasets.choose_reference(dataset=dataset, by=subject))


@routes.route(
    "DELETE", "/datasets/<dataset>/reference", access=CHOOSERS, raises=(NotFound, Conflict)
)
def end_reference(datasets: DatasetsService, *, dataset: str, subject: Subject) -> DatasetView:
    """Compare no more on this data set."""
    return DatasetView.from_dataset(datasets.end_reference(dataset=dataset, by=subject))


upload_routes: Routes[UploadsService] = Routes(access=RESEARCHERS)


@upload_routes.route(
    "POST", "/uploads", status=201, raises=(BadRequest, DatasetQuotaReached, IdempotencyKeyReused)
)
def begin_upload(
    uploads: UploadsService, *, body: NewUpload, subject: Subject, idempotency_key: str | None
) -> UploadView:
    """Announce a file; its bytes follow in parts, and may be continued after an interruption."""
    announced = Announced(owner=subject.id, idempotency_key=idempotency_key, **body.model_dump())
    return UploadView.from_upload(uploads.begin(announced))


@upload_routes.route(
    "PUT",
    "/uploads/<upload>/<offset>",
    spooled=True,
    max_body=LARGEST_PART,
    raises=(NotFound, WrongOffset),
)
def add_upload_part(
    uploads: UploadsService, *, upload: str, offset: str, stream: BodyStream, subject: Subject
) -> UploadView:
    """The bytes that begin at the offset `received`. A part that is sent again changes nothing."""
    grown = uploads.add_part(
        upload=upload, offset=offset, read=stream.read, largest=LARGEST_PART, by=subject
    )
    return UploadView.from_upload(grown)


@upload_routes.route("GET", "/uploads/<upload>", raises=(NotFound,))
def show_upload(uploads: UploadsService, *, upload: str, subject: Subject) -> UploadView:
    """How much of an upload has arrived."""
    return UploadView.from_upload(uploads.show(upload=upload, by=subject))


@upload_routes.route("DELETE", "/uploads/<upload>", raises=(NotFound,))
def delete_upload(uploads: UploadsService, *, upload: str, subject: Subject) -> Message:
    """Delete an upload that is not needed any more."""
    uploads.delete(upload=upload, by=subject)
    return Message(message=f"Upload {upload} deleted")


from_reviews_routes: Routes[FromReviewsService] = Routes()


class NewReviewedDataset(Body):
    name: DatasetName
    labels_from: LabelSource = Field(
        default="reviews",
        description="`histology`: only labels that the laboratory has confirmed; `reviews`: where "
        "there is none, also the doctor's newest one, unless unsure or awaiting histology",
    )
    licence: ShortText = ""
    source: ShortText = "reviewed findings of this server"


@from_reviews_routes.route(
    "POST",
    "/datasets/from-reviews",
    access=RESEARCHERS,
    status=202,
    raises=(NameTaken, IdempotencyKeyReused),
)
def send_reviewed(
    service: FromReviewsService,
    *,
    body: NewReviewedDataset,
    subject: Subject,
    idempotency_key: str | None,
) -> DatasetView:
    """Make a data set of the reviewed findings whose owners consent to it (`training`).

    `reviews` of its report counts what was taken, and what was left out and why. Patients and
    findings have the same names in each version, which do not lead back to the account. A picture
    is erased from all versions where its owner withdraws the consent or deletes the finding.
    """
    new = NewDataset(owner=subject.id, key=idempotency_key, **body.model_dump())
    return DatasetView.from_dataset(service.send(new=new, labels_from=body.labels_from))


import_routes: Routes[ImportsService] = Routes()


class NewModel(Body, ImportRequest):
    """A `.keras` or `.h5` file that was uploaded, and what it does not say about itself."""

    model_config = ConfigDict(extra="forbid", strict=False, frozen=True)


@import_routes.route(
    "POST",
    "/models",
    access=RESEARCHERS,
    status=202,
    raises=(NotFound, BadRequest, WrongNetworkLabels, TooManyJobs, IdempotencyKeyReused),
)
def import_model(
    imports: ImportsService, *, body: NewModel, subject: Subject, idempotency_key: str | None
) -> JobView:
    """Make a model version of a Keras network, as a job; its result names the version.

    It is a candidate without calibration, compared on the reference data set if there is one.
    """
    return JobView.from_job(imports.start(request=body, owner=subject.id, key=idempotency_key))


# A client of an earlier system may send no token, where the operator opened it.
training_routes: Routes[TrainingService] = Routes(
    access=OpenedToClient(("lab",), roles=("researcher", "admin"))
)


class StartTraining(ContractBody, TrainingRequest):
    missing: ClassVar[str] = (
        "No data set was named (dataset_name). Upload one first, then start the training."
    )


class StartedTraining(Answer):
    job_id: str
    status: Literal["queued"]
    message: str


@training_routes.route(
    "POST",
    "/api/start-training",
    rate=Rate.ANONYMOUS,
    max_body=LARGEST_TRAINING_BODY,
    raises=(NotFound, BadDataset, TooManyJobs),
)
def start_training(
    trainings: TrainingService, *, body: StartTraining, subject: Subject | None
) -> StartedTraining:
    """Train a network on a data set, as a job: see `GET /jobs/{id}` for its log and more."""
    job = trainings.start(request=body, owner=owner_of(subject))
    return StartedTraining(job_id=job.id, status="queued", message="Training job started")
