"""Removes data sets with all that belongs to them, and settles those whose checks have ended."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from skinapi.errors import SkinAPIError, StoreUnavailable
from skinapi.lab.checks.check_queue import CheckQueue
from skinapi.lab.datasets.dataset_versions import DatasetVersion
from skinapi.lab.errors import InterruptedCheck, RefusedDataset
from skinapi.lab.repositories import LabRepositories
from skinapi.storage.faults import Fault


class Cleanup:
    def __init__(
        self, data: LabRepositories, checks: CheckQueue, owner_stays: Callable[[str], bool]
    ) -> None:
        self._store, self._trail = data.store, data.trail
        self._datasets, self._images, self._uploads = data.datasets, data.images, data.uploads
        self._checks, self._owner_stays = checks, owner_stays

    def remove(self, identifier: str) -> None:
        """Delete a data set with its images: it may have thousands, so this is no transaction. It
        is marked first, so that nobody finds it with half of them, and goes last: after an
        interruption, `sweep` goes on.
        """
        self._datasets.begin_deletion(identifier)
        self._checks.drop(identifier)
        self._images.forget(identifier)
        self._datasets.remove(identifier)

    def refuse(self, dataset: str, owner: str, error: SkinAPIError) -> None:
        """Keep the reason for a day; the uploads stay, so that they can be sent again. Nothing
        happens where it was published: the error came after that.
        """
        report: Mapping[str, Any] = error.report if isinstance(error, RefusedDataset) else {}

        def refuse() -> None:
            if self._datasets.refuse(dataset, code=error.code, problem=error.detail, report=report):
                self._trail.record("dataset.refused", by=owner, target=dataset)

        with suppress(StoreUnavailable):
            self._store.transaction(refuse)

    def settle(self, dataset: DatasetVersion) -> None:
        """Refuse one whose check was interrupted, so that its owner reads why; delete one that was
        refused a day ago, or whose deletion was interrupted.
        """
        if dataset.status != "checking":
            self.remove(dataset.id)
        else:
            self.refuse(dataset.id, dataset.owner, InterruptedCheck())
            self._images.forget(dataset.id)

    def sweep(self) -> None:
        """Delete uploads that have expired, and settle what was abandoned: before each upload and
        data set, and as a server starts.
        """
        self._uploads.sweep()
        self._datasets.mend_times()
        for dataset in self._datasets.abandoned():
            self.settle(dataset)

    def forget(self, owner: str) -> None:
        """Delete all uploads and data sets of an account. It is idempotent."""
        self._uploads.forget(owner)
        for dataset in self._datasets.list_of_owner(owner):
            self.remove(dataset.id)

    def faults(self) -> Iterator[Fault]:
        for owner in sorted(self._datasets.owners() | self._uploads.owners()):
            if not self._owner_stays(owner):
                says = f"data sets or uploads of account {owner}, which is gone"
                yield Fault(says, partial(self.forget, owner))
