"""The routes of spots."""

from flask import Response

from skinapi.base.errors import BadRequest, IdempotencyKeyReused, NotFound
from skinapi.base.pages import Page
from skinapi.base.subject import Subject
from skinapi.care.queue.routes import READERS
from skinapi.care.queue.schemas import ListedFinding
from skinapi.care.spots.records import JoinedWithItself, SortedElsewhere, TooManyLesions
from skinapi.care.spots.schemas import (
    ChosenLesion,
    CourseQuery,
    JoinedLesion,
    LanguageQuery,
    LesionChange,
    LesionView,
    NewLesion,
    finding_view,
)
from skinapi.care.spots.service import LesionsService
from skinapi.findings.records.errors import LesionFull
from skinapi.findings.records.schemas import SubmissionView
from skinapi.platform.web.declaration import Routes, Signed
from skinapi.platform.web.schemas import Message, PageQuery

routes: Routes[LesionsService] = Routes("lesions", access=Signed())


@routes.route(
    "POST", "/lesions", status=201, raises=(BadRequest, IdempotencyKeyReused, TooManyLesions)
)
def create_lesion(
    lesions: LesionsService, *, body: NewLesion, subject: Subject, idempotency_key: str | None
) -> LesionView:
    """Begin a spot of the caller, at a place of the body map. It has no findings yet."""
    created = lesions.create_lesion(
        owner=subject.id, place=body.place.place(), name=body.name, key=idempotency_key
    )
    return LesionView.of(created, subject.account.language, for_doctor=False)


@routes.route("GET", "/lesions", access=Signed(scopes=("findings:read",)))
def list_lesions(
    lesions: LesionsService, *, query: PageQuery, subject: Subject
) -> Page[LesionView]:
    """The caller's own spots, oldest first, each with its newest finding."""
    page = lesions.list_own(owner=subject.id, after=query.after, limit=query.limit)
    return page.map(lambda one: LesionView.of(one, subject.account.language, for_doctor=False))


@routes.route("GET", "/patients/<patient>/lesions", access=READERS, raises=(NotFound,))
def list_patient_lesions(
    lesions: LesionsService, *, patient: str, query: PageQuery, subject: Subject
) -> Page[LesionView]:
    """The spots of one patient in care, oldest first, each with its newest finding."""
    page = lesions.list_of_patient(
        patient=patient, doctor=subject, after=query.after, limit=query.limit
    )
    return page.map(lambda one: LesionView.of(one, subject.account.language, for_doctor=True))


@routes.route(
    "GET", "/lesions/<lesion>", access=Signed(scopes=("findings:read",)), raises=(NotFound,)
)
def show_lesion(
    lesions: LesionsService, *, lesion: str, query: LanguageQuery, subject: Subject
) -> LesionView:
    """A spot of the caller, or of a patient in the caller's care."""
    spot = lesions.get(lesion=lesion, to=subject)
    language = query.lang or subject.account.language
    return LesionView.of(spot, language, for_doctor=spot.lesion.owner != subject.id)


@routes.route(
    "GET",
    "/lesions/<lesion>/submissions",
    access=Signed(scopes=("findings:read",)),
    raises=(NotFound,),
)
def list_course(
    lesions: LesionsService, *, lesion: str, query: CourseQuery, subject: Subject
) -> Page[ListedFinding]:
    """The findings of a spot in the order of time: `order` oldest or newest first."""
    page = lesions.page_course(
        lesion=lesion,
        to=subject,
        newest_first=query.order == "newest",
        after=query.after,
        limit=query.limit,
    )
    return page.map(lambda one: finding_view(one, for_doctor=not one.reader.is_patient))


@routes.route("PATCH", "/lesions/<lesion>", raises=(BadRequest, NotFound))
def change_lesion(
    lesions: LesionsService, *, lesion: str, body: LesionChange, subject: Subject
) -> LesionView:
    """Give a spot of the caller another name or place; what is not sent stays."""
    changed = lesions.change_lesion(lesion=lesion, fields=body.changes(), by=subject.id)
    return LesionView.of(changed, subject.account.language, for_doctor=False)


@routes.route("DELETE", "/lesions/<lesion>", raises=(NotFound,))
def delete_lesion(lesions: LesionsService, *, lesion: str, subject: Subject) -> Message:
    """Delete a spot of the caller. Its findings stay, and belong to no spot; its messages stay with
    the doctor in charge.
    """
    lesions.delete_lesion(lesion=lesion, by=subject.id)
    return Message(message="Spot deleted; its findings stay")


@routes.route(
    "POST", "/lesions/<lesion>/join", raises=(BadRequest, NotFound, JoinedWithItself, LesionFull)
)
def join_lesion(
    lesions: LesionsService, *, lesion: str, body: JoinedLesion, subject: Subject
) -> LesionView:
    """Give findings and messages of another spot of the caller to this one, and delete that one.

    The same request sent again is answered as before.
    """
    changed = lesions.join_lesion(lesion=lesion, joined=body.lesion, by=subject.id)
    return LesionView.of(changed, subject.account.language, for_doctor=False)


@routes.route(
    "PUT",
    "/submissions/<number>/lesion",
    raises=(BadRequest, NotFound, LesionFull, SortedElsewhere),
)
def sort_finding(
    lesions: LesionsService, *, number: str, body: ChosenLesion, subject: Subject
) -> SubmissionView:
    """Give a finding of the caller to a spot of the caller, or to none."""
    finding = lesions.sort_finding(
        number=number, lesion=body.lesion, may_leave=body.may_leave, by=subject
    )
    return SubmissionView.of(finding, subject.account)


@routes.route("GET", "/lesions/<lesion>/reminder.ics", produces="text/calendar", raises=(NotFound,))
def show_reminder(
    lesions: LesionsService, *, lesion: str, query: LanguageQuery, subject: Subject
) -> Response:
    """A calendar entry for the day to photograph a spot of the caller again."""
    language = query.lang or subject.account.language
    text = lesions.make_reminder(lesion=lesion, by=subject.id, language=language)
    return Response(text, mimetype="text/calendar")
