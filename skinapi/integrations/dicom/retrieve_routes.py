"""The routes by which an archive's client asks for findings: QIDO-RS and WADO-RS (DICOM PS3.18).

https://dicom.nema.org/medical/dicom/current/output/html/part18.html#chapter_10
"""

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from flask import Response, request

from skinapi.base.errors import InvalidQuery, NotFound, TooManyRequests
from skinapi.base.subject import Subject
from skinapi.integrations.dicom.errors import DicomNotInstalled, installed
from skinapi.integrations.dicom.multipart_answer import (
    FRAME,
    JPEG_BASELINE,
    OBJECT,
    OBJECTS,
    NotAcceptable,
    choose_syntax,
    refuse_other_types,
    stream_parts,
)
from skinapi.integrations.dicom.studies import StudiesService
from skinapi.integrations.dicom.study import Study
from skinapi.integrations.dicom.uids import Kind
from skinapi.platform.web.declaration import Rate, Routes, Signed

if TYPE_CHECKING:
    from skinapi.integrations.dicom.queries import Query
    from skinapi.integrations.dicom.search import Found, Search

JSON, PDF = "application/dicom+json", "application/pdf"
STUDY = "/dicom/studies/<study>"
SERIES = f"{STUDY}/series/<series>"
INSTANCE = f"{SERIES}/instances/<instance>"
NOT_DRAWN = "A structured report is not drawn: read it as an object, or the report as a PDF"
NO_FRAME = "Only pictures have a frame, and each has one: frames/1"
MORE = '299 skinapi "There are more results: ask for the next ones with offset"'

routes: Routes[StudiesService] = Routes("studies")
SEARCH: dict[str, Any] = {
    "access": Signed(scopes=("dicom",)),
    "rate": Rate.READ,
    "produces": JSON,
    "raises": (NotFound, InvalidQuery, NotAcceptable, DicomNotInstalled),
}
RETRIEVE: dict[str, Any] = {
    "access": Signed(scopes=("dicom",)),
    "rate": Rate.READ,
    "produces": OBJECTS,
    "raises": (NotFound, TooManyRequests, NotAcceptable, DicomNotInstalled),
}


@routes.route("GET", "/dicom/studies", **SEARCH)
def search_studies(studies: StudiesService, *, subject: Subject) -> Response:
    """Search studies (QIDO-RS): each finding that the caller may see is one, oldest first.

    `StudyDate` (a day, or `20261101-20261130`), `PatientID`, `StudyInstanceUID`, and any other
    attribute of a study; `includefield`, `limit` (at most 100) and `offset`.
    """
    search, query = _search(studies)
    return _found(search.find_studies(query, to=subject))


@routes.route("GET", f"{STUDY}/series", **SEARCH)
def search_series(studies: StudiesService, *, study: str, subject: Subject) -> Response:
    """Search the series of a study: photographs, heat maps, structured report, report."""
    search, query = _search(studies)
    return _found(search.find_series(query, studies.open(study, to=subject)))


@routes.route("GET", f"{STUDY}/instances", **SEARCH)
def search_instances(studies: StudiesService, *, study: str, subject: Subject) -> Response:
    """Search the objects of a study."""
    search, query = _search(studies)
    opened = studies.open(study, to=subject)
    return _found(search.find_instances(query, opened, studies.maker()))


@routes.route("GET", f"{SERIES}/instances", **SEARCH)
def search_instances_of_series(
    studies: StudiesService, *, study: str, series: str, subject: Subject
) -> Response:
    """Search the objects of a series."""
    search, query = _search(studies)
    opened = studies.open(study, to=subject).of_series(series)
    return _found(search.find_instances(query, opened, studies.maker()))


@routes.route("GET", STUDY, **RETRIEVE)
def retrieve_study(studies: StudiesService, *, study: str, subject: Subject) -> Response:
    """Fetch all objects of a study (WADO-RS), as `multipart/related; type="application/dicom"`.

    With `transfer-syntax=*` pictures come as they are kept, which is JPEG; without it uncompressed.
    """
    return _send(studies, studies.open(study, to=subject))


@routes.route("GET", SERIES, **RETRIEVE)
def retrieve_series(
    studies: StudiesService, *, study: str, series: str, subject: Subject
) -> Response:
    """Fetch the objects of a series."""
    return _send(studies, studies.open(study, to=subject).of_series(series))


@routes.route("GET", INSTANCE, **RETRIEVE)
def retrieve_instance(
    studies: StudiesService, *, study: str, series: str, instance: str, subject: Subject
) -> Response:
    """Fetch an object."""
    return _send(studies, _instance(studies, study, series, instance, subject))


@routes.route("GET", f"{STUDY}/metadata", **SEARCH)
def show_study_metadata(studies: StudiesService, *, study: str, subject: Subject) -> Response:
    """The objects of a study as DICOM JSON, without pixels and without the PDF."""
    return _describe(studies, studies.open(study, to=subject))


@routes.route("GET", f"{SERIES}/metadata", **SEARCH)
def show_series_metadata(
    studies: StudiesService, *, study: str, series: str, subject: Subject
) -> Response:
    """The objects of a series as DICOM JSON."""
    return _describe(studies, studies.open(study, to=subject).of_series(series))


@routes.route("GET", f"{INSTANCE}/metadata", **SEARCH)
def show_instance_metadata(
    studies: StudiesService, *, study: str, series: str, instance: str, subject: Subject
) -> Response:
    """An object as DICOM JSON."""
    return _describe(studies, _instance(studies, study, series, instance, subject))


@routes.route(
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


@routes.route("GET", f"{INSTANCE}/frames/1", **RETRIEVE)
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
        from skinapi.integrations.dicom.queries import Query  # noqa: PLC0415
        from skinapi.integrations.dicom.search import Search  # noqa: PLC0415
    refuse_other_types(request.headers.get("Accept"), JSON, "application/json")
    return Search(studies, studies.reports.address), Query.parse(request.args.items(multi=True))


def _found(found: "Found") -> Response:
    """204 would do where nothing is found, but an empty list is read by all."""
    response = _as_json(found.items)
    if found.more:
        response.headers["Warning"] = MORE
    return response


def _describe(studies: StudiesService, study: Study) -> Response:
    refuse_other_types(request.headers.get("Accept"), JSON, "application/json")
    return _as_json(one.to_json_dict() for one in studies.maker().describe_all(study))


def _as_json(items: Iterable[dict[str, Any]]) -> Response:
    return Response(json.dumps([*items], ensure_ascii=False), mimetype=JSON)


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
