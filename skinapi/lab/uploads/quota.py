"""The bytes that one account may keep in data sets and uploads."""

from skinapi.lab.datasets.dataset_versions import Datasets
from skinapi.lab.errors import DatasetQuotaReached
from skinapi.lab.uploads.upload_records import Uploads
from skinapi.web.limits.size_limits import size_in_words


class Quota:
    def __init__(self, datasets: Datasets, uploads: Uploads, *, most: int) -> None:
        self._datasets, self._uploads, self._most = datasets, uploads, most

    def refuse_excess(self, owner: str, more: int) -> None:
        """Raises DatasetQuotaReached where the account would keep more than it may. It is exact in
        a transaction that holds the owner.
        """
        used = sum(each.size for each in self._datasets.list_of_owner(owner))
        used += sum(each.size for each in self._uploads.list_of_owner(owner))
        if used + more > self._most:
            raise DatasetQuotaReached(
                f"This account may keep {size_in_words(self._most)} of data sets and uploads; "
                "delete some, then try again"
            )
