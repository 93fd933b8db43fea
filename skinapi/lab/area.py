from contextlib import suppress
from pathlib import Path

from skinapi.base.container import Container
from skinapi.base.errors import SkinAPIError
from skinapi.base.settings.settings import Settings
from skinapi.lab.checks.check_queue import Cleanup
from skinapi.lab.checks.publishing import Publisher
from skinapi.lab.datasets.dataset_images import DatasetImages
from skinapi.lab.datasets.dataset_versions import Datasets
from skinapi.lab.datasets.quarantine import Quarantine
from skinapi.lab.datasets.reference import CurrentReference
from skinapi.lab.datasets.uploads import Quota, Uploads, UploadsService
from skinapi.lab.reviewed_findings import FromReviewsService
from skinapi.lab.routes import (
    from_reviews_routes,
    import_routes,
    routes,
    training_routes,
    upload_routes,
)
from skinapi.lab.service import (
    DatasetsService,
    ImportsService,
    TrainingService,
)
from skinapi.lab.settings import LabSettings
from skinapi.model.registry.version_service import ReferenceSource
from skinapi.platform.area import Area, ConsolePart, Values


def _values(settings: LabSettings, server: Settings) -> Values:
    largest = settings.max_dataset_bytes
    return {
        Quota: {"most": settings.dataset_quota_bytes},
        Publisher: {
            "largest_picture": server.max_upload_bytes,
            "most_bytes": largest,
            "disk": settings.instance_dir,
        },
        DatasetsService: {"largest": largest},
        UploadsService: {"largest": largest},
    }


def _open_quarantine(settings: LabSettings) -> Quarantine:
    quarantine = Quarantine(settings.quarantine)
    quarantine.sweep()
    return quarantine


def _open_uploads(container: Container, cleanup: Cleanup) -> UploadsService:
    return container.build(UploadsService, sweep=cleanup.sweep)


def _begin(cleanup: Cleanup) -> None:
    with suppress(SkinAPIError):  # repeated before each upload
        cleanup.sweep()


def _largest_body(settings: LabSettings) -> int:
    return settings.max_dataset_bytes


AREA = Area(
    name="lab",
    blueprint="lab",
    summary="data sets, trainings, imported networks",
    page="docs/lab.md",
    routes=(
        (routes, DatasetsService),
        (from_reviews_routes, FromReviewsService),
        (import_routes, ImportsService),
        (training_routes, TrainingService),
        (upload_routes, UploadsService),
    ),
    stores=(Datasets, DatasetImages, Uploads),
    checks={"data sets": Cleanup},
    begin=_begin,
    values=_values,
    factories=(_open_quarantine, _open_uploads),
    stand_for={ReferenceSource: CurrentReference},
    spooled=_largest_body,
    console=ConsolePart(
        folder=Path(__file__).parent,
        views={
            "datasets": "datasets.js",
            "add": "add.js",
            "dataset": "dataset.js",
            "train": "train.js",
            "jobs": "jobs.js",
            "job": "jobs.js",
        },
        beside_models=("datasets", "train", "jobs"),
        children={"datasets": ("add", "dataset"), "jobs": ("job",)},
        inside={"version/origin": "version_origin.js", "version/next": "version_next.js"},
    ),
)
