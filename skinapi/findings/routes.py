"""The routes of stored findings and their reviews."""

import hashlib
from typing import Annotated

from flask import Response, request
from pydantic import Field

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import Forbidden, IdempotencyKeyReused, NotFound
from skinapi.base.pages import Page
from skinapi.findings.errors import (
    ContradictoryReview,
    HoldRefused,
    JudgedMeanwhile,
    NoMailToPatient,
    NoPictureToAgreeOn,
    SpotChanged,
    TooManyReviews,
    VersionMissing,
)
from skinapi.findings.records.read_access import in_care, is_asked
from skinapi.findings.records.record_retention import RecordInWork, RecordKept
from skinapi.findings.records.service import FindingsService
from skinapi.findings.reviews.corrections import CorrectionsService
from skinapi.findings.reviews.outcomes import ModelOutcomes, OutcomeCounts
from skinapi.findings.reviews.service import ReviewsService
from skinapi.findings.schemas.expected_reviewer import ExpectedReviewerView, FiledView
from skinapi.findings.schemas.finding_answer import (
    ErrorView,
    FindingInCareView,
    FindingView,
    InstructionQuery,
    NewError,
    OwnQuery,
    PhotoRetentionView,
    PictureQuery,
)
from skinapi.findings.schemas.patient_notice import TellingView
from skinapi.findings.schemas.review import HoldEnded, NewReview, ReviewView, SignedReview
from skinapi.findings.schemas.summary import SummaryView
from skinapi.findings.status.reviews import ToldBy
from skinapi.platform.web.declaration import Authenticated, Routes
from skinapi.platform.web.schemas import Answer, Message, PageQuery, Query

routes: Routes[FindingsService] = Routes(access=Authenticated(scopes=("findings:read",)))
review_routes: Routes[ReviewsService] = Routes(access=Authenticated())
correction_routes: Routes[CorrectionsService] = Routes()
outcome_routes: Routes[OutcomeCounts] = Routes()


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
        unsorted=query.lesion == "none",
        newest_first=query.order == "newest",
        paging=query.paging,
    )
    return page.map(lambda listed: SummaryView.from_finding(*listed, to=subject))


@routes.route("GET", "/submissions/<number>", raises=(NotFound,))
def show_submission(
    findings: FindingsService, *, number: str, query: InstructionQuery, subject: Subject
) -> FindingView | FindingInCareView:
    """A finding of the caller, or of a patient in the caller's care, who is named by id then; an
    admin reads one for an hour after `POST /break-glass`.
    """
    access, photos = findings.access, findings.photos
    finding, owner = access.get_to_read(number=number, to=subject, reading="finding")
    language, beside = query.lang or finding.language, dict[str, object]()
    if owner.id == subject.id:
        beside["will_look"] = ExpectedReviewerView.from_reviewer(
            access.find_who_looks(finding, owner),
            finding,
            language,
            may_keep=photos.policy != "never",
        )
        if access.is_filed_for_owner(finding):
            filer = access.accounts.find_by_id(finding.filed_by)
            beside["filed"] = FiledView.from_finding(finding, filer, language)
    elif finding.case in access.unassigned.list_cases(owner, subject):
        beside["unassigned"] = True
    # The photo of a kept record goes with the record.
    if photos.days and finding.photo_blob and owner.record_kept_until_at is None:
        until = photos.find_end(finding)
        beside["photo_retention"] = PhotoRetentionView(days=photos.days, until=until)
    view: type[FindingView] = FindingView
    if owner.id != subject.id:
        view, in_charge = FindingInCareView, in_care(owner, subject)
        # It changes with a review that is held back, of which only who may sign knows.
        if subject.key is None and (in_charge or is_asked(finding, owner, subject)):
            beside["spot_state"] = finding.make_spot_state(in_charge=in_charge)
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


@routes.route("GET", "/submissions/<number>/heatmap", produces="image/jpeg", raises=(NotFound,))
def show_heatmap(
    findings: FindingsService, *, number: str, query: PictureQuery, subject: Subject
) -> Response:
    """The heat map of a finding over its photo, where the photo was kept."""
    content = findings.access.draw_heatmap(number=number, picture=query.picture, to=subject)
    return Response(content, mimetype="image/jpeg")


