"""Restores a backup into an empty store of either kind."""

from collections.abc import Collection
from pathlib import Path

from skinapi.errors import Conflict
from skinapi.storage.backup.backup_file import (
    BLOB_MEMBER,
    MEMBER,
    Counts,
    Progress,
    members_of,
    unpacked,
    verify_backup,
)
from skinapi.storage.ids import new_id, now
from skinapi.storage.ports import Store
from skinapi.storage.sqlite.document_json import from_json
from skinapi.storage.store_version import STORE_COLLECTION

# The record of a restore that has not ended; a server does not start on such a store.
RESTORES = "restores"
UNFINISHED = "unfinished"
ANOTHER_BEGUN = "Another restore into this store was begun, so this one ended: only one may run"


def restore_backup(
    store: Store,
    path: Path,
    *,
    progress: Progress = lambda _: None,
    leave_out: Collection[str] = (),
) -> Counts:
    """Put what the file holds into the store, which must be empty, but for the collections in
    `leave_out`. Returns what was restored. A store that holds only the record of its version, as
    `check` leaves it, counts as empty; the backup's record takes its place.

    The whole file is verified first. A restore that was interrupted is begun anew by the next call;
    until one has ended, no server starts on the store (`refuse_unfinished_restore`).

    Raises BrokenBackup, StoreUnavailable, and Conflict if the store is not empty, or if another
    restore into it was begun meanwhile.
    """
    verify_backup(path)
    run = new_id()
    _begin(store, run)
    marks, counts = store.collection(RESTORES), Counts()
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
            store.collection(chunk[1]).insert_many(documents)
            counts.documents += len(documents)
        elif chunk:
            _apply_changed(store, unpacked(data), counts)
        progress(counts)
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
            if name != RESTORES:
                store.collection(name).delete({})
        for key in list(store.blobs.keys()):
            store.blobs.delete(key)
        return
    others = set(store.collections()) - {STORE_COLLECTION}
    used = any(store.collection(name).find(limit=1) for name in others)
    if used or any(store.blobs.keys()):
        raise Conflict("The store is not empty: a backup is restored into an empty one only")
    marks.insert({"id": UNFINISHED, "schema": 1, "created_at": now(), "run": run})
    store.collection(STORE_COLLECTION).delete({})


def _apply_changed(store: Store, lines: list[str], counts: Counts) -> None:
    for line in lines:
        entry = from_json(line)
        documents = store.collection(entry["collection"])
        documents.delete({"id": entry["id"]})
        if entry.get("document"):
            documents.insert(entry["document"])
        counts.changed += 1
