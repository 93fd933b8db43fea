"""Quotas of an account: photos classified per day, and stored findings.

Photos are counted against the setting `RATE_PREDICTIONS`, by the rate limits (web/limits).
"""

from collections.abc import Callable

from skinapi.auth.accounts import Account
from skinapi.records.errors import StorageQuotaReached

Spend = Callable[[str, str], None]


class Quotas:
    def __init__(
        self, *, count_kept: Callable[[Account], int], most_submissions: int, spend: Spend
    ) -> None:
        """`count_kept` counts an account's findings one by one. `spend` counts one photo of an
        account that has a role, and raises PredictionQuotaReached.
        """
        self._count_kept = count_kept
        self._most_submissions = most_submissions
        self._spend = spend

    def count_photos(self, owner: Account, photos: int) -> None:
        """Refuse what is past either quota, and count the photos of one finding, before they are
        classified.

        Raises StorageQuotaReached, PredictionQuotaReached. Photos that are classified at the same
        time may exceed the storage quota by their number, because none of them is stored yet.
        """
        kept = owner.findings
        if kept is None or kept >= self._most_submissions:
            kept = self._count_kept(owner)
        if kept >= self._most_submissions:
            raise StorageQuotaReached(self._most_submissions)
        for _ in range(photos):
            self._spend(owner.id, owner.role)
