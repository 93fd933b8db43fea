"""Resumable uploads, whose parts are blobs.

The blob of a part is stored before the part, and deleted after it. Parts are in the store and not
in a folder, so that any replica of the server may receive them.
"""

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.owners import OwnerStatus
from skinapi.base.errors import BadRequest, IdempotencyKeyReused, NotFound
from skinapi.base.size_limits import body_too_large, size_in_words
from skinapi.base.stored_record import StoredRecord
from skinapi.lab.datasets.dataset_images import DatasetImages
from skinapi.lab.datasets.dataset_versions import Datasets
from skinapi.lab.errors import DatasetQuotaReached, WrongOffset
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document, Filter, Store
from skinapi.platform.storage.records import Repository, find_or_make, in_transaction
from skinapi.platform.storage.unit_of_work import UnitOfWork

KEPT_FOR = timedelta(days=1)
LARGEST_PART = 8 * 1024 * 1024
# Parts of less make more documents than bytes; the last part of an upload may be small.
SMALLEST_PART = 256 * 1024
NO_SUCH = "There is no such upload; an upload that is not used is deleted after a day"
PART_LOST = "A part of the upload is lost; delete it and send the file again"
SWEPT_AT_ONCE = 100


class Announced(StoredRecord):
    owner: str
    name: str
    size: int
    sha256: str | None = None
    idempotency_key: str | None = None


class UploadRecord(Announced):
    id: str
    created_at: datetime
    expires_at: datetime
    received: int = 0
    dataset: str | None = None

    @property
    def complete(self) -> bool:
        return self.received == self.size


