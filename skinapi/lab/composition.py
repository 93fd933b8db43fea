"""Builds the services of data sets; `skinapi.app.composition.services` calls it."""

from dataclasses import dataclass

from skinapi.accounts.auth.owners import OwnerStatus
from skinapi.base.settings import Settings
from skinapi.lab.check_queue import CheckQueue, Cleanup
from skinapi.lab.publishing import Publisher
from skinapi.lab.quarantine import Quarantine
from skinapi.lab.reviewed_findings import ContributedPictures, FromReviewsService, ReviewedFindings
from skinapi.lab.service import DatasetsService, ImportsService, TrainingService
from skinapi.lab.uploads import LabRepositories, Quota, UploadsService
from skinapi.model.registry.version_service import ModelsService
from skinapi.platform.jobs.service import JobsService


@dataclass(frozen=True)
class LabServices:
    datasets: DatasetsService
    uploads: UploadsService
    from_reviews: FromReviewsService
    trainings: TrainingService
    imports: ImportsService
    cleanup: Cleanup


def open_lab_services(
    settings: Settings,
    data: LabRepositories,
    *,
    contributed: ContributedPictures,
    findings: ReviewedFindings,
    jobs: JobsService,
    models: ModelsService,
) -> LabServices:
    """Removes what killed processes left in the quarantine of this machine."""
    owners, checks, largest = OwnerStatus(data.store), CheckQueue(), settings.max_dataset_bytes
    quota = Quota(data.datasets, data.uploads, most=settings.dataset_quota_bytes)
    cleanup = Cleanup(data, checks, owners)
    quarantine = Quarantine(settings.quarantine)
    quarantine.sweep()
    publisher = Publisher(
        data,
        quarantine,
        quota,
        models,
        checks,
        largest_picture=settings.max_upload_bytes,
        most_bytes=largest,
        disk=settings.instance_dir,
    )
    datasets = DatasetsService(
        data, publisher, checks, cleanup, quarantine, quota, owners, jobs.queue, largest=largest
    )
    uploads = UploadsService(
        data.store, data.uploads, quota, owners, largest=largest, sweep=cleanup.sweep
    )
    return LabServices(
        datasets=datasets,
        uploads=uploads,
        from_reviews=FromReviewsService(datasets, publisher, findings, contributed),
        trainings=TrainingService(data.datasets, jobs),
        imports=ImportsService(data.uploads, jobs),
        cleanup=cleanup,
    )
