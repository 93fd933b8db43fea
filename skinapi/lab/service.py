"""The use cases of data sets: send, list, show, compare on, delete."""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from skinapi.audit import AuditTrail
from skinapi.auth.owners import OwnerStays
from skinapi.errors import (
    BadRequest,
    Conflict,
    Duplicate,
    Forbidden,
    InvalidToken,
    NotFound,
    SkinAPIError,
)
from skinapi.lab.checks import Checks
from skinapi.lab.contents import Sent
from skinapi.lab.datasets import NO_SUCH, Datasets, DatasetVersion, NewDataset, Status
from skinapi.lab.errors import DatasetInUse, UploadInUse
from skinapi.lab.images import DatasetImage, DatasetImages
from skinapi.lab.publishing import Published, Publisher
from skinapi.lab.quarantine import Quarantine
from skinapi.lab.quota import Quota
from skinapi.lab.receiving import receive
from skinapi.lab.shown_report import shown_report
from skinapi.lab.upkeep import Upkeep
from skinapi.lab.uploads import KEPT_FOR, UploadRecord, Uploads, refuse_other_checksum
from skinapi.storage.faults import Fault
from skinapi.storage.ids import now
from skinapi.web.access import Subject
from skinapi.web.error_responses import log_fault
from skinapi.web.multipart import PartBegins
from skinapi.web.pagination import Page
from skinapi.web.size_limits import body_too_large

