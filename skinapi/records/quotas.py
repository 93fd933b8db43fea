"""How much one account may have judged, and keep."""

from collections.abc import Callable

from skinapi.auth.accounts import Account
from skinapi.errors import StorageQuotaReached
from skinapi.records.submissions import Submissions

Spend = Callable[[str, str], None]


class Quotas:
    def __init__(self, *, submissions: Submissions, most_submissions: int, spend: Spend) -> None:
        """`spend` counts one photo of an account in a role. Raises PredictionQuotaReached."""
        self._submissions = submissions
        self._most_submissions = most_submissions
        self._spend = spend

    def take_place(self, owner: Account) -> None:
        """Before a photo is judged. Raises StorageQuotaReached, PredictionQuotaReached.

        Photos that are judged at the same moment may exceed the store's quota by as many.
        """
        if self._submissions.count(owner.id) >= self._most_submissions:
            raise StorageQuotaReached
        self._spend(owner.id, owner.role)
