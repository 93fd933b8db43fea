"""Builds the services of data sets; `skinapi.services` calls it."""

from collections.abc import Callable

from skinapi.audit import AuditTrail
from skinapi.lab.checks import Checks
from skinapi.lab.datasets import Datasets
from skinapi.lab.images import DatasetImages
from skinapi.lab.learned import LearnedPictures
from skinapi.lab.publishing import Publisher
from skinapi.lab.quarantine import Quarantine
from skinapi.lab.quota import Quota
from skinapi.lab.service import DatasetsService
from skinapi.lab.uploads import Uploads
from skinapi.settings import Settings
from skinapi.storage.ports import Store


def open_datasets(
    settings: Settings,
    store: Store,
    *,
    trail: AuditTrail,
    learned: Callable[[], LearnedPictures],
    in_use: Callable[[str], bool],
) -> DatasetsService:
    """`learned` tells of the model in service, `in_use` whether a job uses a data set.

    Removes what killed processes left in the quarantine of this machine.
    """
    datasets, images, uploads = Datasets(store), DatasetImages(store), Uploads(store)
    quota = Quota(datasets=datasets, uploads=uploads, most=settings.dataset_quota_bytes)
    quarantine, checks = Quarantine(settings.quarantine), Checks()
    publisher = Publisher(
        datasets=datasets,
        images=images,
        quarantine=quarantine,
        learned=learned,
        largest_picture=settings.max_upload_bytes,
        most_bytes=settings.max_dataset_bytes,
        check_quota=quota.check,
        waiting=checks.waiting,
    )
    quarantine.sweep()
    return DatasetsService(
        datasets=datasets,
        images=images,
        uploads=uploads,
        publisher=publisher,
        checks=checks,
        trail=trail,
        quarantine=quarantine,
        quota=quota,
        largest=settings.max_dataset_bytes,
        in_use=in_use,
    )
