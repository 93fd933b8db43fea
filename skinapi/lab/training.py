"""Starting a training: on which data set, which network, and how. A job does the work."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from skinapi.errors import BadDataset, NotFound
from skinapi.jobs.job import Job
from skinapi.jobs.service import JobsService
from skinapi.lab.service import DatasetsService

KIND = "training"
MOST_EPOCHS = 200
# With fewer of a class, its validation and test parts would hold none.
FEWEST_OF_A_CLASS = 10
FEWEST_CLASSES = 2

Architecture = Literal["DenseNet169", "ResNet50", "MobileNetV2", "EfficientNetB3"]
Side = Annotated[int, Field(ge=64, le=320, multiple_of=32)]


class TrainingRequest(BaseModel):
    """What a job of this kind is asked for. `dataset` is the id of the version that is used."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    dataset_name: str = Field(max_length=200)
    architecture: Architecture = "ResNet50"
    epochs: int = Field(default=10, ge=1, le=MOST_EPOCHS)
    batch_size: int = Field(default=32, ge=1, le=128)
    optimizer: Literal["Adam", "SGD", "RMSprop"] = "Adam"
    learning_rate: float = Field(default=0.0001, gt=0, le=1, allow_inf_nan=False)
    class_balancing: bool = True
    side: Side = 224
    dataset: str = ""


class TrainingService:
    def __init__(self, *, datasets: DatasetsService, jobs: JobsService) -> None:
        self._datasets, self._jobs = datasets, jobs

    def start(self, *, request: TrainingRequest, owner: str) -> Job:
        """Queue a training on the newest version of this data set. Raises NotFound, BadDataset,
        TooManyJobs.
        """
        try:
            dataset = self._datasets.get(request.dataset_name)
        except NotFound as error:
            raise NotFound(f"Dataset not found: {request.dataset_name}") from error
        enough = [name for name, count in dataset.counts.items() if count >= FEWEST_OF_A_CLASS]
        if len(enough) < FEWEST_CLASSES:
            raise BadDataset(
                f"{dataset.name} is too small to be split into training, validation and test: at "
                f"least {FEWEST_CLASSES} classes with {FEWEST_OF_A_CLASS} pictures are needed"
            )
        kept = request.model_copy(update={"dataset": dataset.id})
        return self._jobs.submit(kind=KIND, owner=owner, request=kept.model_dump(mode="json"))

    def get(self, *, job_id: str, owner: str | None) -> Job:
        """Raises NotFound."""
        return self._jobs.get(job_id=job_id, owner=owner)


def uses_dataset(jobs: JobsService, dataset: str) -> bool:
    """Whether a training that has not ended uses the data set of this id."""
    return any(request.get("dataset") == dataset for request in jobs.unfinished_requests())
