"""Pictures that data sets have from findings, and how they leave again.

A data set that was made from reviews holds copies of photos. They are erased where the owner
withdraws the consent, the finding or the account is deleted: the version stays with fewer pictures,
and says how many are gone.

Each erasure removes the pictures first and then counts what is left, until both agree; a crash in
between is found by `check`.

A consent may be withdrawn while a data set is made. The withdrawal erases the pictures that are
stored by then. So whoever publishes one calls `erase_unconsented` when all are stored, before the
publication, and `verify` after it, for the counts. A data set is `unverified` until then, and
`resume` goes on with what was interrupted.
"""

from collections.abc import Callable, Iterator
from functools import partial

from skinapi.audit import AuditTrail
from skinapi.auth.accounts import Accounts
from skinapi.errors import NotFound
from skinapi.lab.datasets import Datasets
from skinapi.lab.images import DatasetImage, DatasetImages
from skinapi.records.submissions import Submissions
from skinapi.storage.faults import Fault

CHECKED_AT_ONCE = 100
SYSTEM = "system"


class ContributedPictures:
    def __init__(
        self,
        *,
        datasets: Datasets,
        images: DatasetImages,
        accounts: Accounts,
        submissions: Submissions,
        trail: AuditTrail,
    ) -> None:
        self._datasets = datasets
        self._images = images
        self._accounts = accounts
        self._submissions = submissions
        self._trail = trail

    def forget_account(self, account: str) -> None:
        """Erase all copies of this account's photos in data sets. Idempotent."""
        self._erase_all(lambda: self._images.of_account(account))

    def forget_finding(self, submission: str) -> list[str]:
        """Take all copies of this finding's photo out of data sets, in the caller's transaction.
        Return the keys of their files, to be deleted after it.
        """
        blobs, touched = list[str](), set[str]()
        while copies := self._images.of_submission(submission):
            for image in copies:
                blobs += self._images.remove_record(image)
                touched.add(image.dataset)
        for dataset in sorted(touched):
            self._recount(dataset)
        return blobs

    def erase_unconsented(self, dataset: str) -> None:
        """Erase the pictures of a data set that may not be in it any more."""
        for image in self._unconsented(dataset):
            self._images.remove(image)
        self._recount(dataset)

    def verify(self, dataset: str) -> None:
        """Erase what may not be in a published data set any more, and count what is left."""
        self.erase_unconsented(dataset)
        self._datasets.set_verified(dataset)

    def resume(self) -> None:
        """Verify the data sets whose verification was interrupted."""
        for dataset in self._datasets.unverified():
            self.verify(dataset)

    def faults(self) -> Iterator[Fault]:
        """Pictures that should have been erased, and data sets that count erased ones."""
        for dataset in self._datasets.published_from_reviews():
            counted = dict(dataset.counts) == self._images.tally(dataset.id).counts
            if not counted or next(self._unconsented(dataset.id), None):
                says = f"data set {dataset.id} has pictures, or counts some, that should be erased"
                yield Fault(says, partial(self.erase_unconsented, dataset.id))

    def _erase_all(self, find: Callable[[], list[DatasetImage]]) -> None:
        touched = set()
        while found := find():
            for image in found:
                self._images.remove(image)
                touched.add(image.dataset)
        for dataset in sorted(touched):
            self._recount(dataset)

    def _unconsented(self, dataset: str) -> Iterator[DatasetImage]:
        for batch in self._images.batches(dataset, CHECKED_AT_ONCE):
            accounts = self._accounts.by_ids({one.account for one in batch if one.account})
            there = self._submissions.existing([one.submission for one in batch if one.submission])
            for image in batch:
                owner = accounts.get(image.account or "")
                if image.submission and not (
                    image.submission in there and owner and owner.may_teach
                ):
                    yield image

    def _recount(self, identifier: str) -> None:
        """Count the pictures that are left, until the data set says the same."""
        while True:
            try:
                dataset = self._datasets.by_id(identifier)
            except NotFound:
                return
            left = self._images.tally(identifier)
            if dataset.status != "published" or dict(dataset.counts) == left.counts:
                return
            erased = dataset.pictures + dataset.erased - left.pictures
            self._datasets.set_counts(identifier, counts=left.counts, size=left.size, erased=erased)
            self._trail.record("dataset.pictures_erased", by=SYSTEM, target=identifier)
