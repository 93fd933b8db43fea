"""The route to which a picture archive sends (STOW-RS, DICOM PS3.18).

https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.5
"""

import json
from tempfile import SpooledTemporaryFile
from typing import Any

from flask import Response

from skinapi.base.errors import (
    BadRequest,
    NoModel,
    PayloadTooLarge,
    Unavailable,
    UnsupportedMediaType,
)
from skinapi.base.subject import Subject
from skinapi.integrations.dicom.errors import DicomNotInstalled
from skinapi.integrations.dicom.intake import IntakeService
from skinapi.integrations.dicom.multipart_related import spool_parts
from skinapi.integrations.dicom.stow import DICOM_JSON, status_of, write_answer
from skinapi.platform.storage.files import disk_errors, passing_folder, refuse_full_disk
from skinapi.platform.web.declaration import Rate, Routes, Signed
from skinapi.platform.web.request_parsing import BodyStream
from skinapi.platform.web.schemas import Message

MULTIPART_RELATED, OBJECT = "multipart/related", "application/dicom"
LARGEST_STUDY = 512 * 1024 * 1024
MOST_OBJECTS = 100
# What is smaller stays in memory, as a photo of `POST /predict` does.
IN_MEMORY = 1024 * 1024
WRONG_TYPE = f'Send the body as {MULTIPART_RELATED}; type="{OBJECT}"'

routes: Routes[IntakeService] = Routes("dicom")
DECLARED: dict[str, Any] = {
    "access": Signed(scopes=("dicom",)),
    "rate": Rate.WRITE,
    "spooled": True,
    "max_body": LARGEST_STUDY,
    "produces": DICOM_JSON,
    "consumes": MULTIPART_RELATED,
    "or_statuses": (202, 409),
    "raises": (PayloadTooLarge, UnsupportedMediaType, NoModel, Unavailable, DicomNotInstalled),
}


@routes.route("POST", "/dicom/studies", **DECLARED)
def store_studies(intake: IntakeService, *, stream: BodyStream, subject: Subject) -> Response:
    """Judge the pictures of DICOM objects that are sent (STOW-RS), each as `POST /predict` does.

    The body is multipart/related with one object a part. 200 where each got a finding, 202 where
    some did, 409 where none did; the answer says so of each object, with DICOM's code and a
    sentence where it was refused. An object that is sent again is answered as before.
    """
    return _store(intake, stream, subject, study=None)


@routes.route("POST", "/dicom/studies/<study>", **DECLARED)
def store_study(
    intake: IntakeService, *, study: str, stream: BodyStream, subject: Subject
) -> Response:
    """The same; objects of another study than this one are refused."""
    return _store(intake, stream, subject, study=study)


@routes.route("GET", "/dicom/admission", access=Signed(scopes=("dicom",), before_another=True))
def admit_study(_: IntakeService) -> Message:
    """Say whether the caller may send studies: a proxy asks before it takes their bytes."""
    return Message(message="You may send studies")


def _store(
    intake: IntakeService, stream: BodyStream, subject: Subject, *, study: str | None
) -> Response:
    intake.require_installed()
    told, folder = stream.parameters, passing_folder(intake.folder)
    if stream.media_type != MULTIPART_RELATED or told.get("type", OBJECT).lower() != OBJECT:
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
        received = intake.receive(file=file, parts=parts, study=study, by=subject)
    answer = write_answer(received, address=intake.address)
    return Response(json.dumps(answer), status_of(received), mimetype=DICOM_JSON)
