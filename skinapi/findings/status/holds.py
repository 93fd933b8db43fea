"""What a hold keeps back is one review. What reviews decide together is kept back for as long as a
patient, who does not know the held ones, reads something else.
"""

from collections.abc import Sequence
from datetime import datetime

from skinapi.findings.status.decisions import Decision, JudgedVersion
from skinapi.findings.status.reviews import Review


def find_shown_at(
    reviews: Sequence[Review], versions: Sequence[JudgedVersion], since: datetime
) -> datetime:
    """When, at the earliest since then, a patient reads what these reviews decide."""
    decided = _said(reviews, versions)
    ends = sorted(review.shown_at for review in reviews if review.held_at(since))
    moments = (
        moment
        for moment in (since, *ends)
        if _said([item for item in reviews if not item.held_at(moment)], versions) == decided
    )
    return next(moments)


def find_held_until(
    reviews: Sequence[Review], versions: Sequence[JudgedVersion], moment: datetime
) -> datetime | None:
    """None where the patient reads what these reviews decide."""
    shown_at = find_shown_at(reviews, versions, moment)
    return shown_at if shown_at > moment else None


def _said(reviews: Sequence[Review], versions: Sequence[JudgedVersion]) -> tuple[object, ...]:
    """The review that decides, and what a newer one adds to it."""
    decision = Decision.from_reviews(reviews, versions)
    return (decision.review, decision.urgency, decision.new_picture_wanted) if decision else ()
