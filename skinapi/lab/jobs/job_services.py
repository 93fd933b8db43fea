import csv
import shutil
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from skinapi.accounts.auth.owners import OwnerStatus
from skinapi.base.errors import Forbidden, NotFound
from skinapi.base.logs import current_request_id
from skinapi.base.settings.settings import Settings
from skinapi.lab.datasets.dataset_images import DatasetImage, DatasetImages
from skinapi.lab.datasets.dataset_versions import Datasets, DatasetVersion
from skinapi.lab.datasets.uploads import Uploads
from skinapi.lab.settings import LabSettings
from skinapi.model.conditions import conditions_table
from skinapi.model.dataset_labels import FACTS, SQUAMOUS, TABLE_NAME, label_spellings
from skinapi.model.network.model import read_card
from skinapi.model.registry.composition import open_models
from skinapi.model.registry.stored_version import ModelVersion, Origin
from skinapi.model.registry.version_service import ModelsService
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.jobs.handlers import JobContext
from skinapi.platform.jobs.job import NO_RIGHT
from skinapi.platform.storage.unit_of_work import UnitOfWork
from skinapi.platform.stores.store_factory import open_store

COLUMNS = ("image_id", "image_path", "dx", "lesion_id", "patient_id", "modality", *FACTS)


def write_training_folder(
    images: DatasetImages,
    dataset: str,
    folder: Path,
    *,
    leave_out: Callable[[DatasetImage], bool] = lambda _: False,
    known: Container[str] = (),
) -> int:
    """Write the pictures one at a time, and return how many were excluded.

    Picture ids become SHA-256 hashes, because a model keeps them and a user's id may contain a
    name. Only `known` ids are kept: the model in service uses them.
    """
    left_out = 0
    pictures = folder / "images"
    pictures.mkdir(parents=True)
    with (folder / TABLE_NAME).open("w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, COLUMNS)
        writer.writeheader()
        for image in images.walk(dataset):
            if leave_out(image):
                left_out += 1
                continue
            try:
                content = images.read_file(image)
            except NotFound:
                if images.exists(image.id):
                    raise
                continue  # it was erased (ContributedPictures)
            path = pictures / f"{image.id}.{image.format.lower()}"
            path.write_bytes(content)
            writer.writerow(
                {
                    "image_id": image.image_id if image.image_id in known else image.sha256,
                    "image_path": path.relative_to(folder).as_posix(),
                    "dx": _name_label(image),
                    "lesion_id": image.lesion,
                    "patient_id": image.patient,
                    "modality": image.modality,
                    **image.facts,
                }
            )
    return left_out


def _name_label(image: DatasetImage) -> str:
    """The published label, whatever the table says. Only a carcinoma published as another class,
    before it had its own, keeps its name.
    """
    own = label_spellings().get(image.written.lower())
    within = own == SQUAMOUS and conditions_table().counted_as(SQUAMOUS) == image.label
    return SQUAMOUS if within else image.label


def count_erased(images: DatasetImages, dataset: str, folder: Path) -> int:
    there = {image.id for image in images.walk(dataset)}
    return sum(path.stem not in there for path in (folder / "images").glob("*"))


@dataclass(frozen=True)
class JobServices:
    context: JobContext
    settings: Settings
    own_settings: LabSettings
    datasets: Datasets
    images: DatasetImages
    uploads: Uploads
    models: ModelsService
    may_work: Callable[[str], bool]

    def find_stored(self) -> ModelVersion | None:
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
        draft = self.context.work / "draft"
        shutil.rmtree(draft, ignore_errors=True)  # an attempt before may have been interrupted
        write_training_folder(self.images, dataset.id, draft, leave_out=leave_out, known=known)
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft.rename(folder)

    def write_serving(self) -> Path | None:
        pointed = self.models.pointer.read().version
        if pointed is None:
            return self.models.built_in if self.models.built_in_card else None
        folder = self.context.work / "serving" / pointed
        self.models.versions.write_folder(pointed, folder)
        return folder


def open_job_services(context: JobContext) -> JobServices:
    settings = Settings()
    store = open_store(settings)
    current_request_id.set(context.job.id)
    trail = AuditTrail(store, secrets=settings.audit_secrets())
    return JobServices(
        context=context,
        settings=settings,
        own_settings=cast("LabSettings", settings),  # they are a part of these
        datasets=Datasets(store),
        images=DatasetImages(store),
        uploads=Uploads(store),
        models=open_models(settings, store, UnitOfWork(store, trail)),
        may_work=OwnerStatus(store).may_research,
    )


def register_once(lab: JobServices, folder: Path, origin: Origin) -> ModelVersion:
    job = lab.context.job
    if not lab.may_work(job.owner):
        raise Forbidden(NO_RIGHT)
    # A training names its version by the network's checksum.
    same = lab.models.versions.find(read_card(folder).version) if origin.dataset else None
    if same and same.servable:
        return same
    return lab.find_stored() or lab.models.add(
        folder=folder, by=job.owner, origin=origin.model_copy(update={"job": job.id})
    )
