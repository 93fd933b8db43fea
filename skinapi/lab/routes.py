"""The routes of data sets, of uploads, of data sets from reviews and of imported networks."""

import hashlib

from flask import Response, request
from pydantic import ConfigDict, Field

from skinapi.base.errors import (
    BadDataset,
    BadRequest,
    Conflict,
    Forbidden,
    IdempotencyKeyReused,
    NotFound,
    WrongNetworkLabels,
)
from skinapi.base.pages import Page
from skinapi.base.subject import Subject
from skinapi.lab.datasets.dataset_versions import LabelSource, NewDataset
from skinapi.lab.errors import (
    DatasetInUse,
    DatasetQuotaReached,
    NameTaken,
    UploadInUse,
    WrongOffset,
)
from skinapi.lab.reviewed_findings import FromReviewsService
from skinapi.lab.schemas import (
    DatasetName,
    DatasetsQuery,
    DatasetSummary,
    DatasetView,
    ImageView,
    NewDatasetBody,
    NewUpload,
    ShortText,
    UploadView,
)
from skinapi.lab.service import DatasetsService
from skinapi.lab.trainings.import_service import ImportRequest, ImportsService
from skinapi.lab.uploads import LARGEST_PART, Announced, UploadsService
from skinapi.platform.jobs.job import TooManyJobs
from skinapi.platform.jobs.routes import JobView
from skinapi.platform.web.declaration import Routes, Signed, admins
from skinapi.platform.web.request_parsing import BodyStream
from skinapi.platform.web.schemas import Body, Message, PageQuery

RESEARCHERS = Signed(
    roles=("researcher", "admin"),
    refusal="Only researchers and admins work with data sets",
    scopes=("lab",),
)
CHOOSERS = admins("Only admin can choose the reference data set")
routes: Routes[DatasetsService] = Routes("datasets", access=RESEARCHERS)


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
    its report for a day, and its uploads, so that it can be sent again, with `labels` for example.
    A name belongs to the account that used it first, while it has a data set of that name.
    """
    new = NewDataset(
        owner=subject.id,
        any_name=subject.role == "admin",
        key=idempotency_key,
        **body.model_dump(),
    )
    return DatasetView.of(datasets.send_uploads(new=new, uploads=body.uploads))


@routes.route("GET", "/datasets")
def list_datasets(
    datasets: DatasetsService, *, query: DatasetsQuery, subject: Subject
) -> Page[DatasetSummary]:
    """All published data sets, each version of a name by itself, the oldest first.

    With another `status`, the caller's own that are being checked or were refused; for an admin,
    those of all.
    """
    if query.status == "published":
        page = datasets.page_datasets(after=query.after, limit=query.limit)
    else:
        page = datasets.page_unpublished(
            status=query.status, after=query.after, limit=query.limit, by=subject
        )
    return page.map(DatasetSummary.of)


@routes.route("GET", "/datasets/<dataset>", raises=(NotFound,))
def show_dataset(datasets: DatasetsService, *, dataset: str, subject: Subject) -> DatasetView:
    """A data set with its report; before it is published, for its owner and for admins alone."""
    return DatasetView.of(datasets.show(dataset=dataset, by=subject))


@routes.route("GET", "/datasets/<dataset>/images", raises=(NotFound,))
def list_images(datasets: DatasetsService, *, dataset: str, query: PageQuery) -> Page[ImageView]:
    """The pictures of a data set."""
    page = datasets.page_images(dataset=dataset, after=query.after, limit=query.limit)
    return page.map(ImageView.of)


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
    """Compare every new model with the one in service on this data set too, in place of another.

    No training learns from its pictures, or from the lesions that they show.
    """
    return DatasetView.of(datasets.choose_reference(dataset=dataset, by=subject))


@routes.route(
    "DELETE", "/datasets/<dataset>/reference", access=CHOOSERS, raises=(NotFound, Conflict)
)
def end_reference(datasets: DatasetsService, *, dataset: str, subject: Subject) -> DatasetView:
    """Compare no more on this data set."""
    return DatasetView.of(datasets.end_reference(dataset=dataset, by=subject))


# The routes of uploads, which can be continued after an interruption.


upload_routes: Routes[UploadsService] = Routes("uploads", access=RESEARCHERS)


@upload_routes.route(
    "POST", "/uploads", status=201, raises=(BadRequest, DatasetQuotaReached, IdempotencyKeyReused)
)
def begin_upload(
    uploads: UploadsService, *, body: NewUpload, subject: Subject, idempotency_key: str | None
) -> UploadView:
    """Announce a file; its bytes follow in parts, and may be continued after an interruption."""
    announced = Announced(owner=subject.id, idempotency_key=idempotency_key, **body.model_dump())
    return UploadView.of(uploads.begin(announced))


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
    """The bytes that begin at this offset, where `received` says that the next part begins.

    A part that is sent again changes nothing.
    """
    grown = uploads.add_part(
        upload=upload, offset=offset, read=stream.read, largest=LARGEST_PART, by=subject
    )
    return UploadView.of(grown)


@upload_routes.route("GET", "/uploads/<upload>", raises=(NotFound,))
def show_upload(uploads: UploadsService, *, upload: str, subject: Subject) -> UploadView:
    """How much of an upload has arrived."""
    return UploadView.of(uploads.show(upload=upload, by=subject))


@upload_routes.route("DELETE", "/uploads/<upload>", raises=(NotFound,))
def delete_upload(uploads: UploadsService, *, upload: str, subject: Subject) -> Message:
    """Delete an upload that is not needed any more."""
    uploads.delete(upload=upload, by=subject)
    return Message(message=f"Upload {upload} deleted")


# The route that makes a data set of reviewed findings.


from_reviews_routes: Routes[FromReviewsService] = Routes("datasets-from-reviews")


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

    It is checked and published as any other; `reviews` of its report counts what was taken, and
    what was left out and why. Patients and findings have names in it that do not lead back to the
    account, and are the same in each version. A picture is erased from all versions where its owner
    withdraws the consent or deletes the finding.
    """
    new = NewDataset(
        owner=subject.id,
        any_name=subject.role == "admin",
        key=idempotency_key,
        **body.model_dump(),
    )
    return DatasetView.of(service.send(new=new, labels_from=body.labels_from))


# The route that imports a network of one's own as a model version.


import_routes: Routes[ImportsService] = Routes("imported models")


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

    It is a candidate without calibration. Where an admin has chosen a reference data set, it is
    compared on it with the model in service.
    """
    return JobView.of(imports.start(request=body, owner=subject.id, key=idempotency_key))
