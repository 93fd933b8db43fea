"""The routes of uploads, which can be continued after an interruption."""

from skinapi.errors import BadRequest, IdempotencyKeyReused, NotFound
from skinapi.lab.access import RESEARCHERS
from skinapi.lab.errors import DatasetQuotaReached, WrongOffset
from skinapi.lab.uploads.schemas import NewUpload, UploadView
from skinapi.lab.uploads.service import UploadsService
from skinapi.lab.uploads.upload_records import LARGEST_PART, Announced
from skinapi.web.access import Subject
from skinapi.web.bodies.streams import BodyStream
from skinapi.web.limits.rate_limits import Rate
from skinapi.web.routing.declaration import Routes
from skinapi.web.schemas.schema_types import Message

routes: Routes[UploadsService] = Routes("uploads")


@routes.route(
    "POST",
    "/uploads",
    access=RESEARCHERS,
    rate=Rate.WRITE,
    status=201,
    raises=(BadRequest, DatasetQuotaReached, IdempotencyKeyReused),
)
def begin_upload(
    uploads: UploadsService, *, body: NewUpload, subject: Subject, idempotency_key: str | None
) -> UploadView:
    """Announce a file; its bytes follow in parts, and may be continued after an interruption."""
    announced = Announced(owner=subject.id, idempotency_key=idempotency_key, **body.model_dump())
    return UploadView.of(uploads.begin(announced))


@routes.route(
    "PUT",
    "/uploads/<upload>/<offset>",
    access=RESEARCHERS,
    rate=Rate.WRITE,
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


@routes.route("GET", "/uploads/<upload>", access=RESEARCHERS, rate=Rate.READ, raises=(NotFound,))
def show_upload(uploads: UploadsService, *, upload: str, subject: Subject) -> UploadView:
    """How much of an upload has arrived."""
    return UploadView.of(uploads.show(upload=upload, by=subject))


@routes.route(
    "DELETE", "/uploads/<upload>", access=RESEARCHERS, rate=Rate.WRITE, raises=(NotFound,)
)
def delete_upload(uploads: UploadsService, *, upload: str, subject: Subject) -> Message:
    """Delete an upload that is not needed any more."""
    uploads.delete(upload=upload, by=subject)
    return Message(message=f"Upload {upload} deleted")
