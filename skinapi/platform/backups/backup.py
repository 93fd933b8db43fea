import json
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Literal

from skinapi.base.errors import BlobDamaged, BrokenBackup, Conflict, NotFound
from skinapi.base.stored_record import StoredRecord
from skinapi.platform.backups.backup_file import (
    ABOUT,
    BLOB_MEMBER,
    CHUNK_BYTES,
    MEMBER,
    BackupWriter,
    Counts,
    Progress,
    members_of,
    packed,
    read_about,
    unpacked,
    verify_backup,
)
from skinapi.platform.backups.erased_ids import COLLECTION as ERASED_IDS
from skinapi.platform.backups.erased_ids import Erased, ErasedIds, name_of_store, read_erased
from skinapi.platform.storage.documents import from_json, to_json
from skinapi.platform.storage.faults import blob_keys
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document, Snapshot, Store
from skinapi.platform.storage.store_version import STORE_COLLECTION
from skinapi.platform.storage.unreadable import read_each

# The record of a restore that has not ended; a server does not start on such a store.
RESTORES = "restores"
# A person's file is there for a day: no backup keeps it longer (`privacy/person_file`).
PERSON_FILES = "person_files"
UNFINISHED = "unfinished"
ANOTHER_BEGUN = "Another restore into this store was begun, so this one ended: only one may run"
NOT_EMPTY = (
    "The store is not empty: a backup is restored into an empty one only. Take another place for "
    "it, and give the erased-ids.jsonl of this one with --erased: "
    "docs/operate/outages.md#a-lost-database"
)
COLLECTION = "backups"
MOST = 10_000  # 27 years of nightly backups
LOOKED_AT = 50  # the newest ones may be incomplete
Place = Literal["file", "folder", "stdout"]


def restore_backup(
    store: Store,
    path: Path,
    *,
    progress: Progress = lambda _: None,
    leave_out: Collection[str] = (),
    erased: Iterable[Erased] = (),
    then: Callable[[], None] = lambda: None,
) -> Counts:
    """Verify the whole backup, then copy it into an empty store, without the collections in
    `leave_out`.

    A store with only its version record, as `check` leaves it, and the ids of erased data counts as
    empty. The backup replaces the version record, and all lists of erased ids are merged. `then`
    runs after the copy and is part of the restore. An interrupted restore starts again with the
    next call; no server starts on the store before one is complete.
    """
    verify_backup(path)
    run = new_id()
    _begin(store, run)
    marks, counts, erased_ids = store.collection(RESTORES), Counts(), ErasedIds(store)
    erased_ids.merge(erased)
    for name, data in members_of(path):
        # A restore that begins anew clears the store. Without this look, the one before would go on
        # behind it, and at its end take away the mark of a store that is not whole.
        if (marks.get(UNFINISHED) or {}).get("run") != run:
            raise Conflict(ANOTHER_BEGUN)
        if blob := BLOB_MEMBER.fullmatch(name):
            store.blobs.put_as(blob[1], data)
            counts.blobs += 1
        elif (chunk := MEMBER.fullmatch(name)) and chunk[1] in leave_out:
            left = counts.left_out.get(chunk[1], 0)
            counts.left_out[chunk[1]] = left + sum(1 for _ in unpacked(data))
        elif chunk and chunk[1]:
            documents = [from_json(line) for line in unpacked(data)]
            if chunk[1] == ERASED_IDS:
                erased_ids.merge(map(read_erased, documents))
            else:
                store.collection(chunk[1]).insert_many(documents)
            counts.documents += len(documents)
        elif chunk:
            for entry in map(from_json, unpacked(data)):
                documents_of = store.collection(entry["collection"])
                documents_of.delete({"id": entry["id"]})
                if entry.get("document"):
                    documents_of.insert(entry["document"])
                counts.changed += 1
        progress(counts)
    then()
    if not marks.delete({"id": UNFINISHED, "run": run}):
        raise Conflict(ANOTHER_BEGUN)
    return counts


def refuse_unfinished_restore(store: Store) -> None:
    if store.collection(RESTORES).get(UNFINISHED):
        raise Conflict(
            "A restore into this store was interrupted: run `python -m skinapi restore` again"
        )


def _begin(store: Store, run: str) -> None:
    marks = store.collection(RESTORES)
    if marks.update({"id": UNFINISHED}, {"$set": {"run": run}}):
        for name in store.collections():
            if name not in (RESTORES, ERASED_IDS):
                store.collection(name).delete({})
        for key in list(store.blobs.keys()):
            store.blobs.delete(key)
        return
    others = set(store.collections()) - {STORE_COLLECTION, ERASED_IDS}
    # Files first: they are looked for at once, the collections one by one.
    if any(store.blobs.keys()) or any(store.collection(name).find(limit=1) for name in others):
        raise Conflict(NOT_EMPTY)
    marks.insert({"id": UNFINISHED, "schema": 1, "created_at": now(), "run": run})
    store.collection(STORE_COLLECTION).delete({})


@dataclass(frozen=True, slots=True)
class BackupFacts:
    begun_at: datetime
    erased: list[Erased]
    store: str | None = None


