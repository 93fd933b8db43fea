"""What crosses the wire about data sets and uploads."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints

from skinapi.lab.datasets import DatasetVersion, Status
from skinapi.lab.images import DatasetImage
from skinapi.lab.uploads import LARGEST_PART, SMALLEST_PART, UploadRecord
from skinapi.vision.context import Modality
from skinapi.web.schema_types import Answer, Body, Identifier, Name

DatasetName = Annotated[Name, StringConstraints(max_length=100)]
Text = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)]
MOST_LABELS = 200


class NewUpload(Body):
    name: Name
    size: Annotated[int, Field(ge=1)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None


class UploadView(Answer):
    id: str
    name: str
    size: int
    received: int = Field(description="where the next part begins")
    complete: bool
    expires_at: datetime
    largest_part: int
    smallest_part: int = Field(description="of all parts but the last")

    @classmethod
    def of(cls, upload: UploadRecord) -> Self:
        return cls(
            **upload.model_dump(include={"id", "name", "size", "received", "expires_at"}),
            complete=upload.complete,
            largest_part=LARGEST_PART,
            smallest_part=SMALLEST_PART,
        )


class NewDatasetBody(Body):
    name: DatasetName
    uploads: Annotated[list[Identifier], Field(min_length=1, max_length=100)]
    licence: Text = ""
    source: Text = ""
    modality: Modality | None = Field(default=None, strict=False)
    labels: Annotated[dict[Text, Text | None], Field(max_length=MOST_LABELS)] = Field(
        default={},
        description="labels of the data set -> ours, or null to leave their pictures out",
    )
    skip_unknown_labels: bool = False


class DatasetSummary(Answer):
    id: str
    name: str
    version: int | None
    owner: str
    status: Status
    created_at: datetime
    licence: str
    source: str
    modality: Modality | None
    pictures: int
    size: int = Field(description="bytes of its pictures")
    counts: dict[str, int] = Field(description="pictures of each class")

    @classmethod
    def of(cls, dataset: DatasetVersion) -> Self:
        return cls.model_validate(dataset.model_dump(include=set(cls.model_fields)))


class DatasetView(DatasetSummary):
    progress: float
    message: str
    problem: str | None = Field(description="why it was refused")
    problem_code: str | None
    report: dict[str, Any] = Field(description="what its check found")


class ImageView(Answer):
    id: str
    name: str
    image_id: str
    label: str
    written: str = Field(description="the label as its table has it")
    lesion: str
    patient: str
    modality: Modality
    facts: dict[str, str]
    width: int
    height: int
    size: int
    sha256: str
    dhash: str

    @classmethod
    def of(cls, image: DatasetImage) -> Self:
        return cls.model_validate(image.model_dump(include=set(cls.model_fields)))
