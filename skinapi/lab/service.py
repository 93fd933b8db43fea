from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.owners import OwnerStatus
from skinapi.base.errors import (
    BadDataset,
    BadRequest,
    Conflict,
    Duplicate,
    Forbidden,
    NotFound,
    SkinAPIError,
)
from skinapi.base.field_types import Contained, Identifier, Printable
from skinapi.base.logs import log_fault
from skinapi.base.pages import Page, PageRequest
from skinapi.base.size_limits import body_too_large
from skinapi.base.stored_record import StoredRecord
from skinapi.base.values import PartHead
from skinapi.lab.checks.check_queue import CheckQueue, Cleanup
from skinapi.lab.checks.check_report import shown_report
from skinapi.lab.checks.publishing import Published, Publisher
from skinapi.lab.datasets.dataset_images import DatasetImage
from skinapi.lab.datasets.dataset_versions import (
    FEWEST_CLASSES,
    FEWEST_TO_SPLIT,
    NO_SUCH,
    Datasets,
    DatasetVersion,
    NewDataset,
    Status,
)
from skinapi.lab.datasets.quarantine import Quarantine, SentFile, receive
from skinapi.lab.datasets.uploads import KEPT_FOR, LabRepositories, Quota, UploadRecord, Uploads
from skinapi.lab.errors import DatasetInUse, UploadInUse
from skinapi.model.dataset_labels import name_outputs
from skinapi.model.network.picture import Scaling
from skinapi.platform.jobs.job import Job
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.jobs.service import JobsService
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic

LEARNED_FROM = "A training learns from this data set; wait for it, or cancel it"


