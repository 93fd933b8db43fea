"""Errors about stored findings."""

from skinapi.errors import SkinAPIError, Unprocessable


class StorageQuotaReached(SkinAPIError):
    status, code = 507, "storage_quota_reached"
    sentence = "This account keeps as many findings as it may; delete some, then try again"


class ContradictoryReview(Unprocessable):
    """`stated` is the key of the condition that the finding states."""

    code, sentence = "contradictory_review", "A review that agrees has the label of the finding"

    def __init__(self, stated: str) -> None:
        super().__init__(
            f"{self.sentence}, {stated}; to name another, send the agreement `disagree` or `unsure`"
        )
