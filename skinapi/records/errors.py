"""Errors about stored findings."""

from skinapi.errors import SkinAPIError, Unprocessable


class StorageQuotaReached(SkinAPIError):
    """`most`: how many findings an account may have."""

    status, code = 507, "storage_quota_reached"
    sentence = "This account has as many findings as it may"

    def __init__(self, most: int) -> None:
        super().__init__(f"{self.sentence} ({most}). Delete some, then try again.")


class LesionFull(Unprocessable):
    """`most`: how many findings a spot may have."""

    code, sentence = "lesion_full", "This spot has as many findings as it may"

    def __init__(self, most: int) -> None:
        super().__init__(f"{self.sentence} ({most}). Begin a new spot at the same place.")


class ContradictoryReview(Unprocessable):
    code, sentence = "contradictory_review", "The parts of this review contradict each other"


class TooManyReviews(Unprocessable):
    code = "too_many_reviews"
    sentence = "This finding has as many reviews as are kept; ask for another photo"