class Uploads(Repository[UploadRecord]):
    collection, record, missing = "uploads", UploadRecord, NO_SUCH
    indexes = (("owner", "id"), ("expires_at", "id"))
    unique = (("owner", "idempotency_key"),)

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._blobs = store.blobs
        self._parts = store.collection("upload_parts")
        self._parts.ensure_index("upload", "offset", unique=True)
        self._parts.ensure_index("upload", "offset", "id")

    def begin(self, announced: Announced) -> UploadRecord:
        moment = now()
        upload = UploadRecord(
            id=new_id(), created_at=moment, expires_at=moment + KEPT_FOR, **announced.model_dump()
        )
        return self.insert(upload)

    def find_begun(self, announced: Announced) -> UploadRecord | None:
        before = self._by_key(announced.idempotency_key, owner=announced.owner)
        if before is None:
            return None
        if before.expires_at < now():  # a sweep deletes a limited number
            self.remove(before.id)
            return None
        if Announced.model_validate(before.model_dump()) != announced:
            raise IdempotencyKeyReused
        return before

    def get_owned(self, identifier: str, *, owner: str) -> UploadRecord:
        upload = self.find(identifier)
        if upload is None or upload.owner != owner or upload.expires_at < now():
            raise NotFound(NO_SUCH)
        return upload

    def add_part(self, upload: UploadRecord, *, offset: int, content: bytes) -> UploadRecord:
        """Store the part that begins at `offset`. Repeating a part has no effect."""
        end = offset + len(content)
        if end > upload.size or not content:
            raise BadRequest(f"The part must end within the {upload.size} bytes of the upload")
        if len(content) < SMALLEST_PART and end < upload.size:
            raise BadRequest(f"All parts but the last need at least {SMALLEST_PART} bytes")
        if offset > upload.received:
            raise WrongOffset(f"The upload continues at {upload.received}")
        if offset < upload.received:
            return self._sent_before(upload.id, offset, len(content))
        blob = self._blobs.put(content)
        part = {"upload": upload.id, "offset": offset, "size": len(content), "part_blob": blob}
        grown = self._append(part)
        if grown is None:  # sent twice at the same time, or the upload was deleted meanwhile
            self._blobs.delete(blob)
            return self._sent_before(upload.id, offset, len(content))
        return grown

    @in_transaction
    def _append(self, part: Document) -> UploadRecord | None:
        end = part["offset"] + part["size"]
        unchanged: Filter = {"id": part["upload"], "received": part["offset"]}
        grown = self._change(unchanged, received=end)
        if grown:
            self._parts.insert({**part, "id": new_id(), "created_at": now(), "schema": 1})
        return grown

    def _sent_before(self, upload: str, offset: int, size: int) -> UploadRecord:
        record = self.get(upload)
        parts = self._parts.find({"upload": upload, "offset": offset}, limit=1)
        if [part["size"] for part in parts] != [size]:
            raise WrongOffset(f"The upload continues at {record.received}")
        return record

    def read(self, upload: UploadRecord) -> Iterator[bytes]:
        digest = hashlib.sha256()
        for part in self._parts.find({"upload": upload.id}, sort="offset"):
            blob = part.get("part_blob")
            content = self._blobs.find(blob) if blob else None
            if content is None:
                raise NotFound(PART_LOST)
            digest.update(content)
            yield content
        if upload.sha256 not in (None, digest.hexdigest()):
            raise BadRequest(
                f"The SHA-256 of the upload {upload.id} is not the one that was announced"
            )

    def keep(self, upload: UploadRecord, until: datetime, *, dataset: str | None = None) -> None:
        kept = {"expires_at": until, **({"dataset": dataset} if dataset else {})}
        self._documents.update({"id": upload.id}, {"$set": kept})

    def list_of_owner(self, owner: str) -> list[UploadRecord]:
        return self._list({"owner": owner})

    def owners(self) -> set[str]:
        return set(self._documents.count_by("owner"))

    def remove(self, identifier: str) -> None:
        self.delete_blobs(self.delete_record(identifier))

    @in_transaction
    def delete_record(self, identifier: str) -> list[str]:
        """Delete it with its parts. Pass the result to `delete_blobs` after the transaction."""
        parts = self._parts.find({"upload": identifier}, sort="offset")
        self._documents.delete({"id": identifier})
        self._parts.delete({"upload": identifier})
        # `check --repair` has taken the key away where the file was lost.
        return [part["part_blob"] for part in parts if part.get("part_blob")]

    def delete_blobs(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._blobs.delete(key)

    def forget(self, owner: str) -> None:
        for upload in self.list_of_owner(owner):
            self.remove(upload.id)

    def sweep(self) -> None:
        expired = {"expires_at": {"$lt": now()}}
        for document in self._documents.find(expired, sort="expires_at", limit=SWEPT_AT_ONCE):
            self.remove(document["id"])


@dataclass(slots=True)
class Quota:
    datasets: Datasets
    uploads: Uploads
    most: int

    def refuse_excess(self, owner: str, more: int) -> None:
        """Raise DatasetQuotaReached. Exact only in a transaction that locks the owner."""
        used = sum(each.size for each in self.datasets.list_of_owner(owner))
        used += sum(each.size for each in self.uploads.list_of_owner(owner))
        if used + more > self.most:
            raise DatasetQuotaReached(
                f"This account may keep {size_in_words(self.most)} of data sets and uploads; "
                "delete some, then try again"
            )


MOST_UPLOADS = 200
# Parts that are read into memory at the same time, in each process.
PARTS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class UploadsService:
    store: Store
    uploads: Uploads
    quota: Quota
    owners: OwnerStatus
    largest: int
    sweep: Callable[[], None]
    _parts: threading.BoundedSemaphore = field(
        default_factory=partial(threading.BoundedSemaphore, PARTS_AT_ONCE)
    )

    def begin(self, announced: Announced) -> UploadRecord:
        self.sweep()
        return find_or_make(
            partial(self.uploads.find_begun, announced),
            lambda: self.store.transaction(partial(self._begin, announced)),
        )

    def _begin(self, announced: Announced) -> UploadRecord:
        if announced.size > self.largest:
            raise body_too_large(self.largest)
        self.owners.lock(announced.owner)
        if len(self.uploads.list_of_owner(announced.owner)) >= MOST_UPLOADS:
            raise BadRequest(f"{MOST_UPLOADS} uploads are unused; use or delete some first")
        self.quota.refuse_excess(announced.owner, announced.size)
        return self.uploads.begin(announced)

    def add_part(
        self, *, upload: str, offset: str, read: Callable[[int], bytes], largest: int, by: Subject
    ) -> UploadRecord:
        record = self.uploads.get_owned(upload, owner=by.id)
        if not offset.isdecimal() or not offset.isascii() or len(offset) > 15:
            raise BadRequest("The offset is a number of bytes")
        with self._parts:
            content = bytearray()
            while piece := read(largest + 1 - len(content)):
                content += piece
            return self.uploads.add_part(record, offset=int(offset), content=bytes(content))

    def show(self, *, upload: str, by: Subject) -> UploadRecord:
        return self.uploads.get_owned(upload, owner=by.id)

    def delete(self, *, upload: str, by: Subject) -> None:
        self.uploads.remove(self.uploads.get_owned(upload, owner=by.id).id)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabRepositories:
    store: Store
    trail: AuditTrail
    work: UnitOfWork
    datasets: Datasets
    images: DatasetImages
    uploads: Uploads