def read_facts(path: Path) -> BackupFacts:
    begun_at, store, erased = None, None, list[Erased]()
    for name, data in members_of(path):
        chunk = MEMBER.fullmatch(name)
        if name == ABOUT:
            begun_at, store = read_about(data)
        elif not chunk or (chunk[1] or "") > ERASED_IDS:  # collections come by name
            break
        elif chunk[1] == ERASED_IDS:
            erased += [read_erased(from_json(line)) for line in unpacked(data)]
    if begun_at is None:
        raise BrokenBackup("it does not say when it was begun")
    return BackupFacts(begun_at, erased, store)


def write_backup(store: Store, out: IO[bytes], *, progress: Progress = lambda _: None) -> Counts:
    """Write a backup of the store to `out` while servers may go on writing.

    It holds everything that was stored before the call, except blobs whose checksum is wrong. It
    needs memory for one chunk of documents and one blob.
    """
    counts, writer = Counts(), BackupWriter(out, store=name_of_store(store))
    with tempfile.TemporaryFile("w+") as references:
        with store.snapshot() as snapshot:
            _write_documents(snapshot, writer, references, counts, progress)
        # Blobs come after all documents, because a snapshot of MongoDB lasts minutes only.
        references.seek(0)
        _write_blobs(store, writer, references, counts, progress)
    writer.end(counts)
    return counts


def _write_documents(
    snapshot: Snapshot,
    writer: BackupWriter,
    references: IO[str],
    counts: Counts,
    progress: Progress,
) -> None:
    for name in snapshot.collections():
        if name in (RESTORES, PERSON_FILES):
            continue
        for number, chunk in enumerate(_chunks(snapshot.documents(name), name, references)):
            writer.add(f"documents/{name}/{number:06}.jsonl.gz", packed(chunk))
            counts.add_documents(name, len(chunk))
            progress(counts)


def _chunks(documents: Iterator[Document], name: str, references: IO[str]) -> Iterator[list[str]]:
    lines: list[str] = []
    size = 0
    for document in documents:
        for key in dict.fromkeys(key for _, key in blob_keys(document)):
            references.write(json.dumps([name, document["id"], key]) + "\n")
        lines.append(to_json(document))
        size += len(lines[-1])
        if size > CHUNK_BYTES:
            yield lines
            lines, size = [], 0
    if lines:
        yield lines


def _write_blobs(
    store: Store, writer: BackupWriter, references: IO[str], counts: Counts, progress: Progress
) -> None:
    for line in references:
        name, identifier, key = json.loads(line)
        try:
            added = _add_blob(store, writer, key, counts)
        except BlobDamaged:
            counts.damaged.append(key)
            continue
        progress(counts)
        if added:
            continue
        # Deleted since the snapshot: the document has changed too, or is gone.
        newest = store.collection(name).get(identifier)
        for _, later in blob_keys(newest):
            with suppress(BlobDamaged):
                _add_blob(store, writer, later, counts)
        entry = {"collection": name, "id": identifier, "document": newest}
        writer.add(f"changed/{counts.changed:06}.jsonl.gz", packed([to_json(entry)]))
        counts.changed += 1


def _add_blob(store: Store, writer: BackupWriter, key: str, counts: Counts) -> bool:
    data = store.blobs.find(key)
    if data is None:
        return False
    writer.add(f"blobs/{key}", data)
    counts.blobs += 1
    return True


class BackupMade(StoredRecord):
    """A backup that was made of this store. Copies of it, or of the disk, are unknown here.

    Data erased before `created_at`, when it was begun, is not in it. A backup without `written_at`
    was interrupted and may have left a partial file. `gone_at` is when it was known to be deleted,
    by `--keep` or by the operator.
    """

    id: str
    created_at: datetime
    place: Place
    name: str | None = None
    written_at: datetime | None = None
    gone_at: datetime | None = None
    gone: Literal["removed", "destroyed"] | None = None


def begin_backup(store: Store, *, place: Place, name: str | None) -> str:
    made = BackupMade(id=new_id(), created_at=now(), place=place, name=name)
    store.collection(COLLECTION).insert({**made.stored(), "schema": 1})
    return made.id


def end_backup(store: Store, identifier: str) -> None:
    store.collection(COLLECTION).update({"id": identifier}, {"$set": {"written_at": now()}})


def list_backups(store: Store) -> list[BackupMade]:
    documents = store.collection(COLLECTION).find(sort="-id", limit=MOST)
    return [*read_each(COLLECTION, documents, BackupMade.model_validate)]


def find_last_backup(store: Store) -> datetime | None:
    documents = store.collection(COLLECTION).find(sort="-id", limit=LOOKED_AT)
    return next((made["written_at"] for made in documents if made.get("written_at")), None)


def note_removed(store: Store, names: Iterable[str]) -> None:
    gone = {"gone_at": now(), "gone": "removed"}
    for name in names:
        store.collection(COLLECTION).update_all({"name": name, "gone_at": None}, {"$set": gone})


def note_destroyed(store: Store, identifier: str) -> None:
    gone = {"gone_at": now(), "gone": "destroyed"}
    still = {"id": identifier, "gone_at": None}
    if not store.collection(COLLECTION).update(still, {"$set": gone}):
        raise NotFound(f"No backup with the id {identifier} is known that still exists")
