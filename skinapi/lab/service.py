"""The use cases of data sets: upload in parts, send, list, show, delete, write for a training."""

import io
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from skinapi.audit import AuditTrail
from skinapi.errors import BadRequest, Forbidden, NotFound, SkinAPIError, StoreUnavailable
from skinapi.lab.checks import Checks
from skinapi.lab.contents import Sent
from skinapi.lab.datasets import NO_SUCH, Datasets, DatasetVersion, NewDataset
from skinapi.lab.errors import DatasetInUse, DatasetQuotaReached, RefusedDataset
from skinapi.lab.images import DatasetImage, DatasetImages
from skinapi.lab.publishing import Published, Publisher
from skinapi.lab.quarantine import Quarantine
from skinapi.lab.quota import Quota
from skinapi.lab.receiving import receive
from skinapi.lab.training_folder import write_training_folder
from skinapi.lab.uploads import KEPT_FOR, UploadRecord, Uploads, refuse_other_checksum
from skinapi.storage.faults import Fault
from skinapi.storage.ids import now
from skinapi.web.access import Subject
from skinapi.web.error_responses import log_fault
from skinapi.web.multipart import PartBegins
from skinapi.web.pagination import Page
from skinapi.web.size_limits import body_too_large

MOST_UPLOADS = 200
# Parts of uploads that are read into memory at the same time, in each process.
PARTS_AT_ONCE = 2