@dataclass(frozen=True, slots=True)
class DatasetsService:
    data: LabRepositories
    publisher: Publisher
    checks: CheckQueue
    cleanup: Cleanup
    quarantine: Quarantine
    quota: Quota
    owners: OwnerStatus
    jobs: Jobs
    largest: int

    @property
    def work(self) -> UnitOfWork:
        return self.data.work

    # --- sending ---

    def send_uploads(self, *, new: NewDataset, uploads: Sequence[str]) -> DatasetVersion:
        # First of all: the uploads of a data set that is published are deleted.
        if sent := self.data.datasets.find_sent_before(new):
            return self._as_shown(sent)
        records = [self.data.uploads.get_owned(upload, owner=new.owner) for upload in uploads]
        for record in records:
            if not record.complete:
                raise BadRequest(
                    f"The upload {record.id} has {record.received} of {record.size} bytes"
                )
        if sum(record.size for record in records) > self.largest:
            raise body_too_large(self.largest)
        publish = partial(self.publish_uploads, new=new, uploads=tuple(uploads))
        return self.send(new=new, publish=publish, uploads=uploads)

    def send(
        self,
        *,
        new: NewDataset,
        publish: Callable[[DatasetVersion], DatasetVersion],
        uploads: Sequence[str] = (),
    ) -> DatasetVersion:
        self.cleanup.sweep()
        self.checks.refuse_full(new.owner)
        try:
            # The size is 0 because the uploads count until they are deleted.
            dataset = self._begin(new, size=0, uploads=uploads)
        except Duplicate:  # a retry of this request has stored it in the meantime
            if sent := self.data.datasets.find_sent_before(new):
                return self._as_shown(sent)
            raise
        check = partial(self._run_check, dataset=dataset.id, new=new, publish=publish)
        self.checks.submit(dataset.id, check, owner=new.owner)
        return dataset

    def _run_check(
        self, *, dataset: str, new: NewDataset, publish: Callable[[DatasetVersion], DatasetVersion]
    ) -> DatasetVersion | None:
        try:
            version = self.data.datasets.get(dataset)
            if version.status != "checking":
                return version
            return publish(version)
        except SkinAPIError as error:
            self.cleanup.refuse(dataset, new.owner, error)
            return None
        except Exception as error:  # noqa: BLE001 (the thread must go on to the next check)
            log_fault(error)
            self.cleanup.refuse(dataset, new.owner, SkinAPIError())
            return None

    def publish_uploads(
        self, dataset: DatasetVersion, new: NewDataset, uploads: Sequence[str]
    ) -> DatasetVersion:
        records = [self.data.uploads.get_owned(upload, owner=new.owner) for upload in uploads]
        return self.publisher.publish(dataset, new, list(map(self._sent, records))).dataset

    def _sent(self, record: UploadRecord) -> SentFile:
        read = partial(self.data.uploads.read, record)
        return SentFile(record.name, record.size, lambda: self.quarantine.copied(read()))

    def send_files(self, *, new: NewDataset, sent: Sequence[SentFile]) -> Published:
        with self.checks.now():
            self.cleanup.sweep()
            size = sum(file.size for file in sent)
            dataset = self._begin(new, size=size)
            try:
                return self.publisher.publish(dataset, new, sent)
            except BaseException:
                self.cleanup.remove(dataset.id)
                raise

    @atomic
    def _begin(
        self, unit: Unit, new: NewDataset, *, size: int, uploads: Sequence[str] = ()
    ) -> DatasetVersion:
        self.owners.lock(new.owner)
        if size:
            self.quota.refuse_excess(new.owner, size)
        dataset = self.data.datasets.begin(new, size=size)
        self.data.datasets.names.refuse_taken(dataset.name_key, owner=new.owner)
        for upload in uploads:
            self._use(self.data.uploads.get_owned(upload, owner=new.owner), dataset.id)
        unit.record(AuditRow("dataset.sent", by=new.owner, target=dataset.id))
        return dataset

    def _use(self, upload: UploadRecord, dataset: str) -> None:
        before = self.data.datasets.find(upload.dataset) if upload.dataset else None
        if before and before.status == "checking" and not before.is_interrupted:
            raise UploadInUse
        self.data.uploads.keep(upload, until=now() + KEPT_FOR, dataset=dataset)

    def send_form(
        self,
        *,
        parts: Iterable[PartHead | bytes],
        field: str,
        describe: Callable[[Mapping[str, str]], NewDataset],
    ) -> tuple[Published, list[str]]:
        with self.quarantine.opened(most=self.largest) as folder:
            received = receive(parts, folder, field=field)
            new = describe(received.texts)
            if not received.sent:
                raise BadRequest("No file was sent")
            published = self.send_files(new=new, sent=received.sent)
        return published, [file.name for file in received.sent]

    # --- reading ---

    def page_datasets(self, paging: PageRequest) -> Page[DatasetVersion]:
        return self.data.datasets.page_of_status(paging)

    def page_unpublished(
        self, *, status: Status, paging: PageRequest, by: Subject
    ) -> Page[DatasetVersion]:
        owner = None if by.role == "admin" else by.id
        return self.data.datasets.page_of_status(paging, status=status, owner=owner)

    def show(self, *, dataset: str, by: Subject) -> DatasetVersion:
        return self._as_shown(self._readable(dataset, by))

    def _as_shown(self, dataset: DatasetVersion) -> DatasetVersion:
        report = shown_report(dataset.report, self.data.datasets.find_published_name)
        return dataset.model_copy(update={"report": report})

    def _readable(self, dataset: str, by: Subject) -> DatasetVersion:
        version = self.data.datasets.get(dataset)
        if version.is_interrupted:
            self.cleanup.settle(version)
            version = self.data.datasets.get(dataset)
        if version.status != "published" and by.role != "admin" and version.owner != by.id:
            raise NotFound(NO_SUCH)
        return version

    def page_images(self, *, dataset: str, paging: PageRequest) -> Page[DatasetImage]:
        return self.data.images.page_of_dataset(self._published(dataset).id, paging)

    def read_thumbnail(self, *, dataset: str, image: str) -> bytes:
        picture = self.data.images.get_of(self._published(dataset).id, image)
        return self.data.images.read_file(picture, thumbnail=True)

    def _published(self, dataset: str) -> DatasetVersion:
        version = self.data.datasets.get(dataset)
        if version.status != "published":
            raise NotFound(NO_SUCH)
        return version

    # --- the reference ---

    @atomic
    def choose_reference(self, unit: Unit, *, dataset: str, by: Subject) -> DatasetVersion:
        version = self._published(dataset)
        unit.audit("dataset.reference", by=by.id, target=version.id)
        if self._in_use(version.id):
            raise Conflict(LEARNED_FROM)
        self.data.datasets.set_reference(version.id)
        return self._as_shown(self.data.datasets.get(dataset))

    @atomic
    def end_reference(self, unit: Unit, *, dataset: str, by: Subject) -> DatasetVersion:
        version = self._published(dataset)
        unit.audit("dataset.end_reference", by=by.id, target=version.id)
        if not version.reference:
            raise Conflict(f"{version.name} is not the reference data set")
        self.data.datasets.end_reference(version.id)
        return self._as_shown(self.data.datasets.get(dataset))

    # --- deleting ---

    def delete(self, *, dataset: str, by: Subject) -> DatasetVersion:
        version = self._readable(dataset, by)
        self._begin_deletion(dataset, by)
        self.cleanup.remove(version.id)
        return version

    @atomic
    def _begin_deletion(self, unit: Unit, dataset: str, by: Subject) -> None:
        version = self.data.datasets.get(dataset)
        if by.role != "admin" and version.owner != by.id:
            raise Forbidden("Only its owner or an admin can delete a data set")
        unit.audit("dataset.delete", by=by.id, target=version.id)
        if self._in_use(version.id):
            raise DatasetInUse
        if version.reference:
            raise Conflict("This is the reference data set; an admin must end that first")
        self.data.datasets.begin_deletion(version.id)

    def _in_use(self, dataset: str) -> bool:
        requests = self.jobs.unfinished_requests()
        return any(request.get("dataset") == dataset for request in requests)