@routes.route(
    "DELETE",
    "/submissions/<number>",
    access=Authenticated(),
    raises=(NotFound, RecordKept, RecordInWork),
)
def delete_submission(findings: FindingsService, *, number: str, subject: Subject) -> Message:
    """Delete a finding of the caller, and its photo. Not where the operator must keep what a doctor
    has signed about it.
    """
    findings.delete_finding(number=number, by=subject.id)
    return Message(message=f"Submission {number} deleted")


@review_routes.route(
    "POST",
    "/submissions/<number>/review",
    status=201,
    raises=(
        NotFound,
        Forbidden,
        IdempotencyKeyReused,
        JudgedMeanwhile,
        VersionMissing,
        SpotChanged,
        ContradictoryReview,
        NoPictureToAgreeOn,
        HoldRefused,
        NoMailToPatient,
        TooManyReviews,
    ),
)
def add_review(
    reviews: ReviewsService,
    *,
    number: str,
    body: NewReview,
    subject: Subject,
    idempotency_key: str | None,
) -> SignedReview:
    """Sign a review of a patient's finding, as the doctor in charge. `telling` says whether the
    patient is shown it now, or until when not and why.
    """
    review = reviews.add_review(number=number, by=subject, said=body, key=idempotency_key)
    teller = ToldBy.DOCTOR if body.hold_until else body.told_by
    way, language = reviews.find_way(review), subject.account.language
    telling = TellingView.of_review(review, way, teller, language)
    return SignedReview.from_review(review, held=review.hold_ends_at is not None, telling=telling)


@review_routes.route(
    "DELETE", "/submissions/<number>/hold", raises=(NotFound, Forbidden, HoldRefused)
)
def end_hold(reviews: ReviewsService, *, number: str, subject: Subject) -> HoldEnded:
    """Show the patient now all reviews of the finding that are held back, as the doctor in charge:
    the patient knows. Refused while something graver that was said of another photo is held back,
    and of a record whose patient's account is deleted.
    """
    held = reviews.end_hold(number=number, by=subject)
    return HoldEnded.from_reviews(held, reviews.find_way(held[0]) if held else None)


@review_routes.route(
    "GET",
    "/submissions/<number>/reviews",
    access=Authenticated(scopes=("findings:read",)),
    raises=(NotFound,),
)
def list_reviews(
    reviews: ReviewsService, *, number: str, query: PageQuery, subject: Subject
) -> Page[ReviewView]:
    """The reviews of a finding, in the order in which they were signed."""
    page = reviews.list_reviews(number=number, to=subject, paging=query.paging)
    return page.map(lambda item: ReviewView.from_review(item[0], held=item[1]))


@correction_routes.route(
    "POST",
    "/submissions/<number>/entered-in-error",
    access=Authenticated(roles=("doctor", "admin")),
    raises=(NotFound, Forbidden),
)
def enter_in_error(
    corrections: CorrectionsService, *, number: str, body: NewError, subject: Subject
) -> ErrorView:
    """Let a finding stand for nothing, because it is of somebody else, as the doctor in charge or
    an admin: it leaves its spot and all lists, its reports and letters are void, and its patient
    reads the reason. The same again changes nothing.
    """
    marked = corrections.enter_in_error(number=number, reason=body.reason, by=subject)
    return ErrorView.from_finding(marked)


@correction_routes.route("GET", "/submissions/entered-in-error", access=Authenticated())
def list_errors(
    corrections: CorrectionsService, *, query: PageQuery, subject: Subject
) -> Page[ErrorView]:
    """The caller's own findings that were entered in error, oldest first: nothing of what they said
    is answered, which may be about somebody else.
    """
    page = corrections.records.page_in_error(subject.id, query.paging)
    return page.map(ErrorView.from_finding)


MOST_MONTHS = 60


class OutcomesQuery(Query):
    months: Annotated[int, Field(ge=1, le=MOST_MONTHS)] = Field(
        default=12, description="how many months; this one is the last"
    )


class OutcomesView(Answer):
    models: dict[str, ModelOutcomes] = Field(description="by the version of the model")


@outcome_routes.route(
    "GET",
    "/outcomes",
    access=Authenticated(roles=("doctor", "admin"), refusal="Only doctors and admins see outcomes"),
)
def show_outcomes(outcomes: OutcomeCounts, *, query: OutcomesQuery) -> OutcomesView:
    """What the model had said, against the laboratory's results.

    Only findings with a result count, and mostly suspicious lesions get one: so these figures are
    not those of all lesions.
    """
    return OutcomesView(models=outcomes.of_models(months=query.months))
