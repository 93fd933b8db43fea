"""Errors about stored findings."""

from skinapi.errors import SkinAPIError, Unprocessable


class StorageQuotaReached(SkinAPIError):
    status, code = 507, "storage_quota_reached"
    sentence = "This account keeps as many findings as it may; delete some, then try again"


class ContradictoryReview(Unprocessable):
    code, sentence = "contradictory_review", "The parts of this review contradict each other"


class TooManyReviews(Unprocessable):
    code = "too_many_reviews"
    sentence = "This finding has as many reviews as are kept; ask for another photo"
