"""Errors about stored findings."""

from skinapi.errors import SkinAPIError, Unprocessable


class IdempotencyKeyReused(Unprocessable):
    code = "idempotency_key_reused"
    sentence = "This Idempotency-Key was used for another request; choose a new one"


class StorageQuotaReached(SkinAPIError):
    status, code = 507, "storage_quota_reached"
    sentence = "This account keeps as many findings as it may; delete some, then try again"
