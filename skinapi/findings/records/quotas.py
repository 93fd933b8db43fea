"""Quotas of an account: photos classified per day, and stored findings.

Photos are counted against the setting `RATE_PREDICTIONS`, by the rate limits (`Allowances`).
"""

from dataclasses import dataclass

from skinapi.accounts.auth.accounts import Account
from skinapi.base.allowances import Allowances
from skinapi.findings.records.errors import StorageQuotaReached


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    most_submissions: int
    allowances: Allowances

    def count_photos(self, owner: Account, photos: int) -> None:
        """Raises StorageQuotaReached, PredictionQuotaReached. Call it before they are classified:
        photos that are classified at the same time may exceed the storage quota by their number.
        """
        if owner.findings >= self.most_submissions:
            raise StorageQuotaReached(self.most_submissions)
        self.allowances.count_photos(owner.id, owner.role, photos)
