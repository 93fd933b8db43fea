"""The routes of DICOMweb (PS3.18) by which an archive sends (STOW-RS), and those by which an admin
sees what was sent to the clinic's archive.

https://dicom.nema.org/medical/dicom/current/output/html/part18.html#chapter_10
"""

import json
from tempfile import SpooledTemporaryFile
from typing import Any

from flask import Response
from pydantic import AliasPath, Field

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import (
    BadRequest,
    NoModel,
    NotFound,
    PayloadTooLarge,
    Unavailable,
    UnsupportedMediaType,
)
from skinapi.base.pages import Page
from skinapi.integrations.deliveries import DeliveryView
from skinapi.integrations.dicom.archive import ARCHIVE, ArchiveService
from skinapi.integrations.dicom.multipart import (
    OBJECT,
    OBJECTS,
    spool_parts,
)
from skinapi.integrations.dicom.receiving import IntakeService
from skinapi.integrations.dicom.stow import (
    DICOM_JSON,
    DicomNotInstalled,
    status_of,
    write_answer,
)
from skinapi.platform.storage.files import disk_errors, passing_folder, refuse_full_disk
from skinapi.platform.web.declaration import Authenticated, Rate, Routes, admins
from skinapi.platform.web.request_parsing import BodyStream
from skinapi.platform.web.schemas import Answer, Message, PageQuery

LARGEST_STUDY = 512 * 1024 * 1024
MOST_OBJECTS = 100
# Smaller bodies stay in memory, like a photo of `POST /predict`.
IN_MEMORY = 1024 * 1024
WRONG_TYPE = f'Send the body as {OBJECTS}; type="{OBJECT}"'

stow_routes: Routes[IntakeService] = Routes()
DECLARED: dict[str, Any] = {
    "access": Authenticated(scopes=("dicom",)),
    "rate": Rate.WRITE,
    "spooled": True,
    "max_body": LARGEST_STUDY,
    "produces": DICOM_JSON,
    "consumes": OBJECTS,
    "or_statuses": (202, 409),
    "raises": (PayloadTooLarge, UnsupportedMediaType, NoModel, Unavailable, DicomNotInstalled),
}


@stow_routes.route("POST", "/dicom/studies", **DECLARED)
def store_studies(intake: IntakeService, *, stream: BodyStream, subject: Subject) -> Response:
    """Judge the pictures of DICOM objects that are sent (STOW-RS), each as `POST /predict` does.

    The body is multipart/related with one object a part. 200 where each got a finding, 202 where
    some did, 409 where none did; the answer says so of each object, with DICOM's code and a
    sentence where it was refused. An object that is sent again is answered as before.
    """
    return _store(intake, stream, subject, study=None)


@stow_routes.route("POST", "/dicom/studies/<study>", **DECLARED)
def store_study(
    intake: IntakeService, *, study: str, stream: BodyStream, subject: Subject
) -> Response:
    """The same; objects of another study than this one are refused."""
    return _store(intake, stream, subject, study=study)


@stow_routes.route(
    "GET", "/dicom/admission", access=Authenticated(scopes=("dicom",), before_another=True)
)
def admit_study(_: IntakeService) -> Message:
    """Say whether the caller may send studies: a proxy asks before it takes their bytes."""
    return Message(message="You may send studies")


def _store(
    intake: IntakeService, stream: BodyStream, subject: Subject, *, study: str | None
) -> Response:
    intake.require_installed()
    told, folder = stream.parameters, passing_folder(intake.folder)
    if stream.media_type != OBJECTS or told.get("type", OBJECT).lower() != OBJECT:
        raise UnsupportedMediaType(WRONG_TYPE)

    def read(size: int) -> bytes:
        refuse_full_disk(folder)
        return stream.read(size)

    # All of it arrives before anything is judged: of a body that breaks off nothing is stored.
    with SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(folder)) as file:
        with disk_errors():
            parts = spool_parts(read, told.get("boundary", ""), file, most=MOST_OBJECTS)
        if not parts:
            raise BadRequest("The body holds no object")
        received = [*intake.receive_each(file=file, parts=parts, study=study, by=subject)]
    return Response(json.dumps(write_answer(received)), status_of(received), mimetype=DICOM_JSON)


archive_routes: Routes[ArchiveService] = Routes(
    access=admins("Only admin can see what was sent to the archive")
)


class ArchiveView(Answer):
    address: str | None = Field(description="of the archive (ARCHIVE_URL); null where none is set")


class ArchiveDeliveryView(DeliveryView):
    """A finding on its way to the archive."""

    finding: int | None = Field(
        default=None, validation_alias=AliasPath("about", "number"), description="its number"
    )


@archive_routes.route("GET", "/archive")
def show_archive(archive: ArchiveService) -> ArchiveView:
    """To which picture archive findings are sent."""
    return ArchiveView(address=archive.settings.archive_url)


@archive_routes.route("GET", "/archive/deliveries")
def list_archive_deliveries(
    archive: ArchiveService, *, query: PageQuery
) -> Page[ArchiveDeliveryView]:
    """The findings that were sent to the archive in the last days, or wait for it, newest first."""
    page = archive.deliveries.page(ARCHIVE, query.paging)
    return page.map(ArchiveDeliveryView.model_validate)


@archive_routes.route(
    "POST", "/archive/deliveries/<delivery>/again", status=202, raises=(NotFound,)
)
def send_to_archive_again(archive: ArchiveService, *, delivery: str, subject: Subject) -> Message:
    """Send a finding again: what the archive does not have of it."""
    archive.send_again(delivery=delivery, by=subject)
    return Message(message="Being sent again")
