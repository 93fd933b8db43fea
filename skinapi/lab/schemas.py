"""What crosses the wire about data sets and uploads."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StringConstraints

from skinapi.base.field_types import ID, Contained, Identifier, Name, Printable
from skinapi.lab.datasets.dataset_images import DatasetImage
from skinapi.lab.datasets.dataset_versions import DatasetVersion, LabelSource, Status
from skinapi.lab.uploads import LARGEST_PART, SMALLEST_PART, UploadRecord
from skinapi.model.context import Modality
from skinapi.platform.web.schemas import Answer, Body, PageQuery

MOST_LABELS = 200


def _no_id(name: str) -> str:
    # Where a name or an id is taken, an id is meant first.
    if ID.fullmatch(name.casefold()):
        raise ValueError("A name must not look like an id; choose another one")
    return name


DatasetName = Annotated[Name, StringConstraints(max_length=100), AfterValidator(_no_id)]
ShortText = Annotated[
    str, StringConstraints(max_length=200, strip_whitespace=True), Printable, Contained
]


class NewDatasetBody(Body):
    name: DatasetName
    uploads: Annotated[list[Identifier], Field(min_length=1, max_length=100)]
    licence: ShortText = ""
    source: ShortText = ""
    modality: Modality | None = Field(default=None, strict=False)
    labels: Annotated[dict[ShortText, ShortText | None], Field(max_length=MOST_LABELS)] = Field(
        default={},
        description="labels of the data set -> ours, or null to leave their pictures out",
    )
    skip_unknown_labels: bool = False


class DatasetsQuery(PageQuery):
    status: Status = "published"


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
    reference: bool = Field(description="whether all models are compared on it")
    problem_code: str | None = Field(description="why it was refused")
    labels_from: LabelSource | None = Field(description="of one that was made from reviews")
    erased: int = Field(
        description="pictures that are gone, because their owner withdrew the consent or deleted "
        "them; of one that was made from reviews"
    )

    @classmethod
    def of(cls, dataset: DatasetVersion) -> Self:
        return cls.model_validate(dataset.model_dump(include=set(cls.model_fields)))


class DatasetView(DatasetSummary):
    progress: float
    message: str
    problem: str | None = Field(description="why it was refused")
    report: dict[str, Any] = Field(description="what its check found")
    uploads: tuple[str, ...] = Field(
        description="what it was made of; where it was refused, they can be sent again for a day"
    )


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


# What crosses the wire about uploads.


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
