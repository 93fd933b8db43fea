"""Uploads that may be interrupted and continued: their parts are kept as blobs until they are used.

A part is stored in this order: its blob, its document, the new length of the upload. So an upload
never counts bytes that are not there. The parts are in the store and not in a folder, so each
replica of the server may receive one.
"""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from skinapi.errors import BadRequest, Duplicate, IdempotencyKeyReused, NotFound
from skinapi.lab.errors import WrongOffset
from skinapi.storage.faults import Fault
from skinapi.storage.ids import CLOCK_TOLERANCE, new_id, now
from skinapi.storage.ports import Filter, Store
from skinapi.stored_record import StoredRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import WriteableBuffer

KEPT_FOR = timedelta(days=1)
LARGEST_PART = 8 * 1024 * 1024
# Parts of less make more documents than bytes; the last part of an upload may be small.
SMALLEST_PART = 256 * 1024
NO_SUCH = "There is no such upload; an upload that is not used is deleted after a day"
PART_LOST = "A part of the upload is lost; delete it and send the file again"
SWEPT_AT_ONCE = 100


@dataclass(frozen=True)
class Announced:
    """What an owner says of a file before its bytes come. `key`: the request's idempotency key."""

    owner: str
    name: str
    size: int
    sha256: str | None
    key: str | None = None


class UploadRecord(StoredRecord):
    """An upload. `size` is announced, `received` is how much of it has arrived,
    `dataset` the data set that was last made of it. `idempotency_key` is of the request that
    announced it.
    """

    id: str
    created_at: datetime
    expires_at: datetime
    owner: str
    name: str
    size: int
    received: int = 0
    sha256: str | None = None
    dataset: str | None = None
    idempotency_key: str | None = None
    admitted: bool = True  # earlier code stored no other

    @property
    def complete(self) -> bool:
        return self.received == self.size


