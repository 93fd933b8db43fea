"""The use cases of uploads: announce, send in parts, show, delete."""

import threading
from collections.abc import Callable

from skinapi.auth.owners import OwnerStays
from skinapi.errors import BadRequest, Duplicate, InvalidToken
from skinapi.lab.errors import DatasetQuotaReached
from skinapi.lab.quota import Quota
from skinapi.lab.uploads import Announced, UploadRecord, Uploads
from skinapi.web.access import Subject
from skinapi.web.size_limits import body_too_large

MOST_UPLOADS = 200
# Parts that are read into memory at the same time, in each process.
PARTS_AT_ONCE = 2


class UploadsService:
    def __init__(
        self,
        *,
        uploads: Uploads,
        quota: Quota,
        largest: int,
        owner_stays: OwnerStays,
        sweep: Callable[[], None],
    ) -> None:
        """`largest` is the most bytes of an upload; `sweep` deletes what has expired."""
        self._uploads = uploads
        self._quota = quota
        self._largest = largest
        self._owner_stays = owner_stays
        self._sweep = sweep
        self._parts = threading.BoundedSemaphore(PARTS_AT_ONCE)

    def begin(
        self, *, name: str, size: int, sha256: str | None, by: Subject, key: str | None = None
    ) -> UploadRecord:
        """The same request with the same key gets the upload of the first one.

        Raises IdempotencyKeyReused for another request with that key, PayloadTooLarge,
        DatasetQuotaReached, BadRequest past MOST_UPLOADS, and InvalidToken.
        """
        self._sweep()
        announced = Announced(by.id, name, size, sha256, key)
        if before := self._uploads.begun_before(announced):
            return self._admit(before)
        if size > self._largest:
            raise body_too_large(self._largest)
        if len(self._uploads.of_owner(by.id)) >= MOST_UPLOADS:
            raise BadRequest(f"{MOST_UPLOADS} uploads are unused; use or delete some first")
        try:
            upload = self._uploads.begin(announced)
        except Duplicate:  # a retry of this request has stored it in the meantime
            if before := self._uploads.begun_before(announced):
                return self._admit(before)
            raise
        return self._admit(upload)

    def _admit(self, upload: UploadRecord) -> UploadRecord:
        """Admit it, or delete it again. A request and its retry at the same moment both decide, and
        neither is told of an upload that the other one deletes. Raises DatasetQuotaReached,
        InvalidToken.
        """
        if upload.admitted:
            return upload
        try:
            self._refuse_gone(upload.owner)
            self._quota.check(upload.owner, 0)  # its size is counted already
        except (InvalidToken, DatasetQuotaReached):
            if self._uploads.withdraw(upload):
                raise
        admitted = self._uploads.admit(upload)
        if admitted is None:
            raise self._quota.reached()
        return admitted

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

    def show(self, *, upload: str, by: Subject) -> UploadRecord:
        return self._uploads.get(upload, owner=by.id)

    def delete(self, *, upload: str, by: Subject) -> None:
        self._uploads.remove(self._uploads.get(upload, owner=by.id).id)

    def _refuse_gone(self, owner: str) -> None:
        """Asked after a write: a deletion of the account that began before it could not see what
        was written. Raises InvalidToken.
        """
        if not self._owner_stays(owner):
            raise InvalidToken
