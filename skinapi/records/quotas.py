"""How many photos an account may have classified in a day, and how many findings it may keep."""

from collections.abc import Callable

from skinapi.auth.accounts import Account
from skinapi.records.errors import StorageQuotaReached
from skinapi.records.finding_counts import FindingCounts

Spend = Callable[[str, str], None]


class Quotas:
    def __init__(self, *, counts: FindingCounts, most_submissions: int, spend: Spend) -> None:
        """`spend` counts one photo of an account in a role. Raises PredictionQuotaReached."""
        self._counts = counts
        self._most_submissions = most_submissions
        self._spend = spend

    def take_place(self, owner: Account) -> None:
        """Before a photo is classified. Raises StorageQuotaReached, PredictionQuotaReached.

        Photos that are classified at the same moment may exceed the store's quota by as many.
        """
        if self._counts.reaches(owner.id, self._most_submissions):
            raise StorageQuotaReached
        self._spend(owner.id, owner.role)
