"""Pictures that data sets have from findings, and how they leave again.

A data set that was made from reviews holds copies of photos. They are erased where the owner
withdraws the consent, the finding or the account is deleted: the version stays with fewer pictures,
and says how many are gone.

A consent may be withdrawn while a data set is made. The transaction that stores a picture changes
the account and the finding (`hold`), as those do that withdraw the consent or delete the finding:
of two at the same time one runs again. So either the picture is not stored, or it is erased.
"""

from collections.abc import Callable
from functools import partial

from skinapi.auth.accounts.accounts import Account
from skinapi.lab.datasets.dataset_images import DatasetImage
from skinapi.lab.repositories import LabRepositories
from skinapi.storage.background.erasures import Erasures
from skinapi.storage.ports import Filter

SYSTEM = "system"
HELD = {"$inc": {"holds": 1}}


class ContributedPictures:
    def __init__(self, data: LabRepositories) -> None:
        self._store, self._trail = data.store, data.trail
        self._datasets, self._images = data.datasets, data.images
        self._erasures = Erasures(data.store)

    def hold(self, image: DatasetImage) -> bool:
        """Whether the photo of this finding may be in a data set. Ask in the transaction that
        stores it.
        """
        account = self._store.collection("accounts").update({"id": image.account}, HELD)
        finding = self._store.collection("submissions").update({"id": image.submission}, HELD)
        return bool(account and finding) and Account.model_validate(account).may_teach

    def note_publication(self, dataset: str, by: str) -> None:
        """Add one row for each patient to the audit trail, as with thumbnails: researchers see the
        pictures. Call it in the transaction of the publication.
        """
        for account in self._images.accounts_of(dataset):
            self._trail.record("photo.to_dataset", by=by, target=account)

    def delete_of_finding(self, submission: str) -> list[str]:
        """Delete all copies of this finding's photo in data sets, in the transaction of its
        deletion. The result is the keys of their files, to be deleted after it.
        """
        return self._delete({"submission": submission})

    def withdraw(self, account: str) -> Callable[[], None]:
        """Delete all copies of this account's photos in data sets, in the transaction of the
        withdrawal. The result deletes their files, after it.
        """
        keys = self._delete({"account": account})
        self._erasures.note(keys)
        return partial(self._erasures.finish, keys)

    def forget_account(self, account: str) -> None:
        """Erase all copies of this account's photos in data sets. Idempotent."""
        self._store.transaction(partial(self.withdraw, account))()

    def _delete(self, wanted: Filter) -> list[str]:
        gone, keys = self._images.delete_records(wanted)
        for dataset, tally in sorted(gone.items()):
            self._datasets.count_erased(dataset, tally)
            if self._datasets.find_published_name(dataset):
                self._trail.record("dataset.pictures_erased", by=SYSTEM, target=dataset)
        return keys
