"""The use cases of uploads: announce, send in parts, show, delete."""

import threading
from collections.abc import Callable
from functools import partial

from skinapi.errors import BadRequest, Duplicate
from skinapi.lab.uploads.quota import Quota
from skinapi.lab.uploads.upload_records import Announced, UploadRecord, Uploads
from skinapi.storage.ports import Store
from skinapi.web.access import Subject
from skinapi.web.limits.size_limits import body_too_large

MOST_UPLOADS = 200
# Parts that are read into memory at the same time, in each process.
PARTS_AT_ONCE = 2


class UploadsService:
    def __init__(
        self,
        store: Store,
        uploads: Uploads,
        quota: Quota,
        *,
        largest: int,
        hold_owner: Callable[[str], None],
        sweep: Callable[[], None],
    ) -> None:
        """`largest` is the most bytes of an upload; `sweep` deletes what has expired."""
        self._store, self._uploads, self._quota = store, uploads, quota
        self._largest, self._hold_owner, self._sweep = largest, hold_owner, sweep
        self._parts = threading.BoundedSemaphore(PARTS_AT_ONCE)

    def begin(self, announced: Announced) -> UploadRecord:
        """The same request with the same key gets the upload of the first one.

        Raises IdempotencyKeyReused for another request with that key, PayloadTooLarge,
        DatasetQuotaReached, BadRequest past MOST_UPLOADS, and InvalidToken.
        """
        self._sweep()
        if before := self._uploads.find_begun(announced):
            return before
        if announced.size > self._largest:
            raise body_too_large(self._largest)
        try:
            return self._store.transaction(partial(self._begin, announced))
        except Duplicate:  # a retry of this request has stored it in the meantime
            if before := self._uploads.find_begun(announced):
                return before
            raise

    def _begin(self, announced: Announced) -> UploadRecord:
        self._hold_owner(announced.owner)
        if len(self._uploads.list_of_owner(announced.owner)) >= MOST_UPLOADS:
            raise BadRequest(f"{MOST_UPLOADS} uploads are unused; use or delete some first")
        self._quota.refuse_excess(announced.owner, announced.size)
        return self._uploads.begin(announced)

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
