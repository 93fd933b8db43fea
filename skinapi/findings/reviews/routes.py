from typing import Annotated

from pydantic import Field

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import (
    Forbidden,
    IdempotencyKeyReused,
    MilderNotConfirmed,
    NotFound,
    SkinAPIError,
    SpotChanged,
)
from skinapi.base.pages import Page
from skinapi.findings.errors import (
    ContradictoryReview,
    IncompleteReview,
    ResultAwaited,
    SampleAwaited,
    TooManyReviews,
)
from skinapi.findings.records.finding_access import NOT_TO_VOID
from skinapi.findings.records.schemas.finding_answer import ErrorView, StatedReason
from skinapi.findings.records.schemas.review import NewReview, ReviewView
from skinapi.findings.reviews.corrections import CorrectionsService
from skinapi.findings.reviews.outcomes import ModelOutcomes, OutcomeCounts
from skinapi.findings.reviews.service import ReviewsService
from skinapi.platform.web.declaration import Authenticated, Routes
from skinapi.platform.web.schemas import Answer, PageQuery, Query

routes: Routes[ReviewsService] = Routes(access=Authenticated())
correction_routes: Routes[CorrectionsService] = Routes()
outcome_routes: Routes[OutcomeCounts] = Routes()


SIGNING: tuple[type[SkinAPIError], ...] = (
    NotFound,
    Forbidden,
    IdempotencyKeyReused,
    SpotChanged,
    IncompleteReview,
    ContradictoryReview,
    SampleAwaited,
    MilderNotConfirmed,
    TooManyReviews,
)


@routes.route("POST", "/lesions/<lesion>/reviews", status=201, raises=SIGNING)
def review_lesion(
    reviews: ReviewsService,
    *,
    lesion: str,
    body: NewReview,
    subject: Subject,
    idempotency_key: str | None,
) -> ReviewView:
    """Sign a review of a patient's spot, as the doctor in charge, also if all its findings were
    deleted. The patient can read it at once.
    """
    signed = reviews.add_to_spot(lesion=lesion, by=subject, sent=body, key=idempotency_key)
    return ReviewView.from_review(signed)


@routes.route("POST", "/submissions/<number>/review", status=201, raises=SIGNING)
def add_review(
    reviews: ReviewsService,
    *,
    number: str,
    body: NewReview,
    subject: Subject,
    idempotency_key: str | None,
) -> ReviewView:
    """Sign a review of the spot of a patient's finding, as the doctor in charge. The patient can
    read it at once.
    """
    signed = reviews.add_review(number=number, by=subject, sent=body, key=idempotency_key)
    return ReviewView.from_review(signed)


@routes.route(
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
    return page.map(ReviewView.from_review)


@routes.route(
    "POST",
    "/submissions/<number>/reviews/<review>/void",
    access=Authenticated(roles=("doctor",), refusal=NOT_TO_VOID),
    raises=(NotFound, Forbidden, ResultAwaited),
)
def void_review(
    reviews: ReviewsService, *, number: str, review: str, body: StatedReason, subject: Subject
) -> ReviewView:
    """Void a review of the spot of this finding, as its signer, the doctor in charge, or any doctor
    if nobody is in charge. Nothing becomes milder, and what it covers waits for a review. The same
    again changes nothing.
    """
    voided = reviews.void_review(number=number, review=review, reason=body.reason, by=subject)
    return ReviewView.from_review(voided)


@correction_routes.route(
    "POST",
    "/submissions/<number>/entered-in-error",
    access=Authenticated(roles=("doctor", "admin")),
    raises=(NotFound, Forbidden, ResultAwaited),
)
def enter_in_error(
    corrections: CorrectionsService, *, number: str, body: StatedReason, subject: Subject
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
