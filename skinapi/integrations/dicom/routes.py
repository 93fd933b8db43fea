"""The routes of DICOMweb (PS3.18): an archive sends (STOW-RS), and its client searches and fetches
findings (QIDO-RS, WADO-RS). And those by which an admin sees what was sent to the clinic's archive.

https://dicom.nema.org/medical/dicom/current/output/html/part18.html#chapter_10
"""

import json
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any

from flask import Response, request
from pydantic import AliasPath, Field

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import (
    BadRequest,
    InvalidQuery,
    NoModel,
    NotFound,
    PayloadTooLarge,
    TooManyRequests,
    Unavailable,
    UnsupportedMediaType,
)
from skinapi.base.pages import Page
from skinapi.base.settings.connections import ArchiveTime
from skinapi.integrations.dicom.archive import ArchiveService
from skinapi.integrations.dicom.multipart import (
    FRAME,
    JPEG_BASELINE,
    OBJECT,
    OBJECTS,
    NotAcceptable,
    choose_syntax,
    refuse_other_types,
    spool_parts,
    stream_parts,
)
from skinapi.integrations.dicom.receiving import IntakeService
from skinapi.integrations.dicom.stow import (
    DICOM_JSON,
    DicomNotInstalled,
    installed,
    status_of,
    write_answer,
)
from skinapi.integrations.dicom.studies import StudiesService
from skinapi.integrations.dicom.study import Kind, Study
from skinapi.integrations.webhooks.routes import DeliveryView
from skinapi.platform.storage.files import disk_errors, passing_folder, refuse_full_disk
from skinapi.platform.web.declaration import Rate, Routes, Signed, admins
from skinapi.platform.web.request_parsing import BodyStream
from skinapi.platform.web.schemas import Answer, Message, PageQuery

LARGEST_STUDY = 512 * 1024 * 1024
MOST_OBJECTS = 100
# What is smaller stays in memory, as a photo of `POST /predict` does.
IN_MEMORY = 1024 * 1024
WRONG_TYPE = f'Send the body as {OBJECTS}; type="{OBJECT}"'

