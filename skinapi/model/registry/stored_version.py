from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from skinapi.base.errors import Conflict
from skinapi.base.stored_record import StoredRecord
from skinapi.model.network.model import ModelCard
from skinapi.model.registry.gates import ComparedVersion, PairedComparison
from skinapi.model.registry.version_files import StoredFile


class PatientPictures(StoredRecord):
    """How many `pictures` of this server's patients a version was trained on, and how many of its
    data set had been erased before.
    """

    pictures: int
    erased_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    version: str
    pictures: int
    erased: int | None


class Origin(StoredRecord):
    """The origin of a version made by a job. `comparison` is on its own test part. `started_from`
    is the version that its weights were initialised from.
    """

    parent: str | None = None
    dataset: str | None = None
    job: str | None = None
    patient_pictures: PatientPictures | None = None
    started_from: str | None = None
    comparison: PairedComparison | None = None
    reference_comparison: PairedComparison | None = None


# By an operator, from a folder.
BROUGHT: Origin = Origin()


class VersionSummary(StoredRecord):
    id: str
    created_at: datetime
    version: str
    architecture: str
    headline: Mapping[str, float] = {}
    files: tuple[StoredFile, ...] = ()
    created_by: str
    parent: str | None = None
    dataset: str | None = None
    job: str | None = None
    served_at: datetime | None = None
    files_deleted_at: datetime | None = None
    revision: int

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def servable(self) -> bool:
        return bool(self.files)

    def refuse_without_files(self) -> None:
        if not self.servable:
            raise Conflict(f"The files of {self.version} are deleted")


class ModelVersion(VersionSummary):
    card: str
    labels: tuple[str, ...] = ()
    refuses_other_pictures: bool = False
    patient_pictures: PatientPictures | None = None
    started_from: str | None = None
    comparison: PairedComparison | None = None
    reference_comparison: PairedComparison | None = None

    def read_card(self) -> ModelCard:
        return ModelCard.model_validate_json(self.card)

    def for_gates(self) -> ComparedVersion:
        return ComparedVersion(
            version=self.version,
            comparisons=tuple(filter(None, (self.comparison, self.reference_comparison))),
            refuses_other_pictures=self.refuses_other_pictures,
        )
