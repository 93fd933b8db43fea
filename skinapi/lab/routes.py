"""The routes of data sets."""

import hashlib

from flask import Response, request

from skinapi.errors import (
    BadDataset,
    BadRequest,
    Conflict,
    Forbidden,
    IdempotencyKeyReused,
    NotFound,
)
from skinapi.lab.access import CHOOSERS, RESEARCHERS
from skinapi.lab.datasets.dataset_versions import NewDataset
from skinapi.lab.errors import (
    DatasetInUse,
    NameTaken,
    UploadInUse,
)
from skinapi.lab.schemas import (
    DatasetsQuery,
    DatasetSummary,
    DatasetView,
    ImageView,
    NewDatasetBody,
)
from skinapi.lab.service import DatasetsService
from skinapi.web.access import Subject
from skinapi.web.limits.rate_limits import Rate
from skinapi.web.routing.declaration import Routes
from skinapi.web.schemas.pagination import Page, PageQuery
from skinapi.web.schemas.schema_types import Message

routes: Routes[DatasetsService] = Routes("datasets")


@routes.route(
    "POST",
    "/datasets",
    access=RESEARCHERS,
    rate=Rate.WRITE,
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


@routes.route("GET", "/datasets", access=RESEARCHERS, rate=Rate.READ)
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


@routes.route("GET", "/datasets/<dataset>", access=RESEARCHERS, rate=Rate.READ, raises=(NotFound,))
def show_dataset(datasets: DatasetsService, *, dataset: str, subject: Subject) -> DatasetView:
    """A data set with its report; before it is published, for its owner and for admins alone."""
    return DatasetView.of(datasets.show(dataset=dataset, by=subject))


@routes.route(
    "GET", "/datasets/<dataset>/images", access=RESEARCHERS, rate=Rate.READ, raises=(NotFound,)
)
def list_images(datasets: DatasetsService, *, dataset: str, query: PageQuery) -> Page[ImageView]:
    """The pictures of a data set."""
    page = datasets.page_images(dataset=dataset, after=query.after, limit=query.limit)
    return page.map(ImageView.of)


@routes.route(
    "GET",
    "/datasets/<dataset>/images/<image>/thumbnail",
    access=RESEARCHERS,
    rate=Rate.READ,
    produces="image/jpeg",
    raises=(NotFound,),
)
def show_image_thumbnail(datasets: DatasetsService, *, dataset: str, image: str) -> Response:
    """A picture of a data set as a small JPEG, without the metadata of its file."""
    content = datasets.read_thumbnail(dataset=dataset, image=image)
    response = Response(content, mimetype="image/jpeg")
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(hashlib.sha256(content).hexdigest()[:20])
    response.make_conditional(request)
    return response


@routes.route(
    "DELETE",
    "/datasets/<dataset>",
    access=RESEARCHERS,
    rate=Rate.WRITE,
    raises=(NotFound, Forbidden, DatasetInUse),
)
def delete_dataset(datasets: DatasetsService, *, dataset: str, subject: Subject) -> Message:
    """Delete a data set with its pictures, as its owner or an admin."""
    deleted = datasets.delete(dataset=dataset, by=subject)
    return Message(message=f"Data set {deleted.name} deleted")


@routes.route(
    "POST",
    "/datasets/<dataset>/reference",
    access=CHOOSERS,
    rate=Rate.WRITE,
    raises=(NotFound, Conflict),
)
def choose_reference(datasets: DatasetsService, *, dataset: str, subject: Subject) -> DatasetView:
    """Compare every new model with the one in service on this data set too, in place of another.

    No training learns from its pictures, or from the lesions that they show.
    """
    return DatasetView.of(datasets.choose_reference(dataset=dataset, by=subject))


@routes.route(
    "DELETE",
    "/datasets/<dataset>/reference",
    access=CHOOSERS,
    rate=Rate.WRITE,
    raises=(NotFound, Conflict),
)
def end_reference(datasets: DatasetsService, *, dataset: str, subject: Subject) -> DatasetView:
    """Compare no more on this data set."""
    return DatasetView.of(datasets.end_reference(dataset=dataset, by=subject))
