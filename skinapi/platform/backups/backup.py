"""Writes a backup of a whole store while servers use it. The file's parts: backup_file.py."""

import json
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from skinapi.base.errors import BlobDamaged, BrokenBackup, Conflict
from skinapi.platform.backups.backup_file import (
    ABOUT,
    BLOB_MEMBER,
    CHUNK_BYTES,
    MEMBER,
    BackupWriter,
    Counts,
    Progress,
    begun_at_of,
    members_of,
    packed,
    store_of,
    unpacked,
    verify_backup,
)
from skinapi.platform.backups.erased_ids import COLLECTION as ERASED_IDS
from skinapi.platform.backups.erased_ids import Erased, ErasedIds, name_of_store
from skinapi.platform.sqlite.filter_to_sql import from_json, to_json
from skinapi.platform.storage.faults import blob_keys
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document, Snapshot, Store
from skinapi.platform.storage.store_version import STORE_COLLECTION

# Restores a backup into an empty store of either kind.


# The record of a restore that has not ended; a server does not start on such a store.
RESTORES = "restores"
# A person's file is there for a day: no backup keeps it longer (`privacy/person_file`).
PERSON_FILES = "person_files"
UNFINISHED = "unfinished"
ANOTHER_BEGUN = "Another restore into this store was begun, so this one ended: only one may run"


def restore_backup(
    store: Store,
    path: Path,
    *,
    progress: Progress = lambda _: None,
    leave_out: Collection[str] = (),
    erased: Iterable[Erased] = (),
    then: Callable[[], None] = lambda: None,
) -> Counts:
    """Put what the file holds into the store, which must be empty, but for the collections in
    `leave_out`. Returns what was restored. A store that holds only the record of its version, as
    `check` leaves it, and the ids of what was erased counts as empty. The record of the backup
    takes the place of the former; the latter stay, and `erased` and those of the backup join them.

    The whole file is verified first. `then` is called when all is in the store; it is part of the
    restore. One that was interrupted is begun anew by the next call; until one has ended, no server
    starts on the store (`refuse_unfinished_restore`).

    Raises BrokenBackup, StoreUnavailable, and Conflict if the store is not empty, or if another
    restore into it was begun meanwhile.
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
                erased_ids.merge(map(Erased.model_validate, documents))
            else:
                store.collection(chunk[1]).insert_many(documents)
            counts.documents += len(documents)
        elif chunk:
            _apply_changed(store, unpacked(data), counts)
        progress(counts)
    then()
    if not marks.delete({"id": UNFINISHED, "run": run}):
        raise Conflict(ANOTHER_BEGUN)
    return counts


def refuse_unfinished_restore(store: Store) -> None:
    """Raises Conflict if a restore into this store has not ended."""
    if store.collection(RESTORES).get(UNFINISHED):
        raise Conflict(
            "A restore into this store was interrupted: run `python -m skinapi restore` again"
        )


def _begin(store: Store, run: str) -> None:
    """Mark the store as one that this run restores. Clears it if it is marked already."""
    marks = store.collection(RESTORES)
    if marks.update({"id": UNFINISHED}, {"$set": {"run": run}}):
        for name in store.collections():
            if name not in (RESTORES, ERASED_IDS):
                store.collection(name).delete({})
        for key in list(store.blobs.keys()):
            store.blobs.delete(key)
        return
    others = set(store.collections()) - {STORE_COLLECTION, ERASED_IDS}
    used = any(store.collection(name).find(limit=1) for name in others)
    if used or any(store.blobs.keys()):
        raise Conflict("The store is not empty: a backup is restored into an empty one only")
    marks.insert({"id": UNFINISHED, "schema": 1, "created_at": now(), "run": run})
    store.collection(STORE_COLLECTION).delete({})


@dataclass(frozen=True, slots=True)
class BackupFacts:
    begun_at: datetime
    erased: list[Erased]
    store: str | None = None


def read_facts(path: Path) -> BackupFacts:
    """When the backup was begun, of which store, and what had been erased then. Reads the file's
    beginning. Raises BrokenBackup.
    """
    begun_at, store, erased = None, None, list[Erased]()
    for name, data in members_of(path):
        chunk = MEMBER.fullmatch(name)
        if name == ABOUT:
            begun_at, store = begun_at_of(data), store_of(data)
        elif not chunk or (chunk[1] or "") > ERASED_IDS:  # collections come by name
            break
        elif chunk[1] == ERASED_IDS:
            erased += [Erased.model_validate(from_json(line)) for line in unpacked(data)]
    if begun_at is None:
        raise BrokenBackup("it does not say when it was begun")
    return BackupFacts(begun_at, erased, store)


def _apply_changed(store: Store, lines: list[str], counts: Counts) -> None:
    for line in lines:
        entry = from_json(line)
        documents = store.collection(entry["collection"])
        documents.delete({"id": entry["id"]})
        if entry.get("document"):
            documents.insert(entry["document"])
        counts.changed += 1


def write_backup(store: Store, out: IO[bytes], *, progress: Progress = lambda _: None) -> Counts:
    """Write a backup of the store to `out`. Servers may go on writing to the store.

    Everything that was stored before the call is in it. Needs memory for one chunk of documents
    and one blob; the keys of the blobs wait in a temporary file. A blob that no longer has its
    checksum is left out. Raises StoreUnavailable, OSError.
    """
    counts, writer = Counts(), BackupWriter(out, store=name_of_store(store))
    with tempfile.TemporaryFile("w+") as references:
        with store.snapshot() as snapshot:
            _write_documents(snapshot, writer, references, counts, progress)
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
    """The documents as lines, as many as make a chunk. Notes which blobs each refers to."""
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
    """Blobs come after all documents, because a snapshot of MongoDB lasts minutes only."""
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
    """Whether the store has the blob. No two records share one, so each is added once."""
    data = store.blobs.find(key)
    if data is None:
        return False
    writer.add(f"blobs/{key}", data)
    counts.blobs += 1
    return True