MOST_EPOCHS = 200

Architecture = Literal["DenseNet169", "ResNet50", "MobileNetV2", "EfficientNetB3"]


class TrainingRequest(StoredRecord):
    dataset_name: Annotated[str, Field(min_length=1, max_length=200), Printable, Contained]
    architecture: Architecture = "ResNet50"
    epochs: int = Field(default=10, ge=1, le=MOST_EPOCHS)
    batch_size: int = Field(default=32, ge=1, le=128)
    optimizer: Literal["Adam", "SGD", "RMSprop"] = "Adam"
    learning_rate: float = Field(default=0.0001, gt=0, le=1, allow_inf_nan=False)
    class_balancing: bool = True
    dataset: Annotated[str, Field(max_length=200), Printable, Contained] = ""


@dataclass(frozen=True, slots=True)
class TrainingService:
    datasets: Datasets
    jobs: JobsService

    def start(self, *, request: TrainingRequest, owner: str) -> Job:
        dataset = self._usable(request.dataset_name, named=request.dataset_name)
        named = {"dataset": dataset.id, "dataset_name": dataset.name}  # it may be named by its id
        kept = request.model_copy(update=named)
        return self.jobs.submit(
            kind="training",
            owner=owner,
            request=kept.model_dump(mode="json"),
            lock=partial(self._lock, dataset.id, named=request.dataset_name),
        )

    def _lock(self, dataset: str, *, named: str) -> None:
        self._usable(dataset, named=named)
        self.datasets.lock(dataset)

    def _usable(self, name_or_id: str, *, named: str) -> DatasetVersion:
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


SUFFIXES = (".keras", ".h5")
OutputLabel = Annotated[
    str, StringConstraints(max_length=100, strip_whitespace=True), Printable, Contained
]


class ImportRequest(StoredRecord):
    upload: Identifier
    labels: tuple[OutputLabel, ...] = Field(
        min_length=2, max_length=100, description="of the network's outputs, in their order"
    )
    scaling: Scaling
    side: int | None = Field(default=None, ge=32, le=1024)
    licence: Annotated[str, Field(max_length=200), Printable, Contained] = "unknown"


@dataclass(frozen=True, slots=True)
class ImportsService:
    uploads: Uploads
    jobs: JobsService

    def start(self, *, request: ImportRequest, owner: str, key: str | None = None) -> Job:
        fields = request.model_dump(mode="json")
        # First of all: the upload of a network that was imported is deleted.
        begun = self.jobs.queue.find_by_key(kind="import", owner=owner, request=fields, key=key)
        if begun:
            return begun
        upload = self.uploads.get_owned(request.upload, owner=owner)
        if not upload.complete:
            raise BadRequest(f"The upload {upload.id} has {upload.received} of {upload.size} bytes")
        if suffix_of(upload.name) not in SUFFIXES:
            raise BadRequest(f"{upload.name}: a network is a file that ends in .keras or .h5")
        name_outputs(request.labels)
        keep = partial(self._keep, upload.id, owner=owner)
        return self.jobs.submit(
            kind="import", owner=owner, request=fields, key=key, short=True, lock=keep
        )

    def _keep(self, upload: str, *, owner: str) -> None:
        current = self.uploads.get_owned(upload, owner=owner)
        self.uploads.keep(current, until=now() + KEPT_FOR)


def suffix_of(name: str) -> str:
    return PurePath(name).suffix.lower()