class Uploads:
    def __init__(self, store: Store) -> None:
        self._blobs = store.blobs
        self._documents = store.collection("uploads")
        self._documents.ensure_index("owner", "id")
        self._documents.ensure_index("owner", "idempotency_key", unique=True)
        self._documents.ensure_index("expires_at", "id")
        self._parts = store.collection("upload_parts")
        self._parts.ensure_index("upload", "offset", unique=True)
        self._parts.ensure_index("upload", "offset", "id")

    def begin(self, announced: Announced) -> UploadRecord:
        """An upload that is not admitted yet. Raises Duplicate where its owner has used the
        idempotency key before.
        """
        moment = now()
        upload = UploadRecord(
            id=new_id(),
            created_at=moment,
            expires_at=moment + KEPT_FOR,
            owner=announced.owner,
            name=announced.name,
            size=announced.size,
            sha256=announced.sha256,
            idempotency_key=announced.key,
            admitted=False,
        )
        self._documents.insert({**upload.model_dump(), "schema": 1})
        return upload

    def admit(self, upload: UploadRecord) -> UploadRecord | None:
        """Keep it. None where it was withdrawn meanwhile."""
        kept = self._documents.update({"id": upload.id}, {"$set": {"admitted": True}})
        return UploadRecord.model_validate(kept) if kept else None

    def withdraw(self, upload: UploadRecord) -> bool:
        """Delete it, unless it was admitted meanwhile: then False."""
        self._documents.delete({"id": upload.id, "admitted": False})
        return self._documents.get(upload.id) is None

    def begun_before(self, announced: Announced) -> UploadRecord | None:
        """The upload that the same request with the same key has announced before, if it is still
        there. Raises IdempotencyKeyReused for another request with that key.
        """
        if announced.key is None:
            return None
        sent = {"owner": announced.owner, "idempotency_key": announced.key}
        found = self._documents.find(sent, limit=1)
        if not found:
            return None
        before = UploadRecord.model_validate(found[0])
        if before.expires_at < now():  # one of more than a sweep deletes
            self.remove(before.id)
            return None
        same = Announced(before.owner, before.name, before.size, before.sha256, announced.key)
        if same != announced:
            raise IdempotencyKeyReused
        return before

    def get(self, identifier: str, *, owner: str) -> UploadRecord:
        """Raises NotFound, also for somebody else's and for an expired one."""
        found = self._documents.get(identifier)
        upload = UploadRecord.model_validate(found) if found else None
        if upload is None or upload.owner != owner or upload.expires_at < now():
            raise NotFound(NO_SUCH)
        return upload

    def add_part(self, upload: UploadRecord, *, offset: int, content: bytes) -> UploadRecord:
        """Store the part that begins at `offset`. One that is there already changes nothing.

        Raises WrongOffset, BadRequest.
        """
        end = offset + len(content)
        if end > upload.size or not content:
            raise BadRequest(f"The part must end within the {upload.size} bytes of the upload")
        if len(content) < SMALLEST_PART and end < upload.size:
            raise BadRequest(f"All parts but the last need at least {SMALLEST_PART} bytes")
        if offset > upload.received:
            raise WrongOffset(f"The upload continues at {upload.received}")
        if offset == upload.received:
            self._store(upload, offset, content)
        elif self._size_at(upload, offset) != len(content):
            raise WrongOffset(f"The upload continues at {upload.received}")
        return self._grow(upload, offset, end)

    def _store(self, upload: UploadRecord, offset: int, content: bytes) -> None:
        blob = self._blobs.put(content)
        part = {"upload": upload.id, "offset": offset, "size": len(content), "part_blob": blob}
        try:
            self._parts.insert({**part, "id": new_id(), "created_at": now(), "schema": 1})
        except Duplicate as error:  # sent twice, or before an interruption
            self._blobs.delete(blob)
            if self._size_at(upload, offset) != len(content):
                raise WrongOffset(
                    "A part of another size is at this offset; begin the upload again"
                ) from error

    def _size_at(self, upload: UploadRecord, offset: int) -> int | None:
        found = self._parts.find({"upload": upload.id, "offset": offset}, limit=1)
        return int(found[0]["size"]) if found else None

    def _grow(self, upload: UploadRecord, offset: int, end: int) -> UploadRecord:
        grown = self._documents.update(
            {"id": upload.id, "received": offset}, {"$set": {"received": end}}
        )
        if grown:
            return UploadRecord.model_validate(grown)
        found = self._documents.get(upload.id)
        if found is None:  # deleted meanwhile: nothing may stay
            self._forget_parts(upload.id)
            raise NotFound(NO_SUCH)
        return UploadRecord.model_validate(found)

    def read(self, upload: UploadRecord) -> "UploadReader":
        """The whole upload as a file."""
        parts = self._parts.find({"upload": upload.id}, sort="offset")
        places = [(part["offset"], part["size"], part.get("part_blob")) for part in parts]
        return UploadReader(places, upload.size, self._blobs.get)

    def keep(self, upload: UploadRecord, until: datetime) -> None:
        """Do not let it expire before this time."""
        self._documents.update({"id": upload.id}, {"$set": {"expires_at": until}})

    def claim(self, upload: UploadRecord, *, dataset: str) -> bool:
        """Let this data set be the one that is made of it. False where another was faster."""
        unchanged: Filter = {"id": upload.id, "dataset": upload.dataset}
        return self._documents.update(unchanged, {"$set": {"dataset": dataset}}) is not None

    def of_owner(self, owner: str) -> list[UploadRecord]:
        return [UploadRecord.model_validate(one) for one in self._documents.find({"owner": owner})]

    def owners(self) -> set[str]:
        """The accounts that have an upload; for `check`."""
        return set(self._documents.count_by("owner"))

    def remove(self, identifier: str) -> None:
        """Delete it with its parts. The document goes first, so that no part is added after."""
        self._documents.delete({"id": identifier})
        self._forget_parts(identifier)

    def forget(self, owner: str) -> None:
        for upload in self.of_owner(owner):
            self.remove(upload.id)

    def sweep(self) -> None:
        """Delete those that have expired. One from the future expires as if it began now."""
        ahead = {"expires_at": {"$gt": now() + KEPT_FOR + CLOCK_TOLERANCE}}
        for found in self._documents.find(ahead, sort="expires_at", limit=SWEPT_AT_ONCE):
            self.keep(UploadRecord.model_validate(found), until=now() + KEPT_FOR)
        expired = {"expires_at": {"$lt": now()}}
        for found in self._documents.find(expired, sort="expires_at", limit=SWEPT_AT_ONCE):
            self.remove(found["id"])

    def faults(self) -> "Iterator[Fault]":
        for upload in sorted(self._parts.count_by("upload")):
            if self._documents.get(upload) is None:
                says = f"parts of upload {upload}, which is gone"
                yield Fault(says, partial(self._forget_parts, upload))

    def _forget_parts(self, upload: str) -> None:
        while found := self._parts.find({"upload": upload}, limit=SWEPT_AT_ONCE, sort="offset"):
            for part in found:
                # `check --repair` has taken the key away where the file was deleted already.
                if key := part.get("part_blob"):
                    self._blobs.delete(key)
                self._parts.delete({"id": part["id"]})


class UploadReader(io.RawIOBase):
    """The parts of an upload, read as one file. One part is in memory at a time.

    Reading raises NotFound at a part whose file is lost: to go on would pass for a shorter file.
    """

    def __init__(
        self,
        parts: list[tuple[int, int, str | None]],
        size: int,
        get: Callable[[str], bytes | None],
    ) -> None:
        self._places = parts
        self._size = size
        self._get = get
        self._at = 0
        self._loaded: tuple[int, bytes] = (0, b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise ValueError("a place before the beginning")
        self._at = origin + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: "WriteableBuffer") -> int:
        begin, content = self._part_at(self._at)
        wanted = memoryview(buffer)
        piece = content[self._at - begin : self._at - begin + len(wanted)]
        wanted[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _part_at(self, at: int) -> tuple[int, bytes]:
        begin, content = self._loaded
        if begin <= at < begin + len(content):
            return self._loaded
        for offset, size, blob in self._places:
            if offset <= at < offset + size:
                part = self._get(blob) if blob else None
                if part is None:
                    raise NotFound(PART_LOST)
                self._loaded = (offset, part)
                return self._loaded
        return at, b""


def refuse_other_checksum(upload: UploadRecord, reader: UploadReader) -> None:
    """Raises BadRequest where the bytes are not those whose SHA-256 was announced."""
    if upload.sha256 is None:
        return
    digest = hashlib.sha256()
    while piece := reader.read(1024 * 1024):
        digest.update(piece)
    reader.seek(0)
    if digest.hexdigest() != upload.sha256:
        raise BadRequest(f"The SHA-256 of the upload {upload.id} is not the one that was announced")
