"""The data sets of DermaScan lab: many files in one form, answered when they are published.

Its client maps no labels, so pictures with unknown ones are left out, and the message says so.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from skinapi.base.errors import BadDataset, InvalidBody
from skinapi.base.pages import read_pages
from skinapi.base.subject import Subject
from skinapi.integrations.clients.dermascan_diagnosis import CLIENT
from skinapi.lab.dataset_versions import DatasetVersion, NewDataset
from skinapi.lab.errors import DatasetQuotaReached, NameTaken
from skinapi.lab.publishing import Published
from skinapi.lab.routes import DatasetName
from skinapi.lab.service import DatasetsService
from skinapi.platform.jobs.job import DERMASCAN_LAB_OWNER
from skinapi.platform.web.declaration import Opened, Rate, Routes
from skinapi.platform.web.request_parsing import FormStream
from skinapi.platform.web.schemas import LARGEST_PAGE, Answer, ContractForm, Message, Upload

FILES = "files"
NAME = "datasetName"
MISSING_NAME = "datasetName: give the data set a name of 1 to 100 characters"
RESEARCHERS = Opened((CLIENT,), roles=("researcher", "admin"))

routes: Routes[DatasetsService] = Routes("lab data sets", access=RESEARCHERS)


class UploadForm(ContractForm):
    missing: ClassVar[str] = "No file was sent"
    files: tuple[Upload, ...]
    datasetName: str | None = None  # noqa: N815 (the client's spelling)


class NameQuery(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    datasetName: str | None = None  # noqa: N815 (the client's spelling)


class UploadedDataset(Answer):
    status: Literal["success"]
    dataset_name: str
    dataset_path: str
    files_saved: list[str]
    files_extracted: int
    message: str

    @classmethod
    def of(cls, published: Published, names: list[str]) -> Self:
        dataset = published.dataset
        return cls(
            status="success",
            dataset_name=dataset.name,
            dataset_path=_path_of(dataset),
            files_saved=names,
            files_extracted=published.unpacked,
            message=_message_of(dataset),
        )


class ListedDataset(Answer):
    name: str
    path: str
    file_count: int
    files: list[str]

    @classmethod
    def of(cls, dataset: DatasetVersion) -> Self:
        return cls(
            name=dataset.name,
            path=_path_of(dataset),
            file_count=dataset.pictures,
            files=list(dataset.files),
        )


class ListedDatasets(Answer):
    datasets: list[ListedDataset]


def _path_of(dataset: DatasetVersion) -> str:
    """Where it is on this server; a name of a folder tells this client nothing else."""
    return f"datasets/{dataset.id}"


def _message_of(dataset: DatasetVersion) -> str:
    left_out = sum(one["count"] for one in dataset.report["unknown_labels"])
    parts = [f"{dataset.pictures} pictures published as version {dataset.version}."]
    if left_out:
        labels = ", ".join(one["label"] for one in dataset.report["unknown_labels"][:5])
        parts.append(f"Left out, because their labels are not known: {left_out} ({labels}).")
    return " ".join([*parts, *dataset.report["warnings"]])


@routes.route(
    "POST",
    "/api/upload-dataset",
    rate=Rate.ANONYMOUS,
    spooled=True,
    raises=(BadDataset, DatasetQuotaReached, NameTaken),
)
def upload_dataset_for_lab(
    datasets: DatasetsService,
    *,
    query: NameQuery,
    parts: FormStream[UploadForm],
    subject: Subject | None,
) -> UploadedDataset:
    """DermaScan lab's upload: pictures, a table, or archives of both, as one data set."""

    def describe(texts: Mapping[str, str]) -> NewDataset:
        name = _read_name(query.datasetName or texts.get(NAME, ""))
        owner = subject.id if subject else DERMASCAN_LAB_OWNER
        admin = subject is not None and subject.role == "admin"
        return NewDataset(name=name, owner=owner, skip_unknown_labels=True, any_name=admin)

    published, names = datasets.send_form(parts=parts, field=FILES, describe=describe)
    return UploadedDataset.of(published, names)


@routes.route("GET", "/api/upload-dataset/admission")
def admit_dataset(_: DatasetsService) -> Message:
    """Say whether the caller may send data sets: a proxy asks before it takes their bytes."""
    return Message(message="You may send data sets")


def _read_name(text: str) -> str:
    try:
        name: str = TypeAdapter(DatasetName).validate_python(text)
    except ValidationError as error:
        raise InvalidBody(MISSING_NAME) from error
    return name


@routes.route("GET", "/api/datasets", rate=Rate.ANONYMOUS)
def list_datasets_for_lab(datasets: DatasetsService) -> ListedDatasets:
    """DermaScan lab's list: the newest version of each name."""
    newest: dict[str, DatasetVersion] = {}
    for page in read_pages(lambda after: datasets.page_datasets(after=after, limit=LARGEST_PAGE)):
        newest.update({dataset.name_key: dataset for dataset in page.items})
    return ListedDatasets(datasets=[ListedDataset.of(one) for one in newest.values()])
