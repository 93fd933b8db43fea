"""Where a person's file lies until it is fetched: in pieces, each a blob, whose keys stand in one
document of the account. So a file needs the memory of one piece, can be fetched from another
machine than has made it, and is deleted whole, whatever was killed on the way.

A piece is noted before it is stored: so each that may be there is known.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Literal

from skinapi.base.errors import Conflict, NotFound
from skinapi.base.stored_record import StoredRecord
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.ids import new_blob_key, now
from skinapi.platform.storage.ports import Document, Store
from skinapi.platform.storage.records import Records
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
    sentence = "The file was not made: it, or something that it would tell, was deleted meanwhile"


class PersonFile(StoredRecord):
    """The file of the account `id`. `file` tells it from others of the account. `writing` is the
    piece that is being stored, by this `attempt` of its job. Pieces are there while it is `making`
    or `ready`; an `outdated` one would have told of a finding that was deleted.
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
    def expired(self) -> bool:
        return self.expires_at <= now()

    @property
    def pieces(self) -> list[str]:
        """The keys of all blobs that may be there."""
        return [*self.piece_blobs, *([self.writing] if self.writing else [])]


class PersonFiles(Records[PersonFile]):
    """The repository: one file of an account at a time."""

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
        """None too of one that has expired."""
        file = self._find(account)
        return None if file is None or file.expired else file

    def _find(self, account: str) -> PersonFile | None:
        return super().find(account)

    def add(self, account: str, file: str) -> None:
        """In a transaction: note that a file is to be made. Raises FileUnderWay."""
        if self._documents.get(account):
            raise FileUnderWay
        moment, end = now(), now() + KEPT_FOR
        self.insert(
            PersonFile(id=account, created_at=moment, file=file, state="making", expires_at=end)
        )

    @atomic
    def begin(self, unit: Unit, *, account: str, file: str, attempt: int) -> PersonFile:
        """Delete what an attempt before has left. Raises FileEnded where it is not wanted any
        more.
        """
        found = self._find(account)
        if found is None or found.file != file or found.state in ("fetched", "outdated"):
            raise FileEnded
        if found.state != "making":
            return found
        unit.erase(found.pieces)
        fields = {"attempt": attempt, "piece_blobs": [], "bytes": 0, "writing": None}
        begun = self._change({"id": account}, **fields)
        if begun is None:
            raise FileEnded
        return begun

    def add_piece(self, file: PersonFile, content: bytes) -> PersonFile:
        """Store the next piece. Raises FileEnded, DiskFull."""
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
        """Raises FileEnded where it is not this attempt's any more."""
        own = {"id": file.id, "file": file.file, "attempt": file.attempt, "state": "making"}
        changed = self._change(own, **fields)
        if changed is None:
            raise FileEnded
        return changed

    @atomic
    def finish(self, unit: Unit, file: PersonFile, *, hold: Callable[[str], None]) -> PersonFile:
        """It can be fetched, for a day. `hold` refuses it where the account is being deleted."""
        hold(file.id)
        moment = now()
        end = moment + KEPT_FOR
        made = self._change_own(file, state="ready", made_at=moment, expires_at=end)
        unit.audit("person_file.make", by=file.id, target=file.id)
        self._outbox.add(Kind.FILE_MADE, to=file.id, about="my-data")
        return made

    def read(self, file: PersonFile) -> Iterator[bytes]:
        """Its bytes. Raises FileEnded where it is deleted meanwhile."""
        for key in file.piece_blobs:
            piece = self._blobs.find(key)
            if piece is None:
                raise FileEnded
            yield piece

    @atomic
    def mark_fetched(self, unit: Unit, file: PersonFile, *, by: str) -> None:
        """Delete its pieces: this account has fetched it whole."""
        ready = {"id": file.id, "file": file.file, "state": "ready"}
        if self._change(ready, state="fetched", fetched_at=now(), piece_blobs=[]):
            unit.erase(file.pieces)
            unit.audit("person_file.fetch", by=by, target=file.id)

    @atomic
    def delete(self, unit: Unit, *, account: str, by: str) -> None:
        """What is made, or waits to be fetched. Raises NoFile."""
        found = self.find(account)
        if found is None:
            raise NoFile
        self._delete(unit, found)
        unit.audit("person_file.delete", by=by, target=account)

    @atomic
    def forget(self, unit: Unit, account: str) -> None:
        """Delete what is stored of a file of this account. Idempotent."""
        if found := self._find(account):
            self._delete(unit, found)

    def _delete(self, unit: Unit, file: PersonFile) -> None:
        unit.erase(file.pieces)
        self._documents.delete({"id": file.id})

    def outdate(self, account: str) -> list[str]:
        """In the transaction that deletes a finding of this account: no file tells of it. Returns
        the keys of what is to be deleted after it.
        """
        found = self._find(account)
        if found is None or found.state not in ("making", "ready"):
            return []
        self._change({"id": account}, state="outdated", piece_blobs=[], writing=None)
        return found.pieces

    def find_unfinished(self) -> list[Document]:
        """Some that are being made, as far as is known, as they are stored."""
        return self._documents.find({"state": "making"}, limit=SWEPT_AT_ONCE)

    @atomic
    def empty(self, unit: Unit, file: PersonFile) -> None:
        """Delete the pieces of one whose job has ended without it."""
        unit.erase(file.pieces)
        own = {"id": file.id, "file": file.file, "state": "making"}
        self._change(own, piece_blobs=[], writing=None)

    def sweep(self) -> None:
        """Delete what has expired."""
        old = {"expires_at": {"$lt": now()}}
        for one in self._documents.find(old, sort="expires_at", limit=SWEPT_AT_ONCE, fields=()):
            self.forget(one["id"])


class PieceWriter:
    """What an archive is written to: it is stored in pieces."""

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

    def flush(self) -> None:
        """Only whole pieces are stored."""

    def end(self) -> PersonFile:
        """The file with its last piece. Nothing is written after it."""
        if self._waiting:
            self._store(len(self._waiting))
        return self.file

    def abandon(self) -> None:
        """What is written from now on goes nowhere: an archive that was not ended tries to end
        itself when it is forgotten.
        """
        self._abandoned = True

    def _store(self, size: int) -> None:
        self.file = self._files.add_piece(self.file, bytes(self._waiting[:size]))
        del self._waiting[:size]
