"""Errors about stored findings."""

from skinapi.errors import SkinAPIError


class StorageQuotaReached(SkinAPIError):
    status, code = 507, "storage_quota_reached"
    sentence = "This account keeps as many findings as it may; delete some, then try again"
