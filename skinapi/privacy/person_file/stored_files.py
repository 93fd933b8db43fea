"""Where a person's file lies until it is fetched: in pieces, each a blob, whose keys stand in one
document of the account, each before its blob. So it needs the memory of one piece, and is deleted
whole, whatever was killed on the way.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Literal

from skinapi.base.errors import Conflict, NotFound
from skinapi.base.stored_record import StoredRecord
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.ids import new_blob_key, now
from skinapi.platform.storage.ports import Document, Store
from skinapi.platform.storage.records import Repository
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

COLLECTION = "person_files"
KEPT_FOR = timedelta(days=1)
PIECE_BYTES = 4 * 1024**2
SWEPT_AT_ONCE = 100


class NoFile(NotFound):
    code, sentence = "no_person_file", "There is no file of yours: ask for one"


class FileUnderWay(Conflict):
    code = "person_file_under_way"
    sentence = (
        "A file of yours is being made, or waits to be fetched: there is one at a time. Fetch it, "
        "or delete it and ask again"
    )


class FileNotReady(Conflict):
    code, sentence = "person_file_not_ready", "Your file is not ready yet"


class FileEnded(Conflict):
    code = "person_file_ended"
    sentence = (
        "The file was not made: it, or something that it would tell, was deleted meanwhile, or the "
        "account was joined to another"
    )


class PersonFile(StoredRecord):
    """The file of the account `id`; `file` tells it from its others. `writing`: the piece that this
    `attempt` of its job is storing. `outdated`: it would tell of a deleted finding.
    """

    id: str
    created_at: datetime
    file: str
    state: Literal["making", "ready", "fetched", "outdated"]
    attempt: int = 0
    piece_blobs: tuple[str, ...] = ()
    writing: str | None = None
    bytes: int = 0
    made_at: datetime | None = None
    fetched_at: datetime | None = None
    expires_at: datetime

    @property
    def pieces(self) -> list[str]:
        """The keys of all blobs that may be stored."""
        return [*self.piece_blobs, *([self.writing] if self.writing else [])]


class PersonFiles(Repository[PersonFile]):
    collection, record = COLLECTION, PersonFile
    indexes = (("expires_at", "id"), ("state", "id"))

    def __init__(
        self,
        store: Store,
        work: UnitOfWork,
        outbox: Outbox,
        *,
        piece_bytes: int = PIECE_BYTES,
    ) -> None:
        super().__init__(store)
        self.piece_bytes = piece_bytes
        self.work, self._outbox, self._blobs = work, outbox, store.blobs

    def find(self, account: str, /) -> PersonFile | None:
        """Find the account's file, unless it has expired."""
        file = super().find(account)
        return None if file is None or file.expires_at <= now() else file

    def add(self, account: str, file: str) -> None:
        if self._documents.get(account):
            raise FileUnderWay
        moment, end = now(), now() + KEPT_FOR
        self.insert(
            PersonFile(id=account, created_at=moment, file=file, state="making", expires_at=end)
        )

    @atomic
    def begin(self, unit: Unit, *, account: str, file: str, attempt: int) -> PersonFile:
        """Delete what an attempt before has left."""
        stored = super().find(account)
        if stored is None or stored.file != file or stored.state in ("fetched", "outdated"):
            raise FileEnded
        if stored.state != "making":
            return stored
        unit.erase(stored.pieces)
        fields = {"attempt": attempt, "piece_blobs": [], "bytes": 0, "writing": None}
        begun = self._change({"id": account}, **fields)
        if begun is None:
            raise FileEnded
        return begun

    def add_piece(self, file: PersonFile, content: bytes) -> PersonFile:
        key = new_blob_key(content)
        self._change_own(file, writing=key)
        stored = {"piece_blobs": [*file.piece_blobs, key], "bytes": file.bytes + len(content)}
        try:
            self._blobs.put_as(key, content)
            return self._change_own(file, **stored, writing=None)
        except BaseException:  # also SystemExit: whoever has deleted the file has not seen this one
            self._blobs.delete(key)
            raise

    def _change_own(self, file: PersonFile, **fields: Any) -> PersonFile:
        own = {"id": file.id, "file": file.file, "attempt": file.attempt, "state": "making"}
        changed = self._change(own, **fields)
        if changed is None:
            raise FileEnded
        return changed

    @atomic
    def finish(self, unit: Unit, file: PersonFile, *, lock: Callable[[str], None]) -> PersonFile:
        """Let it be fetched, for a day. `lock` refuses it where the account is being deleted."""
        lock(file.id)
        moment = now()
        end = moment + KEPT_FOR
        made = self._change_own(file, state="ready", made_at=moment, expires_at=end)
        unit.audit("person_file.make", by=file.id, target=file.id)
        self._outbox.add(Kind.FILE_MADE, to=file.id, about="my-data")
        return made

    def read(self, file: PersonFile) -> Iterator[bytes]:
        for key in file.piece_blobs:
            piece = self._blobs.find(key)
            if piece is None:
                raise FileEnded
            yield piece

    @atomic
    def mark_fetched(self, unit: Unit, file: PersonFile, *, by: str) -> None:
        ready = {"id": file.id, "file": file.file, "state": "ready"}
        if self._change(ready, state="fetched", fetched_at=now(), piece_blobs=[]):
            unit.erase(file.pieces)
            unit.audit("person_file.fetch", by=by, target=file.id)

    @atomic
    def delete(self, unit: Unit, *, account: str, by: str) -> None:
        file = self.find(account)
        if file is None:
            raise NoFile
        self._delete(unit, file)
        unit.audit("person_file.delete", by=by, target=account)

    @atomic
    def forget(self, unit: Unit, account: str) -> None:
        """Delete what is stored of a file of this account, expired or not. Idempotent."""
        if file := super().find(account):
            self._delete(unit, file)

    def _delete(self, unit: Unit, file: PersonFile) -> None:
        unit.erase(file.pieces)
        self._documents.delete({"id": file.id})

    def outdate(self, account: str) -> list[str]:
        """Let no file tell of a finding that the transaction under way deletes. Return the keys of
        what is to be deleted after it.
        """
        file = super().find(account)
        if file is None or file.state not in ("making", "ready"):
            return []
        self._change({"id": account}, state="outdated", piece_blobs=[], writing=None)
        return file.pieces

    def find_unfinished(self) -> list[Document]:
        return self._documents.find({"state": "making"}, limit=SWEPT_AT_ONCE)

    @atomic
    def empty(self, unit: Unit, file: PersonFile) -> None:
        """Delete the pieces of a file whose job has ended without it."""
        unit.erase(file.pieces)
        own = {"id": file.id, "file": file.file, "state": "making"}
        self._change(own, piece_blobs=[], writing=None)

    def sweep(self) -> None:
        old = {"expires_at": {"$lt": now()}}
        for file in self._documents.find(old, sort="expires_at", limit=SWEPT_AT_ONCE, fields=()):
            self.forget(file["id"])


class PieceWriter:
    """Stores what is written to it in pieces."""

    def __init__(self, files: PersonFiles, file: PersonFile, *, piece_bytes: int) -> None:
        self._files, self._piece_bytes = files, piece_bytes
        self.file = file
        self._waiting = bytearray()
        self._abandoned = False

    def write(self, content: Any) -> int:
        if self._abandoned:
            return len(content)
        self._waiting += content
        while len(self._waiting) >= self._piece_bytes:
            self._store(self._piece_bytes)
        return len(content)

    def flush(self) -> None: ...

    def end(self) -> PersonFile:
        if self._waiting:
            self._store(len(self._waiting))
        return self.file

    def abandon(self) -> None:
        """Drop what is written from now on: an archive that was not ended tries to end itself when
        it is forgotten.
        """
        self._abandoned = True

    def _store(self, size: int) -> None:
        self.file = self._files.add_piece(self.file, bytes(self._waiting[:size]))
        del self._waiting[:size]