LEARNED_FROM = "A training learns from this data set; wait for it, or cancel it"


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
        owner_stays: OwnerStays,
        resume_erasures: Callable[[], None],
    ) -> None:
        """`largest` is the most bytes of a data set as it is sent; `in_use` tells whether a job
        uses the data set of this id; `resume_erasures` is part of each `sweep`.
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
        self._upkeep = Upkeep(
            datasets=datasets,
            images=images,
            uploads=uploads,
            checks=checks,
            trail=trail,
            owner_stays=owner_stays,
            resume_erasures=resume_erasures,
        )
        self._owner_stays = owner_stays

    # --- sending ---

    def send_uploads(self, *, new: NewDataset, uploads: Sequence[str]) -> DatasetVersion:
        """Check and publish these uploads as a data set, beside the requests.

        The same request with the same key gets the data set of the first one. Raises
        IdempotencyKeyReused for another request with that key, NotFound, BadRequest for uploads
        that have not arrived, UploadInUse, NameTaken, Unavailable, InvalidToken.
        """
        # First of all: the uploads of a data set that is published are deleted.
        if sent := self._datasets.sent_before(new):
            return self._as_shown(sent)
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
        # The size is 0 because the uploads count until they are deleted.
        publish = partial(self.publish_uploads, new=new, uploads=tuple(uploads))
        return self.send(new=new, publish=publish, uploads=records)

    def send(
        self,
        *,
        new: NewDataset,
        publish: Callable[[DatasetVersion], DatasetVersion],
        uploads: Sequence[UploadRecord] = (),
    ) -> DatasetVersion:
        """Begin a data set, and have `publish` check and publish it beside the requests.

        `uploads` are those that it is made of. Raises Unavailable where too many wait,
        UploadInUse and InvalidToken.
        """
        self.sweep()
        try:
            dataset = self._begin(new, size=0)
        except Duplicate:  # a retry of this request has stored it in the meantime
            if sent := self._datasets.sent_before(new):
                return self._as_shown(sent)
            raise
        try:
            self._trail.record("dataset.sent", by=new.owner, target=dataset.id)
            for upload in uploads:
                self._claim(upload, dataset.id)
            check = partial(self.check, dataset=dataset.id, new=new, publish=publish)
            self._checks.submit(dataset.id, check, owner=new.owner)
        except SkinAPIError:
            self._datasets.remove(dataset.id)
            raise
        return dataset

    def _claim(self, upload: UploadRecord, dataset: str) -> None:
        """Raises UploadInUse where another data set of it is checked, by any server."""
        before = self._datasets.find(upload.dataset) if upload.dataset else None
        if before and before.status == "checking" and not before.is_interrupted:
            raise UploadInUse
        if not self._uploads.claim(upload, dataset=dataset):
            raise UploadInUse

    def check(
        self,
        *,
        dataset: str,
        new: NewDataset,
        publish: Callable[[DatasetVersion], DatasetVersion],
    ) -> DatasetVersion | None:
        """Publish the data set, or keep why it was refused (None then)."""
        try:
            found = self._datasets.by_id(dataset)
            if found.status != "checking":
                return found
            published = publish(found)
            self._trail.record("dataset.published", by=new.owner, target=dataset)
        except SkinAPIError as error:
            self._upkeep.refuse(dataset, new.owner, error)
            return None
        except Exception as error:  # noqa: BLE001 (the thread must go on to the next check)
            log_fault(error)
            self._upkeep.refuse(dataset, new.owner, SkinAPIError())
            return None
        return published

    def publish_uploads(
        self, dataset: DatasetVersion, new: NewDataset, uploads: Sequence[str]
    ) -> DatasetVersion:
        """Publish, and delete the uploads. Raises what `Publisher.publish` raises, and BadRequest
        for another checksum.
        """
        records = [self._uploads.get(upload, owner=new.owner) for upload in uploads]
        for record in records:
            refuse_other_checksum(record, self._uploads.read(record))
        published = self._publisher.publish(dataset, new, [self._sent(one) for one in records])
        for record in records:
            self._uploads.remove(record.id)
        return published.dataset

    def _sent(self, record: UploadRecord) -> Sent:
        return Sent(record.name, record.size, lambda: io.BufferedReader(self._uploads.read(record)))

    def send_files(self, *, new: NewDataset, sent: Sequence[Sent]) -> Published:
        """Check and publish these files as a data set, while the caller waits.

        Raises what `Publisher.publish` raises, NameTaken, Unavailable, and InvalidToken where the
        account was deleted while it waited; nothing is left then.
        """
        with self._checks.now():
            self.sweep()
            size = sum(one.size for one in sent)
            self._quota.check(new.owner, size)
            dataset = self._begin(new, size=size)
            try:
                self._trail.record("dataset.sent", by=new.owner, target=dataset.id)
                published = self._publisher.publish(dataset, new, sent)
            except BaseException:
                self._upkeep.remove(dataset.id)
                raise
            self._trail.record("dataset.published", by=new.owner, target=dataset.id)
            return published

    def _begin(self, new: NewDataset, *, size: int) -> DatasetVersion:
        """Store a data set that is about to be checked. Raises InvalidToken, NameTaken.

        A deletion of the account that begins later removes it, and then its check ends.
        """
        dataset = self._datasets.begin(new, size=size)
        try:
            self._refuse_gone(new.owner)
            if not new.any_name:
                self._datasets.names.refuse_taken(dataset.name_key, owner=new.owner)
        except SkinAPIError:  # a retry would be answered with one that nobody checks
            self._datasets.remove(dataset.id)
            raise
        return dataset

    def _refuse_gone(self, owner: str) -> None:
        """Asked after a write: a deletion that began before it could not see what was written.

        Raises InvalidToken where the account is gone, or is being deleted.
        """
        if not self._owner_stays(owner):
            raise InvalidToken

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

    def list_unpublished(
        self, *, status: Status, after: str | None, limit: int, by: Subject
    ) -> Page[DatasetVersion]:
        """The caller's own of this status; for an admin, those of all."""
        owner = None if by.role == "admin" else by.id
        return self._datasets.page(after=after, limit=limit, status=status, owner=owner)

    def show(self, *, dataset: str, by: Subject) -> DatasetVersion:
        """A data set; before it is published, for its owner and admins alone. Raises NotFound."""
        return self._as_shown(self._readable(dataset, by))

    def _as_shown(self, dataset: DatasetVersion) -> DatasetVersion:
        report = shown_report(dataset.report, self._datasets.published_name)
        return dataset.model_copy(update={"report": report})

    def _readable(self, dataset: str, by: Subject) -> DatasetVersion:
        found = self._datasets.by_id(dataset)
        if found.is_interrupted:
            self._upkeep.settle(found)
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

    # --- the reference ---

    def choose_reference(self, *, dataset: str, by: Subject) -> DatasetVersion:
        """Compare all models on this data set from now on. Raises NotFound, Conflict."""
        found, before = self._published(dataset), self._datasets.reference()
        if self._in_use(found.id):
            raise Conflict(LEARNED_FROM)
        with self._trail.act("dataset.reference", by=by.id, target=found.id):
            self._datasets.set_reference(found.id)
            # After the choice: a training that begins later is refused.
            if self._in_use(found.id):
                self._datasets.end_reference(found.id)
                if before and before.id != found.id:
                    self._datasets.set_reference(before.id)
                raise Conflict(LEARNED_FROM)
        return self._as_shown(self._datasets.by_id(found.id))

    def end_reference(self, *, dataset: str, by: Subject) -> DatasetVersion:
        """Raises NotFound, and Conflict where it is not the reference."""
        found = self._published(dataset)
        if not found.reference:
            raise Conflict(f"{found.name} is not the reference data set")
        with self._trail.act("dataset.end_reference", by=by.id, target=found.id):
            self._datasets.end_reference(found.id)
        return self._as_shown(self._datasets.by_id(found.id))

    # --- deleting ---

    def delete(self, *, dataset: str, by: Subject) -> DatasetVersion:
        """Raises NotFound, Forbidden, DatasetInUse, and Conflict for the reference."""
        found = self._readable(dataset, by)
        if by.role != "admin" and found.owner != by.id:
            raise Forbidden("Only its owner or an admin can delete a data set")
        if self._in_use(found.id):
            raise DatasetInUse
        if found.reference:
            raise Conflict("This is the reference data set; an admin must end that first")
        with self._trail.act("dataset.delete", by=by.id, target=found.id):
            self._datasets.begin_deletion(found)
            # After the mark: a training that begins later does not find the data set.
            if self._in_use(found.id):
                self._datasets.undo_deletion(found)
                raise DatasetInUse
            self._upkeep.remove(found.id)
        return found

    def sweep(self) -> None:
        """Go on with what an interruption left, and delete what has expired. Called before each
        upload and data set, and as a server starts.
        """
        self._upkeep.sweep()

    def forget(self, owner: str) -> None:
        """Delete all uploads and data sets of an account. It is idempotent."""
        self._upkeep.forget(owner)

    def faults(self) -> Iterator[Fault]:
        return self._upkeep.faults()
