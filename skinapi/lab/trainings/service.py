"""Starting a training: on which data set, which network, and how. A job does the work."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

from pydantic import Field

from skinapi.base.errors import BadDataset, NotFound
from skinapi.base.field_types import Contained, Printable
from skinapi.base.stored_record import StoredRecord
from skinapi.lab.datasets.dataset_versions import (
    FEWEST_CLASSES,
    FEWEST_TO_SPLIT,
    Datasets,
    DatasetVersion,
)
from skinapi.platform.jobs.job import Job
from skinapi.platform.jobs.service import JobsService

KIND = "training"
MOST_EPOCHS = 200

Architecture = Literal["DenseNet169", "ResNet50", "MobileNetV2", "EfficientNetB3"]
Side = Annotated[int, Field(ge=64, le=320, multiple_of=32)]


class TrainingRequest(StoredRecord):
    """What a job of this kind is asked for. `dataset` is the id of the version that is used."""

    dataset_name: Annotated[str, Field(min_length=1, max_length=200), Printable, Contained]
    architecture: Architecture = "ResNet50"
    epochs: int = Field(default=10, ge=1, le=MOST_EPOCHS)
    batch_size: int = Field(default=32, ge=1, le=128)
    optimizer: Literal["Adam", "SGD", "RMSprop"] = "Adam"
    learning_rate: float = Field(default=0.0001, gt=0, le=1, allow_inf_nan=False)
    class_balancing: bool = True
    side: Side = 224
    dataset: Annotated[str, Field(max_length=200), Printable, Contained] = ""


@dataclass(frozen=True, slots=True)
class TrainingService:
    datasets: Datasets
    jobs: JobsService

    def start(self, *, request: TrainingRequest, owner: str) -> Job:
        """Queue a training on the newest version of this data set."""
        dataset = self._usable(request.dataset_name, named=request.dataset_name)
        named = {"dataset": dataset.id, "dataset_name": dataset.name}  # it may be named by its id
        kept = request.model_copy(update=named)
        return self.jobs.submit(
            kind=KIND,
            owner=owner,
            request=kept.model_dump(mode="json"),
            hold=partial(self._hold, dataset.id, named=request.dataset_name),
        )

    def _hold(self, dataset: str, *, named: str) -> None:
        self._usable(dataset, named=named)
        self.datasets.hold(dataset)

    def _usable(self, name_or_id: str, *, named: str) -> DatasetVersion:
        """The data set, if a training may learn from it. Raises NotFound, BadDataset."""
        try:
            dataset = self.datasets.get_published(name_or_id)
        except NotFound as error:
            raise NotFound(f"Dataset not found: {named}") from error
        if dataset.reference:
            raise BadDataset(
                f"{dataset.name} is the reference data set, from which no model learns"
            )
        enough = [name for name, count in dataset.counts.items() if count >= FEWEST_TO_SPLIT]
        if len(enough) < FEWEST_CLASSES:
            raise BadDataset(
                f"{dataset.name} is too small to be split into training, validation and test: at "
                f"least {FEWEST_CLASSES} classes with {FEWEST_TO_SPLIT} pictures are needed"
            )
        return dataset

    def get(self, *, job_id: str, owner: str | None) -> Job:
        return self.jobs.get(job_id=job_id, owner=owner)
