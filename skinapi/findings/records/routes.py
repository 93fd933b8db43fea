import hashlib

from flask import Response, request

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import NotFound
from skinapi.base.pages import Page
from skinapi.findings.records.read_access import in_care
from skinapi.findings.records.record_retention import RecordKept
from skinapi.findings.records.schemas.expected_reviewer import ExpectedReviewerView, FiledView
from skinapi.findings.records.schemas.finding_answer import (
    FindingInCareView,
    FindingView,
    InstructionQuery,
    OwnQuery,
    PhotoRetentionView,
    PictureQuery,
)
from skinapi.findings.records.schemas.summary import SummaryView
from skinapi.findings.records.service import FindingsService
from skinapi.platform.web.declaration import Authenticated, Routes
from skinapi.platform.web.schemas import Message

routes: Routes[FindingsService] = Routes(access=Authenticated(scopes=("findings:read",)))


@routes.route("GET", "/submissions")
def list_submissions(
    findings: FindingsService, *, query: OwnQuery, subject: Subject
) -> Page[SummaryView]:
    """The caller's own findings, oldest or newest first; each in full is at its number. With a
    clinic-wide key those of every patient, whom `patient_id` names.

    Without `limit` as many as may be, because the Angular app reads one answer and follows no link.
    """
    page = findings.access.list_own(
        to=subject,
        newest_first=query.order == "newest",
        paging=query.paging,
    )
    return page.map(lambda listed: SummaryView.from_finding(*listed, to=subject))


@routes.route("GET", "/submissions/<number>", raises=(NotFound,))
def show_submission(
    findings: FindingsService, *, number: str, query: InstructionQuery, subject: Subject
) -> FindingView | FindingInCareView:
    """A finding of the caller, or of a patient in the caller's care, who is named by id then."""
    access, photos = findings.access, findings.photos
    finding, owner = access.open(number=number, to=subject)
    language, beside = query.lang or finding.language, dict[str, object]()
    if owner.id == subject.id:
        beside["will_look"] = ExpectedReviewerView.from_reviewer(
            access.find_who_looks(finding, owner),
            finding,
            language,
            may_keep=photos.policy != "never",
        )
        if finding.filed_by and not finding.session_of:  # there the patient takes the photo
            filer = access.accounts.find_by_id(finding.filed_by)
            beside["filed"] = FiledView.from_finding(finding, filer, language)
    elif finding.lesion in access.unassigned.list_cases(owner, subject):
        beside["unassigned"] = True
    if photos.days and finding.photo_blob:
        until = photos.find_end(finding)
        beside["photo_retention"] = PhotoRetentionView(days=photos.days, until=until)
    view: type[FindingView] = FindingView
    if owner.id != subject.id:
        view = FindingInCareView
        beside["no_access"] = not access.can_read_anywhere(owner)
        if subject.key is None and in_care(owner, subject):
            beside["spot_version"] = finding.spot.version
    model = access.models.find_version_state(finding.finding.model_version)
    return view.from_finding(finding, owner, model, query.lang).model_copy(update=beside)


@routes.route("GET", "/submissions/<number>/photo", produces="image/jpeg", raises=(NotFound,))
def show_photo(
    findings: FindingsService, *, number: str, query: PictureQuery, subject: Subject
) -> Response:
    """The photo of a finding, where it was kept."""
    content = findings.access.read_kept_photo(number=number, picture=query.picture, to=subject)
    return Response(content, mimetype="image/jpeg")


@routes.route("GET", "/submissions/<number>/thumbnail", produces="image/jpeg", raises=(NotFound,))
def show_thumbnail(findings: FindingsService, *, number: str, subject: Subject) -> Response:
    """The photo of a finding as a small JPEG for lists, where the photo was kept.

    A browser may keep it for this caller, and must ask each time whether it may still show it.
    """
    content = findings.access.read_thumbnail(number=number, to=subject)
    response = Response(content, mimetype="image/jpeg")
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(hashlib.sha256(content).hexdigest()[:20])
    response.make_conditional(request)
    return response


@routes.route(
    "DELETE",
    "/submissions/<number>",
    access=Authenticated(),
    raises=(NotFound, RecordKept),
)
def delete_submission(findings: FindingsService, *, number: str, subject: Subject) -> Message:
    """Delete a finding of the caller, and its photo. Not where the operator must keep what a doctor
    has signed about it.
    """
    findings.delete_finding(number=number, by=subject.id)
    return Message(message=f"Submission {number} deleted")
