"""The repository of model versions, with their files as blobs.

Files are verified and stored before the record, and deleted after it: a crash leaves unreferenced
blobs, which `check` removes.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from skinapi.base.errors import (
    Conflict,
    Duplicate,
    ModelDamaged,
    NotFound,
    SkinAPIError,
    StoreUnavailable,
)
from skinapi.base.pages import Page, PageRequest, page_of
from skinapi.base.values import finite_number
from skinapi.model.network.model import (
    FILE_NAME,
    SPLIT,
    ModelCard,
    copied_model,
    read_calibration,
    read_card,
    read_labels,
)
from skinapi.model.registry.prediction_pool import open_warm
from skinapi.model.registry.stored_version import (
    BROUGHT,
    ModelVersion,
    Origin,
    VersionSummary,
)
from skinapi.model.registry.version_files import StoredFile, read_file, store_files, write_files
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document, Store, set_or_remove
from skinapi.platform.storage.records import Repository, in_transaction
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork

CLOCK_SKEW = timedelta(hours=1)  # between a worker and the servers
# Reserved words: addresses below /models.
RESERVED_NAMES = {"rollback", "operating-point"}
HEADLINE = ("macro_auc", "balanced_accuracy", "accuracy", "ece", "log_loss", "lesions")
# With one picture of each lesion, as on the page of a version.
BY_LESION = ("macro_auc", "named_balanced_accuracy")
# The card has up to 4 MB, and a list needs none of it.
LISTED = tuple(name for name in VersionSummary.model_fields if name != "id")


class ModelVersions(Repository[ModelVersion]):
    collection, record = "models", ModelVersion
    indexes = (("job", "id"),)
    unique = (("version",),)

    def __init__(
        self, store: Store, work: UnitOfWork, *, opened: Callable[[Path], object] = open_warm
    ) -> None:
        super().__init__(store)
        self._work, self._blobs, self._opened = work, store.blobs, opened

    def register(self, folder: Path, *, created_by: str, origin: Origin = BROUGHT) -> ModelVersion:
        with copied_model(folder) as copy:
            self._opened(copy)
            card = _read_valid_card(copy)
            self._refuse_other(card)
            made: dict[str, Any] = {
                **_described(copy, card),
                "created_by": created_by,
                **origin.stored(),
            }
            files = store_files(self._blobs, copy)
        made["files"] = [file.stored() for file in files]
        try:
            return self._work.run(partial(self._add, made, card))
        except StoreUnavailable:
            raise  # without an answer, the record may be stored
        except SkinAPIError:
            for key in _blobs_of(files):
                self._blobs.delete(key)
            raise

    def record_built_in(self, folder: Path, card: ModelCard) -> None:
        """Keep the card of a model that is served from a folder: findings name it."""
        if not self._documents.find({"version": card.version}, limit=1, fields=("version",)):
            made = {**_described(folder, card), "created_by": "system", "served_at": now()}
            with suppress(Duplicate):  # another process was first
                self._insert(made)

    def get(self, version: str, /) -> ModelVersion:
        stored = self.find(version)
        if stored is None:
            raise NotFound(f"There is no model version {version}")
        return stored

    def find(self, version: str, /) -> ModelVersion | None:
        return self._first({"version": version})

    def find_made_by(self, job: str, *, since: datetime) -> ModelVersion | None:
        """Find what this job has stored. An older one belongs to another job: short ids repeat."""
        earliest = since - CLOCK_SKEW
        made = (each for each in self._list({"job": job}) if each.created_at > earliest)
        return next((each for each in made if each.servable), None)

    def page_versions(self, paging: PageRequest) -> Page[VersionSummary]:
        rows = self._documents.find(after=paging.after, limit=paging.limit + 1, fields=LISTED)
        return page_of(rows, paging).map_all(partial(self._read_each_as, VersionSummary))

    def list_newest(self, *, limit: int) -> list[ModelVersion]:
        return self._list(sort="-id", limit=limit)

    def write_folder(self, version: str, folder: Path) -> None:
        stored = self.get(version)
        if not stored.servable:
            raise ModelDamaged(f"The files of {version} are deleted")
        write_files(self._blobs, stored.files, folder)

    def read_split(self, version: str) -> bytes | None:
        file = next((file for file in self.get(version).files if file.name == SPLIT), None)
        return read_file(self._blobs, file) if file else None

    @in_transaction
    def change(self, version: str, decide: Callable[[ModelVersion], Document]) -> ModelVersion:
        """Set the fields that `decide` returns, and remove those that are None. The revision always
        changes, so that one of two concurrent decisions is repeated.
        """
        stored = self.get(version)
        ops = set_or_remove(decide(stored)) | {"$inc": {"revision": 1}}
        return ModelVersion.model_validate(self._documents.update({"id": stored.id}, ops))

    def mark_served(self, version: str) -> None:
        def decide(stored: ModelVersion) -> Document:
            stored.refuse_without_files()
            return {} if stored.served_at else {"served_at": now()}

        self.change(version, decide)

    def remove(self, unit: Unit, version: str) -> None:
        stored = self.get(version)
        if stored.served_at is None:
            self._documents.delete({"id": stored.id})
        else:
            self.change(version, lambda _: {"files": [], "files_deleted_at": now()})
        unit.erase(_blobs_of(stored.files))

    def _add(self, made: Document, card: ModelCard, unit: Unit) -> ModelVersion:
        unit.audit("model.add", by=made["created_by"], target=card.version)
        if not self._refuse_other(card):
            return self._insert(made)
        files = {"files": made["files"], "files_deleted_at": None}
        return self.change(card.version, lambda _: files)

    def _refuse_other(self, card: ModelCard) -> bool:
        existing = self.find(card.version)
        if existing is None:
            return False
        if existing.files:
            raise Conflict(f"There is a model version {card.version} already")
        if existing.read_card() != card:
            raise Conflict(
                f"Another model has the version {card.version} already: its card differs"
            )
        return True

    def _insert(self, made: Document) -> ModelVersion:
        document = {"id": new_id(), "schema": 1, "created_at": now(), "revision": 1, **made}
        self._documents.insert(document)
        return ModelVersion.model_validate(document)


def _blobs_of(files: Iterable[StoredFile]) -> list[str]:
    return [key for file in files for key in file.piece_blobs]


def _read_valid_card(folder: Path) -> ModelCard:
    card = read_card(folder)
    if not FILE_NAME.fullmatch(card.version) or card.version in RESERVED_NAMES:
        # It becomes a folder's name and part of an address.
        raise ModelDamaged(
            "The version in card.json must be up to 100 letters, digits, dots, hyphens and "
            "underscores, must begin with a letter or digit, and cannot be a word of an address",
            file="card.json",
        )
    return card


def _described(folder: Path, card: ModelCard) -> dict[str, Any]:
    own = card.figures.get("test")
    return {
        "version": card.version,
        "architecture": card.architecture,
        "card": card.model_dump_json(),
        "headline": _headline(own) if isinstance(own, dict) else {},
        "labels": list(read_labels(folder)),
        "refuses_other_pictures": read_calibration(folder).skin is not None,
    }


def _headline(own: Mapping[str, Any]) -> dict[str, float]:
    figures = {name: finite_number(own.get(name)) for name in HEADLINE}
    by_lesion = own.get("one_per_lesion")
    if isinstance(by_lesion, dict):
        figures |= {f"by_lesion_{name}": finite_number(by_lesion.get(name)) for name in BY_LESION}
    return {name: value for name, value in figures.items() if value is not None}
