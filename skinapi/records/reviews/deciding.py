"""Which review of a finding counts. The table of cases is in docs/reviews.md."""

from collections.abc import Sequence
from typing import TypeVar

from skinapi.records.reviews.opinions import Histology, Opinion, Verdict
from skinapi.vision.bands import most_urgent, urgency
from skinapi.vision.conditions import Band, conditions_table

Signed = TypeVar("Signed", bound=Verdict)


def deciding_review(reviews: Sequence[Signed]) -> Signed | None:
    """The review that counts, of all reviews of one finding in the order in which they were signed;
    None without any. Second opinions do not count: who asked for one signs what counts.

    The laboratory's newest result outranks opinions, and only another result replaces it; a graver
    condition whose result is awaited since then stands before it. Of opinions, one that is sure or
    whose result is awaited outranks one that is unsure; among equals the graver counts, then the
    newer. A doctor's own later opinion replaces the earlier one, unless it is unsure and milder.
    """
    reviews = [review for review in reviews if not review.second_opinion]
    standing = [
        review
        for place, review in enumerate(reviews)
        if not any(_replaces(later, review) for later in reviews[place + 1 :])
    ]
    results = [place for place, one in enumerate(standing) if one.opinion.histology_result]
    if not results:
        return max(reversed(standing), key=lambda review: _rank(review.opinion), default=None)
    result, since = standing[results[-1]], standing[results[-1] + 1 :]
    reopening = [
        review
        for review in since
        if _awaited(review.opinion) and _gravity(review.opinion) > _gravity(result.opinion)
    ]
    return max(reversed(reopening), key=lambda review: _gravity(review.opinion), default=result)


def _replaces(later: Verdict, earlier: Verdict) -> bool:
    """Whether a doctor has withdrawn the earlier review by the later one."""
    if later.doctor != earlier.doctor or earlier.opinion.histology_result:
        return False
    if later.opinion.condition is None:
        return earlier.opinion.condition is None
    return later.opinion.sure or _gravity(later.opinion) >= _gravity(earlier.opinion)


def _awaited(opinion: Opinion) -> bool:
    return opinion.histology is Histology.AWAITED


def _rank(opinion: Opinion) -> tuple[int, tuple[bool, int, int]]:
    says = opinion.condition is not None or opinion.urgency is not None
    weight = 2 if opinion.sure or _awaited(opinion) else 1
    return weight if says else 0, _gravity(opinion)


def _gravity(opinion: Opinion) -> tuple[bool, int, int]:
    """A sort key: the graver, the larger. A cancer comes first, then the urgency that the condition
    or the doctor asks for.
    """
    least = Band.SELF_MONITORING
    own = conditions_table().label(opinion.condition).urgency if opinion.condition else least
    asked = opinion.urgency or own
    return opinion.malignant, -urgency(most_urgent(own, asked)), -urgency(asked)