class DatasetsService:
    def __init__(
        self,
        *,
        datasets: Datasets,
        images: DatasetImages,
        uploads: Uploads,
        publisher: Publisher,
        checks: Checks,
        trail: AuditTrail,
        quarantine: Quarantine,
        quota: Quota,
        largest: int,
        in_use: Callable[[str], bool],
    ) -> None:
        """`largest` is the most bytes of a data set as it is sent; `in_use` tells whether a job
        uses the data set of this id.
        """
        self._datasets = datasets
        self._images = images
        self._uploads = uploads
        self._publisher = publisher
        self._checks = checks
        self._trail = trail
        self._quarantine = quarantine
        self._quota = quota
        self._largest = largest
        self._in_use = in_use
        self._parts = threading.BoundedSemaphore(PARTS_AT_ONCE)

    # --- uploads ---

    def begin_upload(
        self, *, name: str, size: int, sha256: str | None, by: Subject
    ) -> UploadRecord:
        """Raises PayloadTooLarge, DatasetQuotaReached, BadRequest past MOST_UPLOADS."""
        self.sweep()
        if size > self._largest:
            raise body_too_large(self._largest)
        if len(self._uploads.of_owner(by.id)) >= MOST_UPLOADS:
            raise BadRequest(f"{MOST_UPLOADS} uploads are unused; use or delete some first")
        upload = self._uploads.begin(owner=by.id, name=name, size=size, sha256=sha256)
        try:
            self._quota.check(by.id, 0)  # its size is counted already
        except DatasetQuotaReached:
            self._uploads.remove(upload.id)
            raise
        return upload

    def add_part(
        self, *, upload: str, offset: str, read: Callable[[int], bytes], largest: int, by: Subject
    ) -> UploadRecord:
        """Raises NotFound, WrongOffset, BadRequest."""
        record = self._uploads.get(upload, owner=by.id)
        if not offset.isdecimal() or not offset.isascii() or len(offset) > 15:
            raise BadRequest("The offset is a number of bytes")
        with self._parts:
            content = bytearray()
            while piece := read(largest + 1 - len(content)):
                content += piece
            return self._uploads.add_part(record, offset=int(offset), content=bytes(content))

    def show_upload(self, *, upload: str, by: Subject) -> UploadRecord:
        return self._uploads.get(upload, owner=by.id)

    def delete_upload(self, *, upload: str, by: Subject) -> None:
        self._uploads.remove(self._uploads.get(upload, owner=by.id).id)

    # --- sending ---

    def send_uploads(self, *, new: NewDataset, uploads: Sequence[str]) -> DatasetVersion:
        """Check and publish these uploads as a data set, beside the requests.

        Raises NotFound, BadRequest for uploads that have not arrived, Unavailable.
        """
        records = [self._uploads.get(upload, owner=new.owner) for upload in uploads]
        for record in records:
            if not record.complete:
                raise BadRequest(
                    f"The upload {record.id} has {record.received} of {record.size} bytes"
                )
        if sum(record.size for record in records) > self._largest:
            raise body_too_large(self._largest)
        for record in records:
            self._uploads.keep(record, until=now() + KEPT_FOR)
        dataset = self._datasets.begin(new, size=0)  # the uploads count until they are deleted
        self._trail.note("dataset.sent", by=new.owner, target=dataset.id)
        check = partial(self.check_uploads, dataset=dataset.id, new=new, uploads=tuple(uploads))
        try:
            self._checks.submit(dataset.id, check)
        except SkinAPIError:
            self._datasets.remove(dataset.id)
            raise
        return dataset

    def check_uploads(
        self, *, dataset: str, new: NewDataset, uploads: Sequence[str]
    ) -> DatasetVersion | None:
        """What a job would do: publish the data set and delete its uploads, or keep why it was
        refused (None then). It may be called again, also after it has ended.
        """
        try:
            found = self._datasets.by_id(dataset)
            if found.status != "checking":
                return found
            return self.publish_uploads(found, new, uploads)
        except SkinAPIError as error:
            self._refuse(dataset, new.owner, error)
        except Exception as error:  # noqa: BLE001 (the thread must go on to the next check)
            log_fault(error)
            self._refuse(dataset, new.owner, SkinAPIError())
        return None

    def publish_uploads(
        self, dataset: DatasetVersion, new: NewDataset, uploads: Sequence[str]
    ) -> DatasetVersion:
        """Raises what `Publisher.publish` raises, and BadRequest for another checksum."""
        records = [self._uploads.get(upload, owner=new.owner) for upload in uploads]
        for record in records:
            refuse_other_checksum(record, self._uploads.read(record))
        published = self._publisher.publish(dataset, new, [self._sent(one) for one in records])
        for record in records:
            self._uploads.remove(record.id)
        self._trail.note("dataset.published", by=new.owner, target=dataset.id)
        return published.dataset

    def _sent(self, record: UploadRecord) -> Sent:
        return Sent(record.name, record.size, lambda: io.BufferedReader(self._uploads.read(record)))

    def _refuse(self, dataset: str, owner: str, error: SkinAPIError) -> None:
        """Keep the reason for a day; the uploads stay, so that they can be sent again."""
        report = error.report if isinstance(error, RefusedDataset) else {}
        with suppress(StoreUnavailable):
            self._datasets.refuse(dataset, code=error.code, problem=error.detail, report=report)
            self._trail.note("dataset.refused", by=owner, target=dataset)

    def send_files(self, *, new: NewDataset, sent: Sequence[Sent]) -> Published:
        """Check and publish these files as a data set, while the caller waits.

        Raises what `Publisher.publish` raises, and Unavailable; nothing is left then.
        """
        with self._checks.now():
            self.sweep()
            size = sum(one.size for one in sent)
            self._quota.check(new.owner, size)
            dataset = self._datasets.begin(new, size=size)
            self._trail.note("dataset.sent", by=new.owner, target=dataset.id)
            try:
                published = self._publisher.publish(dataset, new, sent)
            except BaseException:
                self._datasets.remove(dataset.id)
                raise
            self._trail.note("dataset.published", by=new.owner, target=dataset.id)
            return published

    def send_form(
        self,
        *,
        parts: Iterable[PartBegins | bytes],
        field: str,
        describe: Callable[[Mapping[str, str]], NewDataset],
    ) -> tuple[Published, list[str]]:
        """Receive the files of this form field, then as `send_files`; also the files' names.

        `describe` makes of the form's texts what is said about the data set.
        """
        with self._quarantine.opened(most=self._largest) as folder:
            received = receive(parts, folder, field=field)
            new = describe(received.texts)
            if not received.sent:
                raise BadRequest("No file was sent")
            published = self.send_files(new=new, sent=received.sent)
        return published, [one.name for one in received.sent]

    # --- reading ---

    def list_datasets(self, *, after: str | None, limit: int) -> Page[DatasetVersion]:
        return self._datasets.page(after=after, limit=limit)

    def show(self, *, dataset: str, by: Subject) -> DatasetVersion:
        """A data set; before it is published, for its owner and admins alone. Raises NotFound."""
        found = self._datasets.by_id(dataset)
        if found.status != "published" and by.role != "admin" and found.owner != by.id:
            raise NotFound(NO_SUCH)
        return found

    def get(self, name_or_id: str) -> DatasetVersion:
        """The published data set of this id, or the newest of this name. Raises NotFound."""
        return self._datasets.get(name_or_id)

    def list_images(self, *, dataset: str, after: str | None, limit: int) -> Page[DatasetImage]:
        return self._images.page(self._published(dataset).id, after=after, limit=limit)

    def read_thumbnail(self, *, dataset: str, image: str) -> bytes:
        found = self._images.get(self._published(dataset).id, image)
        return self._images.read(found, thumbnail=True)

    def _published(self, dataset: str) -> DatasetVersion:
        found = self._datasets.by_id(dataset)
        if found.status != "published":
            raise NotFound(NO_SUCH)
        return found

    def write_folder(self, dataset_id: str, folder: Path) -> None:
        """Write a table and the pictures, under names of ours, as training reads them.

        Raises NotFound where it is deleted, also meanwhile.
        """
        self._published(dataset_id)
        write_training_folder(self._images, dataset_id, folder)
        self._published(dataset_id)

    # --- deleting ---

    def delete(self, *, dataset: str, by: Subject) -> DatasetVersion:
        """Raises NotFound, Forbidden, DatasetInUse."""
        found = self.show(dataset=dataset, by=by)
        if by.role != "admin" and found.owner != by.id:
            raise Forbidden("Only its owner or an admin can delete a data set")
        if self._in_use(found.id):
            raise DatasetInUse
        with self._trail.act("dataset.delete", by=by.id, target=found.id):
            self._remove(found.id)
        return found

    def _remove(self, identifier: str) -> None:
        """The document goes first: a data set is never listed with half of its images."""
        self._datasets.remove(identifier)
        self._images.forget(identifier)

    def sweep(self) -> None:
        """Delete uploads that have expired, and what interrupted checks left."""
        self._uploads.sweep()
        for dataset in self._datasets.abandoned():
            self._remove(dataset.id)

    def forget(self, owner: str) -> None:
        """Delete all uploads and data sets of an account. It is idempotent."""
        self._uploads.forget(owner)
        for dataset in self._datasets.of_owner(owner):
            self._remove(dataset.id)

    def faults(self) -> Iterator[Fault]:
        yield from self._uploads.faults()
        for dataset in self._datasets.abandoned():
            says = f"the check of data set {dataset.id} was interrupted, or refused a day ago"
            yield Fault(says, partial(self._remove, dataset.id))
        for identifier in self._images.datasets():
            if not self._datasets.is_there(identifier):
                says = f"images of data set {identifier}, which is gone"
                yield Fault(says, partial(self._images.forget, identifier))
