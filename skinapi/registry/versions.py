"""The stored model versions: the repository of the collection `models`, and their files as blobs.

Nothing spans two documents, so the order of writes is fixed, and `check` mends what a crash leaves:
- Adding: the files are verified, then stored as blobs, then comes the record. A crash leaves blobs
  that no record names.
- Deleting: the record becomes `deleting`, then the caller makes sure that no server needs it, then
  the record goes (or, of a version that has answered somebody, its list of files), then the blobs.
  A crash leaves a record that is `deleting`, or blobs that no record names.
Which version is in service is in the pointer (`pointer.py`), and not here.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from skinapi.errors import Conflict, Duplicate, ModelDamaged, NotFound
from skinapi.registry.errors import ModelChanged
from skinapi.registry.gates import PairedComparison, name_test_part, number
from skinapi.registry.slot import open_warm
from skinapi.registry.stored_fields import stored_fields
from skinapi.registry.version_files import StoredFile, read_file, store_files, write_files
from skinapi.registry.version_record import Change, ModelVersion, State, VersionSummary
from skinapi.storage.faults import Fault
from skinapi.storage.ids import CLOCK_TOLERANCE, new_id, now
from skinapi.storage.ports import Document, Store
from skinapi.vision.model import (
    FILE_NAME,
    ModelCard,
    copied_model,
    read_calibration,
    read_card,
    read_labels,
)
from skinapi.vision.model_files import BadFile, read_json
from skinapi.web.pagination import Page, page_of

# Words that are addresses below /models.
NO_VERSIONS = {"compare", "rollback"}
SPLIT = "split.json"
MOST_SPLIT_BYTES, MOST_SPLIT_VALUES = 16 * 1024 * 1024, 1_000_000
ATTEMPTS = 20
HEADLINE = ("macro_auc", "balanced_accuracy", "accuracy", "ece", "log_loss")
# The card has up to 4 MB, and a list needs none of it.
LISTED = (
    "created_at", "version", "state", "architecture", "headline", "files", "created_by",
    "parent", "dataset", "job", "served_at", "files_deleted_at", "revision",
)  # fmt: skip


class ModelVersions:
    """`opened` loads and tries a model; tests hand in what counts or fails."""

    def __init__(self, store: Store, *, opened: Callable[[Path], object] = open_warm) -> None:
        self._blobs = store.blobs
        self._opened = opened
        self._documents = store.collection("models")
        self._documents.ensure_index("version", unique=True)
        self._documents.ensure_index("job", "id")

    def register(
        self,
        folder: Path,
        *,
        created_by: str,
        parent: str | None = None,
        dataset: str | None = None,
        figures: Mapping[str, Any] | None = None,
        job: str | None = None,
        comparison: PairedComparison | None = None,
        reference_comparison: PairedComparison | None = None,
    ) -> ModelVersion:
        """Store the model of this folder, as `train` and `export` make it, as a candidate.

        `figures` are those of further test parts by name, each as `figures.test` of a card, with
        `test_part` (`name_test_part` of its pictures). Raises ModelDamaged, DiskFull, and Conflict
        where there is such a version.
        """
        with copied_model(folder) as copy:
            self._opened(copy)
            card = _checked_card(copy)
            existing = self.find_one(card.version)
            if existing:
                _refuse_other(existing, card)
            made: dict[str, Any] = {
                **_described(copy, card, figures or {}),
                "labels": list(read_labels(copy)),
                "created_by": created_by,
                "parent": parent,
                "dataset": dataset,
                "job": job,
                "comparison": _stored(comparison),
                "reference_comparison": _stored(reference_comparison),
            }
            files = store_files(self._blobs, copy)
        made["files"] = [stored_fields(file) for file in files]
        try:
            return self._attach(existing, made) if existing else self._insert(made)
        except Conflict:
            self._delete_blobs(files)
            raise

    def record_built_in(self, folder: Path, card: ModelCard) -> None:
        """Keep the card of a model that is served from a folder, so that its findings can be traced
        to it after it was replaced. Nothing where its version is recorded.
        """
        if not self._documents.find({"version": card.version}, limit=1, fields=("version",)):
            made = _described(folder, card, {})
            made["labels"] = list(read_labels(folder))
            with suppress(Duplicate):  # another process has just done it
                self._insert({**made, "created_by": "system", "served_at": now()}, "retired")

    def get(self, version: str) -> ModelVersion:
        """Raises NotFound."""
        found = self.find_one(version)
        if found is None:
            raise NotFound(f"There is no model version {version}")
        return found

    def find_one(self, version: str) -> ModelVersion | None:
        found = self._documents.find({"version": version}, limit=1)
        return ModelVersion.model_validate(found[0]) if found else None

    def find_made_by(self, job: str, *, since: datetime) -> ModelVersion | None:
        """The version that this job, begun then, has stored; None where it has not, or its files
        are deleted. An older version is of another job: their ids are short, and used again.
        """
        found = map(ModelVersion.model_validate, self._documents.find({"job": job}))
        earliest = since - CLOCK_TOLERANCE
        return next((one for one in found if one.servable and one.created_at > earliest), None)

    def find(self, *, after: str | None = None, limit: int = 100) -> Page[VersionSummary]:
        """The versions in the order in which they were added."""
        found = self._documents.find(after=after, limit=limit + 1, fields=LISTED)
        return page_of([VersionSummary.model_validate(each) for each in found], limit)

    def newest(self, *, limit: int) -> list[ModelVersion]:
        """The newest versions with their cards, the newest first."""
        found = self._documents.find(sort="-id", limit=limit)
        return [ModelVersion.model_validate(each) for each in found]

    def write_folder(self, version: str, folder: Path) -> None:
        """Write the files of this version into the folder, unless they are there already.

        Raises NotFound, and ModelDamaged where its files are deleted, gone or damaged.
        """
        found = self.get(version)
        if not found.servable:
            raise ModelDamaged(f"The files of {version} are deleted")
        write_files(self._blobs, found.files, folder)

    def read_split(self, version: str) -> bytes | None:
        """The content of its split.json; None where it came without one.

        Raises NotFound, and ModelDamaged as `write_folder` does.
        """
        file = next((file for file in self.get(version).files if file.name == SPLIT), None)
        return read_file(self._blobs, file) if file else None

    def change(
        self,
        version: str,
        decide: Callable[[ModelVersion], Document],
        *,
        unset: tuple[str, ...] = (),
    ) -> ModelVersion:
        """Change a record by compare-and-set: `decide` returns the new fields, none for no change.

        It is called again after each conflict. Raises NotFound, ModelChanged.
        """
        for _ in range(ATTEMPTS):
            found = self.get(version)
            fields = decide(found)
            if not fields and not unset:
                return found
            ops: Document = {"$set": fields, "$inc": {"revision": 1}}
            if unset:
                ops["$unset"] = dict.fromkeys(unset, True)
            changed = self._documents.update({"id": found.id, "revision": found.revision}, ops)
            if changed:
                return ModelVersion.model_validate(changed)
        raise ModelChanged

    def set_state(
        self,
        version: str,
        state: State,
        *,
        by: str,
        frm: tuple[State, ...],
        reason: str | None = None,
    ) -> ModelVersion:
        """Move it from one of these states to another. Raises NotFound, Conflict, ModelChanged."""

        def decide(found: ModelVersion) -> Document:
            if found.state not in frm:
                raise Conflict(
                    f"{version} is {found.state}; it must be {' or '.join(frm)} for this"
                )
            return _state_fields(found, state, by, reason)

        return self.change(version, decide)

    def remove(self, version: str) -> None:
        """Delete the files of a version that is `deleting`, and the record unless it has answered
        somebody: then it stays, so that findings can be traced to it. Idempotent.
        """
        found = self.find_one(version)
        if found is None or found.state != "deleting":
            return
        seen: Document = {"id": found.id, "revision": found.revision}
        if found.served_at is None:
            gone = self._documents.delete(seen) > 0
        else:
            ops: Document = {
                "$set": {
                    **_state_fields(found, "retired", "system", "its files were deleted"),
                    "files": [],
                    "files_deleted_at": now(),
                },
                "$inc": {"revision": 1},
            }
            gone = self._documents.update(seen, ops) is not None
        if gone:
            self._delete_blobs(found.files)

    def faults(self, needed: Collection[str | None]) -> Iterator[Fault]:
        """Deletions that were interrupted; `needed` are in service or a shadow."""
        after = None
        while True:
            page = self.find(after=after, limit=100)
            for found in page.items:
                if found.state == "deleting" and found.version not in needed:
                    says = f"the deletion of the model {found.version} was interrupted"
                    yield Fault(says, partial(self.remove, found.version))
                elif found.state == "deleting":
                    says = f"the model {found.version} is needed and marked as being deleted"
                    yield Fault(says, partial(self.keep, found.version))
            after = page.next_after
            if after is None:
                return

    def keep(self, version: str) -> None:
        """Take back the mark of a deletion."""
        self.set_state(version, "retired", by="system", frm=("deleting",))

    def _insert(self, made: Document, state: State = "candidate") -> ModelVersion:
        document = {"id": new_id(), "schema": 1, "created_at": now(), "revision": 1, **made}
        first = Change(state=state, by=made["created_by"], changed_at=document["created_at"])
        document |= {"state": state, "changes": [stored_fields(first)]}
        try:
            self._documents.insert(document)
        except Duplicate as error:
            raise Duplicate(f"There is a model version {made['version']} already") from error
        return ModelVersion.model_validate(document)

    def _attach(self, existing: ModelVersion, made: Document) -> ModelVersion:
        """Give a record without files its files (again)."""

        def decide(found: ModelVersion) -> Document:
            if found.files or found.state == "deleting":
                raise Conflict(f"There is a model version {found.version} already")
            return {"files": made["files"]}

        return self.change(existing.version, decide, unset=("files_deleted_at",))

    def _delete_blobs(self, files: tuple[StoredFile, ...]) -> None:
        for file in files:
            for key in file.piece_blobs:
                self._blobs.delete(key)


def _stored(comparison: PairedComparison | None) -> Document | None:
    return stored_fields(comparison) if comparison else None


def _state_fields(found: ModelVersion, state: State, by: str, reason: str | None) -> Document:
    if found.state == state:
        return {}
    change = Change(state=state, by=by, changed_at=now(), reason=reason)
    return {
        "state": state,
        "changes": [stored_fields(each) for each in (*found.changes, change)],
    }


def _checked_card(folder: Path) -> ModelCard:
    card = read_card(folder)
    if not FILE_NAME.fullmatch(card.version) or card.version in NO_VERSIONS:
        # It becomes the name of a folder, and a part of an address.
        raise ModelDamaged(
            "The version in card.json must be up to 100 letters, digits, dots, hyphens and "
            "underscores, must begin with a letter or digit, and cannot be a word of an address",
            file="card.json",
        )
    return card


def _refuse_other(existing: ModelVersion, card: ModelCard) -> None:
    """Only the same model may bring the files of a version that has none."""
    if existing.files or existing.state == "deleting":
        raise Conflict(f"There is a model version {card.version} already")
    if existing.read_card() != card:
        raise Conflict(f"Another model has the version {card.version} already: its card differs")


def _described(folder: Path, card: ModelCard, figures: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record that come from the card and the split."""
    own = card.figures.get("test")
    known = own if isinstance(own, dict) else {}
    found = {name: number(known.get(name)) for name in HEADLINE}
    return {
        "version": card.version,
        "architecture": card.architecture,
        "card": card.model_dump_json(),
        "headline": {name: value for name, value in found.items() if value is not None},
        "figures": json.dumps({name: each for name, each in figures.items() if name != "test"}),
        "test_part": _read_test_part(folder),
        "refuses_other_pictures": read_calibration(folder).skin is not None,
    }


def _read_test_part(folder: Path) -> str | None:
    """The test part that the folder's split names; None for a model that came without one."""
    if not (folder / SPLIT).is_file():
        return None
    try:
        split = read_json(
            folder,
            SPLIT,
            TypeAdapter(dict[str, list[str]]),
            most_bytes=MOST_SPLIT_BYTES,
            most_values=MOST_SPLIT_VALUES,
        )
    except BadFile as bad:
        raise ModelDamaged(f"The model cannot be added. {bad}", file=SPLIT) from bad
    return name_test_part(split["test"]) if split.get("test") else None
