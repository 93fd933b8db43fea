"""The keys of blobs are noted before the blobs are stored, so that nothing is left behind if the
process is killed.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import IO, Literal

from skinapi.accounts.auth.owners import OwnerStatus
from skinapi.base.errors import Conflict, NotFound
from skinapi.base.stored_record import StoredRecord
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.ids import new_blob_key, now
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.records import Repository
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

KEPT_FOR = timedelta(days=1)
LONGEST_DOWNLOAD = timedelta(hours=1)
# A blob is held in memory, so a large file is split.
PIECE_BYTES = 4 * 1024**2


class NoFile(NotFound):
    code, sentence = "no_person_file", "There is no file to fetch: ask for one"


class FileUnderWay(Conflict):
    code = "person_file_under_way"
    sentence = "A file is being made or waits to be fetched. Fetch it, or delete it and ask again"


class FileEnded(Conflict):
    code = "person_file_ended"
    sentence = "The file, or something in it, was deleted while the file was being made"


class PersonFile(StoredRecord):
    """`id` is the account. `file` is also the idempotency key of its job."""

    id: str
    created_at: datetime
    file: str
    state: Literal["making", "ready", "fetched"]
    piece_blobs: tuple[str, ...] = ()
    bytes: int = 0
    expires_at: datetime


class PersonFiles(Repository[PersonFile]):
    collection, record = "person_files", PersonFile
    indexes = (("expires_at", "id"),)

    def __init__(self, store: Store, work: UnitOfWork, outbox: Outbox, owners: OwnerStatus) -> None:
        super().__init__(store)
        self.work, self._outbox, self._owners = work, outbox, owners
        self._blobs = store.blobs

    def add(self, account: str, file: str) -> None:
        moment = now()
        self.insert(
            PersonFile(
                id=account,
                created_at=moment,
                file=file,
                state="making",
                expires_at=moment + KEPT_FOR,
            )
        )

    def store(self, account: str, file: str, content: IO[bytes]) -> int:
        keys = tuple(map(new_blob_key, _pieces(content)))
        size = content.tell()
        self._reserve(account, file, keys)
        try:
            for key, piece in zip(keys, _pieces(content), strict=True):
                self._blobs.put_as(key, piece)
            self._publish(account, file, keys, size)
        except BaseException:  # also SystemExit, of a job that is cancelled
            for key in keys:
                self._blobs.delete(key)
            raise
        return size

    @atomic
    def _reserve(self, unit: Unit, account: str, file: str, keys: tuple[str, ...]) -> None:
        self._owners.lock(account)
        before = self._get_making(account, file)
        self._change({"id": account}, piece_blobs=[*keys])
        unit.erase(before.piece_blobs)  # of an attempt whose process was killed

    @atomic
    def _publish(
        self, unit: Unit, account: str, file: str, keys: tuple[str, ...], size: int
    ) -> None:
        if self._get_making(account, file).piece_blobs != keys:
            raise FileEnded
        self._change({"id": account}, state="ready", bytes=size, expires_at=now() + KEPT_FOR)
        unit.audit("person_file.make", by=account, target=account)
        self._outbox.add(Kind.FILE_MADE, to=account, about="my-data")

    def _get_making(self, account: str, file: str) -> PersonFile:
        found = self.find(account)
        if found is None or (found.file, found.state) != (file, "making"):
            raise FileEnded
        return found

    @atomic
    def take(self, unit: Unit, account: str, *, by: str) -> PersonFile:
        unit.audit("person_file.fetch", by=by, target=account)
        ready = {"id": account, "state": "ready", "expires_at": {"$gt": now()}}
        taken = self._change(ready, state="fetched", expires_at=now() + LONGEST_DOWNLOAD)
        if taken is None:
            raise NoFile
        return taken

    def read(self, taken: PersonFile) -> Iterator[bytes]:
        try:
            for key in taken.piece_blobs:
                piece = self._blobs.find(key)
                if piece is None:
                    raise FileEnded
                yield piece
        finally:
            self.forget(taken.id, file=taken.file)

    @atomic
    def forget(self, unit: Unit, account: str, *, file: str | None = None) -> int:
        """Delete any file of the account, or only this `file`."""
        found = self.find(account)
        if found is None or file not in (None, found.file):
            return 0
        self._documents.delete({"id": account})
        unit.erase(found.piece_blobs)
        return 1

    def forget_with(self, account: str) -> tuple[str, ...]:
        """Call it in the transaction that deletes something in the file. Return the blobs to
        delete.
        """
        found = self.find(account)
        self._documents.delete({"id": account})
        return found.piece_blobs if found else ()

    def forget_over(self) -> None:
        for found in self._list({"expires_at": {"$lte": now()}}, sort="expires_at", limit=100):
            self.forget(found.id, file=found.file)


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    content.seek(0)
    while piece := content.read(PIECE_BYTES):
        yield piece
