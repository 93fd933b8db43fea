"""Quotas of an account: photos classified per day, and stored findings.

Photos are counted against the setting `RATE_PREDICTIONS`, by the rate limits (web/limits).
"""

from collections.abc import Callable
from dataclasses import dataclass

from skinapi.auth.accounts import Account
from skinapi.records.errors import StorageQuotaReached

Spend = Callable[[str, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """`count_kept` counts an account's findings one by one. `spend` counts one photo of an
    account that has a role, and raises PredictionQuotaReached.
    """

    count_kept: Callable[[Account], int]
    most_submissions: int
    spend: Spend

    def count_photos(self, owner: Account, photos: int) -> None:
        """Refuse what is past either quota, and count the photos of one finding, before they are
        classified.

        Raises StorageQuotaReached, PredictionQuotaReached. Photos that are classified at the same
        time may exceed the storage quota by their number, because none of them is stored yet.
        """
        kept = owner.findings
        if kept is None or kept >= self.most_submissions:
            kept = self.count_kept(owner)
        if kept >= self.most_submissions:
            raise StorageQuotaReached(self.most_submissions)
        for _ in range(photos):
            self.spend(owner.id, owner.role)