stow_routes: Routes[IntakeService] = Routes("dicom")
DECLARED: dict[str, Any] = {
    "access": Signed(scopes=("dicom",)),
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


@stow_routes.route("GET", "/dicom/admission", access=Signed(scopes=("dicom",), before_another=True))
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
    answer = write_answer(received, address=intake.address)
    return Response(json.dumps(answer), status_of(received), mimetype=DICOM_JSON)


if TYPE_CHECKING:
    from skinapi.integrations.dicom.search import Found, Query, Search

PDF = "application/pdf"
STUDY = "/dicom/studies/<study>"
SERIES = f"{STUDY}/series/<series>"
INSTANCE = f"{SERIES}/instances/<instance>"
NOT_DRAWN = "A structured report is not drawn: read it as an object, or the report as a PDF"
NO_FRAME = "Only pictures have a frame, and each has one: frames/1"
MORE = '299 skinapi "There are more results: ask for the next ones with offset"'

studies_routes: Routes[StudiesService] = Routes("studies")
SEARCH: dict[str, Any] = {
    "access": Signed(scopes=("dicom",)),
    "rate": Rate.READ,
    "produces": DICOM_JSON,
    "raises": (NotFound, InvalidQuery, NotAcceptable, DicomNotInstalled),
}
RETRIEVE: dict[str, Any] = {
    "access": Signed(scopes=("dicom",)),
    "rate": Rate.READ,
    "produces": OBJECTS,
    "raises": (NotFound, TooManyRequests, NotAcceptable, DicomNotInstalled),
}


@studies_routes.route("GET", "/dicom/studies", **SEARCH)
def search_studies(studies: StudiesService, *, subject: Subject) -> Response:
    """Search studies (QIDO-RS): each finding that the caller may see is one, oldest first.

    `StudyDate` (a day, or `20261101-20261130`), `PatientID`, `StudyInstanceUID`, and any other
    attribute of a study; `includefield`, `limit` (at most 100) and `offset`.
    """
    search, query = _search(studies)
    return _answer_found(search.find_studies(query, to=subject))


@studies_routes.route("GET", f"{STUDY}/series", **SEARCH)
def search_series(studies: StudiesService, *, study: str, subject: Subject) -> Response:
    """Search the series of a study: photographs, heat maps, structured report, report."""
    search, query = _search(studies)
    return _answer_found(search.find_series(query, studies.open(study, to=subject)))


@studies_routes.route("GET", f"{STUDY}/instances", **SEARCH)
def search_instances(studies: StudiesService, *, study: str, subject: Subject) -> Response:
    """Search the objects of a study."""
    search, query = _search(studies)
    opened = studies.open(study, to=subject)
    return _answer_found(search.find_instances(query, opened, studies.maker()))


@studies_routes.route("GET", f"{SERIES}/instances", **SEARCH)
def search_instances_of_series(
    studies: StudiesService, *, study: str, series: str, subject: Subject
) -> Response:
    """Search the objects of a series."""
    search, query = _search(studies)
    opened = studies.open(study, to=subject).of_series(series)
    return _answer_found(search.find_instances(query, opened, studies.maker()))


@studies_routes.route("GET", STUDY, **RETRIEVE)
def retrieve_study(studies: StudiesService, *, study: str, subject: Subject) -> Response:
    """Fetch all objects of a study (WADO-RS), as `multipart/related; type="application/dicom"`.

    With `transfer-syntax=*` pictures come as they are kept, which is JPEG; without it uncompressed.
    """
    return _send(studies, studies.open(study, to=subject))


@studies_routes.route("GET", SERIES, **RETRIEVE)
def retrieve_series(
    studies: StudiesService, *, study: str, series: str, subject: Subject
) -> Response:
    """Fetch the objects of a series."""
    return _send(studies, studies.open(study, to=subject).of_series(series))


@studies_routes.route("GET", INSTANCE, **RETRIEVE)
def retrieve_instance(
    studies: StudiesService, *, study: str, series: str, instance: str, subject: Subject
) -> Response:
    """Fetch an object."""
    return _send(studies, _instance(studies, study, series, instance, subject))


@studies_routes.route("GET", f"{STUDY}/metadata", **SEARCH)
def show_study_metadata(studies: StudiesService, *, study: str, subject: Subject) -> Response:
    """The objects of a study as DICOM JSON, without pixels and without the PDF."""
    return _describe(studies, studies.open(study, to=subject))


@studies_routes.route("GET", f"{SERIES}/metadata", **SEARCH)
def show_series_metadata(
    studies: StudiesService, *, study: str, series: str, subject: Subject
) -> Response:
    """The objects of a series as DICOM JSON."""
    return _describe(studies, studies.open(study, to=subject).of_series(series))


@studies_routes.route("GET", f"{INSTANCE}/metadata", **SEARCH)
def show_instance_metadata(
    studies: StudiesService, *, study: str, series: str, instance: str, subject: Subject
) -> Response:
    """An object as DICOM JSON."""
    return _describe(studies, _instance(studies, study, series, instance, subject))


@studies_routes.route(
    "GET", f"{INSTANCE}/rendered", **RETRIEVE | {"produces": FRAME, "or_produces": (PDF,)}
)
def show_rendered(
    studies: StudiesService, *, study: str, series: str, instance: str, subject: Subject
) -> Response:
    """A picture as JPEG, or the report as PDF."""
    opened = _instance(studies, study, series, instance, subject)
    kind = opened.objects[0].kind
    if kind is Kind.STRUCTURED_REPORT:
        raise NotAcceptable(NOT_DRAWN)
    media_type = PDF if kind is Kind.REPORT else FRAME
    refuse_other_types(request.headers.get("Accept"), media_type)
    return Response(_drawn(studies, opened), mimetype=media_type)


@studies_routes.route("GET", f"{INSTANCE}/frames/1", **RETRIEVE)
def retrieve_frame(
    studies: StudiesService, *, study: str, series: str, instance: str, subject: Subject
) -> Response:
    """The picture of an object, as `multipart/related; type="image/jpeg"`."""
    opened = _instance(studies, study, series, instance, subject)
    if not opened.objects[0].kind.is_picture:
        raise NotFound(NO_FRAME)
    refuse_other_types(request.headers.get("Accept"), FRAME)
    kind = f"{FRAME}; transfer-syntax={JPEG_BASELINE}"
    return _answer_parts(*stream_parts([_drawn(studies, opened)], kind))


def _search(studies: StudiesService) -> "tuple[Search, Query]":
    with installed():
        from skinapi.integrations.dicom.search import Query, Search  # noqa: PLC0415
    refuse_other_types(request.headers.get("Accept"), DICOM_JSON, "application/json")
    return Search(studies, studies.reports.address), Query.parse(request.args.items(multi=True))


def _answer_found(found: "Found") -> Response:
    """204 would do where nothing is found, but an empty list is read by all."""
    response = _as_json(found.items)
    if found.more:
        response.headers["Warning"] = MORE
    return response


def _describe(studies: StudiesService, study: Study) -> Response:
    refuse_other_types(request.headers.get("Accept"), DICOM_JSON, "application/json")
    return _as_json(one.to_json_dict() for one in studies.maker().describe_all(study))


def _as_json(items: Iterable[dict[str, Any]]) -> Response:
    return Response(json.dumps([*items], ensure_ascii=False), mimetype=DICOM_JSON)


def _send(studies: StudiesService, study: Study) -> Response:
    syntax = choose_syntax(request.headers.get("Accept"))
    maker = studies.maker()
    studies.note_read(study)
    files = maker.make_files(study, syntax)
    return _answer_parts(*stream_parts(files, OBJECT))


def _answer_parts(media_type: str, body: Iterator[bytes]) -> Response:
    response = Response(body)
    response.headers["Content-Type"] = media_type
    return response


def _drawn(studies: StudiesService, study: Study) -> bytes:
    studies.note_read(study)
    return studies.maker().draw(study, study.objects[0])


def _instance(
    studies: StudiesService, study: str, series: str, instance: str, subject: Subject
) -> Study:
    return studies.open(study, to=subject).of_series(series).of_instance(instance)


archive_routes: Routes[ArchiveService] = Routes(
    "archive", access=admins("Only admin can see what was sent to the archive")
)


class ArchiveView(Answer):
    address: str | None = Field(description="of the archive (ARCHIVE_URL); null where none is set")
    sends_after: ArchiveTime = Field(description="ARCHIVE_AFTER")


class ArchiveDeliveryView(DeliveryView):
    """A finding on its way to the archive."""

    finding: int | None = Field(
        default=None, validation_alias=AliasPath("about", "number"), description="its number"
    )


@archive_routes.route("GET", "/archive")
def show_archive(archive: ArchiveService) -> ArchiveView:
    """To which picture archive findings are sent, and after what."""
    return ArchiveView(address=archive.address, sends_after=archive.sends_after)


@archive_routes.route("GET", "/archive/deliveries")
def list_archive_deliveries(
    archive: ArchiveService, *, query: PageQuery
) -> Page[ArchiveDeliveryView]:
    """The findings that were sent to the archive in the last days, or wait for it, newest first."""
    page = archive.page_deliveries(query.paging)
    return page.map(ArchiveDeliveryView.model_validate)


@archive_routes.route(
    "POST", "/archive/deliveries/<delivery>/again", status=202, raises=(NotFound,)
)
def send_to_archive_again(archive: ArchiveService, *, delivery: str, subject: Subject) -> Message:
    """Send a finding again: what the archive does not have of it."""
    archive.send_again(delivery=delivery, by=subject)
    return Message(message="Being sent again")
