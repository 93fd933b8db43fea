"""Writes a backup of a whole store while servers use it. The file's parts: backup_file.py."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

from skinapi.errors import BlobDamaged
from skinapi.storage.backup.backup_file import CHUNK_BYTES, BackupWriter, Counts, Progress, packed
from skinapi.storage.backup.restore import RESTORES
from skinapi.storage.faults import blob_keys
from skinapi.storage.ports import Document, Snapshot, Store
from skinapi.storage.sqlite.document_json import to_json


def write_backup(store: Store, out: IO[bytes], *, progress: Progress = lambda _: None) -> Counts:
    """Write a backup of the store to `out`. Servers may go on writing to the store.

    Everything that was stored before the call is in it. Needs memory for one chunk of documents
    and one blob; the keys of the blobs wait in a temporary file. A blob that no longer has its
    checksum is left out. Raises StoreUnavailable, OSError.
    """
    counts, writer = Counts(), BackupWriter(out)
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
        if name == RESTORES:
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
