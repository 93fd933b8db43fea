"""What the jobs of the lab work with, each in the process of its job."""

import shutil
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path

from skinapi.audit import AuditTrail
from skinapi.auth.accounts.owners import Owners
from skinapi.errors import Forbidden
from skinapi.jobs.job import NO_RIGHT
from skinapi.jobs.process.handlers import JobContext
from skinapi.lab.datasets.dataset_images import DatasetImage, DatasetImages
from skinapi.lab.datasets.dataset_versions import Datasets, DatasetVersion
from skinapi.lab.trainings.training_folder import write_training_folder
from skinapi.lab.uploads.upload_records import Uploads
from skinapi.registry.composition import open_models
from skinapi.registry.versions.service import ModelsService
from skinapi.registry.versions.version_record import ModelVersion, Origin
from skinapi.settings import Settings
from skinapi.storage import open_store


@dataclass(frozen=True)
class JobServices:
    context: JobContext
    settings: Settings
    datasets: Datasets
    images: DatasetImages
    uploads: Uploads
    models: ModelsService
    may_work: Callable[[str], bool]

    def find_stored(self) -> ModelVersion | None:
        """The version of an attempt before, which was interrupted when it had stored it. This
        machine may have nothing else of it, and what it was made of may be gone.
        """
        job = self.context.job
        return self.models.versions.find_made_by(job.id, since=job.created_at)

    def write_pictures(
        self,
        dataset: DatasetVersion,
        folder: Path,
        *,
        leave_out: Callable[[DatasetImage], bool],
        known: Container[str],
    ) -> None:
        """Write a data set as training reads it; the folder appears when it is complete."""
        draft = self.context.work / "draft"
        shutil.rmtree(draft, ignore_errors=True)  # an attempt before may have been interrupted
        write_training_folder(self.images, dataset.id, draft, leave_out=leave_out, known=known)
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft.rename(folder)

    def write_serving(self) -> Path | None:
        """The folder of the model in service; None without any."""
        pointed = self.models.pointer.read().version
        if pointed is None:
            return self.models.built_in if self.models.built_in_card else None
        folder = self.context.work / "serving" / pointed
        self.models.versions.write_folder(pointed, folder)
        return folder


def open_job_services(context: JobContext) -> JobServices:
    settings = Settings()
    store = open_store(settings)
    trail = AuditTrail(store, lambda: context.job.id, secrets=settings.audit_secrets())
    return JobServices(
        context=context,
        settings=settings,
        datasets=Datasets(store),
        images=DatasetImages(store),
        uploads=Uploads(store),
        models=open_models(settings, store, trail.change),
        may_work=Owners(store).may_research,
    )


def register_once(lab: JobServices, folder: Path, origin: Origin) -> ModelVersion:
    """Store the version, unless an attempt before has. Raises Conflict, ModelDamaged, and Forbidden
    where the owner has lost its right meanwhile.
    """
    job = lab.context.job
    if not lab.may_work(job.owner):
        raise Forbidden(NO_RIGHT)
    return lab.find_stored() or lab.models.add(
        folder=folder, by=job.owner, origin=origin.model_copy(update={"job": job.id})
    )
