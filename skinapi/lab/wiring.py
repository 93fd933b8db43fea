"""Builds the services of data sets; `skinapi.composition.services` calls it."""

from collections.abc import Callable
from dataclasses import dataclass

from skinapi.audit import AuditTrail
from skinapi.auth.accounts.owners import HoldOwner, OwnerStays
from skinapi.lab.archives.quarantine import Quarantine
from skinapi.lab.checks.check_queue import Checks
from skinapi.lab.checks.publishing import Publisher
from skinapi.lab.datasets.dataset_images import DatasetImages
from skinapi.lab.datasets.dataset_versions import Datasets
from skinapi.lab.datasets.learned_pictures import LearnedPictures
from skinapi.lab.reviews.contributed_pictures import ContributedPictures
from skinapi.lab.reviews.reviewed_findings import ReviewedFindings
from skinapi.lab.reviews.service import FromReviewsService
from skinapi.lab.service import DatasetsService
from skinapi.lab.uploads.quota import Quota
from skinapi.lab.uploads.service import UploadsService
from skinapi.lab.uploads.upload_records import Uploads
from skinapi.settings import Settings
from skinapi.storage.ports import Store


@dataclass(frozen=True)
class LabRepositories:
    """What data sets are stored in. They are built before the services of findings, which tell
    `contributed` what to erase.
    """

    datasets: Datasets
    images: DatasetImages
    contributed: ContributedPictures


@dataclass(frozen=True)
class LabServices:
    datasets: DatasetsService
    uploads: UploadsService
    from_reviews: FromReviewsService


def open_lab_repositories(store: Store, *, trail: AuditTrail) -> LabRepositories:
    datasets, images = Datasets(store), DatasetImages(store)
    contributed = ContributedPictures(store=store, datasets=datasets, images=images, trail=trail)
    return LabRepositories(datasets, images, contributed)


def open_datasets(
    settings: Settings,
    store: Store,
    data: LabRepositories,
    *,
    trail: AuditTrail,
    learned: Callable[[], LearnedPictures],
    in_use: Callable[[str], bool],
    findings: ReviewedFindings,
    owner_stays: OwnerStays,
    hold_owner: HoldOwner,
) -> LabServices:
    """`learned` tells of the model in service, `in_use` whether a job uses a data set.

    Removes what killed processes left in the quarantine of this machine.
    """
    datasets, images, uploads = data.datasets, data.images, Uploads(store)
    quota = Quota(datasets=datasets, uploads=uploads, most=settings.dataset_quota_bytes)
    quarantine, checks = Quarantine(settings.quarantine), Checks()
    publisher = Publisher(
        store=store,
        trail=trail,
        datasets=datasets,
        images=images,
        uploads=uploads,
        quarantine=quarantine,
        learned=learned,
        largest_picture=settings.max_upload_bytes,
        most_bytes=settings.max_dataset_bytes,
        check_quota=quota.check,
        waiting=checks.waiting,
        disk=settings.instance_dir,
    )
    quarantine.sweep()
    service = DatasetsService(
        store=store,
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
        owner_stays=owner_stays,
        hold_owner=hold_owner,
    )
    from_reviews = FromReviewsService(
        datasets=service,
        publisher=publisher,
        findings=findings,
        contributed=data.contributed,
    )
    uploading = UploadsService(
        store=store,
        uploads=uploads,
        quota=quota,
        largest=settings.max_dataset_bytes,
        hold_owner=hold_owner,
        sweep=service.sweep,
    )
    return LabServices(service, uploading, from_reviews)
